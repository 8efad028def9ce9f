"""Noise that a phone wiped away, and the fine texture with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength, viewing_scale
from compression.degradations.noise import noise
from edge_iqa import opencv

TOLERANCE = (0.04, 0.09, 0.15, 0.22, 0.32, 0.5)
"""How large a difference (of 0-1) the smoothing takes for noise."""


def smear(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise, then a strong edge-keeping filter (bilateral, Tomasi & Manduchi 1998): flat patches, hard edges."""
    cv2 = opencv.load()
    noisy = noise(image, 0.35 * severity, rng)
    reach = (1.0 + 3.5 * severity) * viewing_scale(image)
    smooth = noisy
    for _ in range(2):
        smooth = cv2.bilateralFilter(
            smooth, int(2 * round(1.5 * reach) + 1), strength(severity, TOLERANCE), reach
        )
    return np.clip(smooth, 0, 1)
