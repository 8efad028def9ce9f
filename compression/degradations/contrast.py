"""A tone curve too flat, or too steep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength

FLATTEN = (0.10, 0.22, 0.36, 0.52, 0.68, 0.86)
"""Share of the tone range that is lost."""
STEEPEN = (1.12, 1.35, 1.65, 2.1, 2.8, 5.0)
"""Slope of the curve in its middle."""


def low_contrast(
    image: NDArray[np.float32], severity: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Squeeze all tones towards a gray near the photo's own mean."""
    lost = np.float32(strength(severity, FLATTEN))
    gray = np.float32(np.clip(image.mean() + rng.normal(0, 0.08), 0.2, 0.8))
    return image + (gray - image) * lost


def high_contrast(
    image: NDArray[np.float32], severity: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A steep curve through a middle gray: shadows drown, lights burn out."""
    slope = np.float32(strength(severity, STEEPEN))
    middle = np.float32(np.clip(np.median(image) + rng.normal(0, 0.05), 0.3, 0.7))
    return np.clip(middle + (image - middle) * slope, 0, 1)
