"""Mild noise as phones leave it after their own denoising: a few levels of 255, often in blotches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength, viewing_scale
from edge_iqa import opencv

SIGMA = (1.2, 2.0, 3.0, 4.2, 6.0, 9.0)
"""Standard deviation in levels of 255, as it is seen at viewing scale."""


def grain(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add gaussian noise to the encoded photo: fine or blotchy, gray or colored."""
    scale = viewing_scale(image)
    gray = rng.random() < 0.4
    field = rng.standard_normal((*image.shape[:2], 1 if gray else 3), np.float32)
    reach = (scale - 1) * 0.7 + (rng.uniform(0.5, 1.4) if rng.random() < 0.5 else 0.0)
    if reach >= 0.35:
        field = opencv.load().GaussianBlur(field, (0, 0), reach).reshape(field.shape)
        field = field / max(float(field.std()), 1e-6)
    return np.clip(image + field * np.float32(strength(severity, SIGMA) / 255), 0, 1)
