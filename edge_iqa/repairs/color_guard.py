"""How far a repair moved the product's color: a red dress must stay that red."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.colorimetry import TO_XYZ
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.light import LINEAR

_SIDE_PX = 256
_NEUTRAL_PX = 128
_DARKEST = 0.004
"""Luminance below which 8 bits no longer tell a color."""


def color_shift(before: Pixels, after: Pixels, product: NDArray[np.bool_] | None = None) -> float:
    """Mean distance in CIE 1976 u'v' between two versions of a photo.

    Both are averaged in linear light to a few pixels, so that noise and its removal do not count; what is
    too dark in either to have a color is left out.

    Args:
        before, after: uint8 HxWx3 of one size, RGB.
        product: bool, of any size and the photo's shape: where to look; None: everywhere.

    Returns:
        0 where no pixel is bright enough.
    """
    first, light = _to_chromaticity(before)
    second, changed = _to_chromaticity(after)
    counts = (light > _DARKEST) & (changed > _DARKEST)
    if product is not None and product.any():
        size = light.shape[::-1]
        mask = opencv.load().resize(product.astype(np.uint8), size, interpolation=opencv.load().INTER_NEAREST)
        counts &= mask > 0
    if not counts.any():
        return 0.0
    return float(np.hypot(*np.moveaxis(first - second, -1, 0))[counts].mean())


def neutral_share(pixels: Pixels) -> float:
    """How much of a photo is gray or nearly: the mean over its pixels of exp(-(C* / 8)^2), 0-1.

    What is gray in truth is gray under the right white only, so a true correction of a cast raises it; the
    colors of a product, taken for a cast and "corrected", cost the photo its grays.
    """
    cv2 = opencv.load()
    small = cv2.resize(pixels, (_NEUTRAL_PX, _NEUTRAL_PX), interpolation=cv2.INTER_AREA)
    lightness, a, b = cv2.split(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))
    counts = (lightness > 20) & (lightness < 98)  # black and burnt-out white are gray under any light
    return float((np.exp(-np.square(np.hypot(a, b) / 8)) * counts).mean())


def _to_chromaticity(pixels: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return u'v' (h x w x 2) and luminance (h x w) of a small copy."""
    cv2 = opencv.load()
    scale = min(1.0, _SIDE_PX / max(pixels.shape[:2]))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    if scale < 0.5:  # most of the averaging in 8 bits, or a large photo would fill the memory
        middle = 2 * size[0], 2 * size[1]
        pixels = cv2.resize(pixels, middle, interpolation=cv2.INTER_AREA)
    light = cv2.resize(LINEAR[pixels], size, interpolation=cv2.INTER_AREA)
    x, y, z = np.moveaxis(light @ TO_XYZ.T, -1, 0)
    below = np.maximum(x + 15 * y + 3 * z, 1e-9)
    return np.stack([4 * x / below, 9 * y / below], -1), y
