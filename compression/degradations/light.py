"""sRGB ↔ linear light (IEC 61966-2-1): optics and sensors add light, not code values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def to_linear(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decode sRGB 0-1 to linear light 0-1."""
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Encode linear light as sRGB; what is outside 0-1 clips, as a sensor's full well does."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def pixel_scale(image: NDArray[np.float32]) -> float:
    """How many pixels one unit of blur spans: 1 for a photo of 400 px short side, more for larger ones.

    A lens blurs a share of the picture, not a number of pixels.
    """
    return min(image.shape[:2]) / 400
