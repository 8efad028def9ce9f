"""sRGB ↔ linear light (IEC 61966-2-1), and curves: what maps each channel by itself, as a table of 256 levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.colorimetry import to_linear
from edge_iqa.pixels import Pixels

Levels = NDArray[np.float64]
"""One value (0 to 1) for each of the 256 levels; 256 x 3 where channels differ."""

LUMA = np.array((0.2126, 0.7152, 0.0722))
"""Weights of linear R, G and B in luminance (ITU-R BT.709)."""


def to_srgb(light: NDArray[np.floating]) -> NDArray[np.float64]:
    """Encode linear light as sRGB; what lies outside 0-1 clips."""
    light = np.clip(np.asarray(light, np.float64), 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


ENCODED: Levels = np.arange(256) / 255
"""The 256 levels, 0 to 1."""
LINEAR: Levels = to_linear(ENCODED)
"""Their light, 0 to 1."""


def apply_curve(pixels: Pixels, levels: Levels) -> Pixels:
    """Map every channel through a table.

    Args:
        pixels: uint8 HxWx3, RGB.
        levels: 256, or 256 x 3, sRGB-encoded, 0-1; what lies outside clips.

    Returns:
        uint8 HxWx3, a new array.
    """
    table = np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)
    if table.ndim == 2:
        table = np.ascontiguousarray(table[None])
    mapped: Pixels = opencv.load().LUT(pixels, table)
    return mapped
