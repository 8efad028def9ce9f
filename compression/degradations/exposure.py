"""Too little or too much light, with real clipping at both ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength, to_linear, to_srgb

UNDER_EV = (0.35, 0.9, 1.5, 2.1, 2.7, 4.0)
OVER_EV = (0.3, 0.6, 1.0, 1.5, 2.1, 3.0)
_READ_NOISE = 0.0008


def under_exposure(
    image: NDArray[np.float32], severity: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Darken by 0.35 to 4 stops; the sensor's read noise stays, so shadows drown in it.

    One in four has its shadows lifted afterwards, as phones do: less dark, flat and grainy.
    """
    light = to_linear(image) * np.float32(2.0 ** -strength(severity, UNDER_EV))
    dark = to_srgb(light + rng.normal(0, _READ_NOISE * severity, light.shape).astype(np.float32))
    if rng.random() < 0.25:
        lift = np.float32(0.12 + 0.18 * severity)
        dark = dark + lift * (1 - dark) ** 6 * np.float32(severity)
    return np.clip(dark, 0, 1)


def over_exposure(
    image: NDArray[np.float32], severity: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Brighten by 0.3 to 3 stops; what passes the full well is white for good."""
    return to_srgb(to_linear(image) * np.float32(2.0 ** strength(severity, OVER_EV)))
