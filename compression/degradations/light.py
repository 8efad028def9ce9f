"""sRGB ↔ linear light (IEC 61966-2-1): optics and sensors add light, not code values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

VIEWING_PX = 1600
"""The long side at which a shopper's zoom shows a photo."""


def to_linear(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decode sRGB 0-1 to linear light 0-1."""
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Encode linear light as sRGB; what is outside 0-1 clips, as a sensor's full well does."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def viewing_scale(image: NDArray[np.float32]) -> float:
    """How many pixels of the photo make one pixel that a shopper sees: 1 up to 1600 px, more above.

    A blur of 3 px in a photo 4000 px wide is one of 1.2 px in what is looked at.
    """
    return max(1.0, max(image.shape[:2]) / VIEWING_PX)


def strength(severity: float, knots: Sequence[float]) -> float:
    """A fault's physical strength: linear between knots that lie evenly over severities 0 to 1.

    The knots were chosen so that equal steps of severity move the metrics by equal amounts on
    average (`python -m compression.severities` measures it).
    """
    return float(np.interp(severity, np.linspace(0, 1, len(knots)), knots))
