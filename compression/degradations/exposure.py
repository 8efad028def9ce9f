"""Too little or too much light, with real clipping at both ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import to_linear, to_srgb

_MAX_UNDER_EV = 4.5
_MAX_OVER_EV = 3.0
_READ_NOISE = 0.0008


def under_exposure(
    image: NDArray[np.float32], severity: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Darken by 0.4 to 4.5 stops; the sensor's read noise stays, so shadows drown in it."""
    stops = 0.4 + (_MAX_UNDER_EV - 0.4) * severity
    light = to_linear(image) * np.float32(2.0**-stops)
    return to_srgb(light + rng.normal(0, _READ_NOISE * severity, light.shape).astype(np.float32))


def over_exposure(
    image: NDArray[np.float32], severity: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Brighten by 0.3 to 3 stops; what passes the full well is white for good."""
    stops = 0.3 + (_MAX_OVER_EV - 0.3) * severity
    return to_srgb(to_linear(image) * np.float32(2.0**stops))
