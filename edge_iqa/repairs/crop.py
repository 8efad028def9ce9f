"""Crop: to the fill and the shape that a marketplace asks for, or a plain background continued to that shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa import opencv
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.background import estimate_color
from edge_iqa.repairs.context import Context

_SHORT = 0.98
"""A part so much too small is made as large as it must be: the product spans hardly less than was asked for."""


@dataclass(frozen=True)
class Crop:
    """A part of the photo. Where it reaches beyond the photo, the background is continued.

    Attributes:
        left, top, right, bottom: as shares of the photo's sides; below 0 or above 1 lies outside.
    """

    left: float
    top: float
    right: float
    bottom: float

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Cut it out, at the photo's own scale. Strength is how far the edges move."""
        if not strength:
            return pixels
        height, width = pixels.shape[:2]
        left, right = round(strength * self.left * width), round((1 + strength * (self.right - 1)) * width)
        top, bottom = round(strength * self.top * height), round((1 + strength * (self.bottom - 1)) * height)
        inner = pixels[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
        margins = max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width)
        if not any(margins):
            return np.ascontiguousarray(inner)
        color = tuple(int(each) for each in estimate_color(pixels, context))
        cv2 = opencv.load()
        padded: Pixels = cv2.copyMakeBorder(inner, *margins, cv2.BORDER_CONSTANT, value=color)
        return padded


def plan(
    product: tuple[float, float, float, float],
    size_px: tuple[int, int],
    *,
    fill: float | None,
    aspect_ratio: float | None,
    shortest_px: int,
    may_pad: bool,
) -> Crop | None:
    """Find the part that shows the product in the middle, as large and in the shape that was asked for.

    Args:
        product: left, top, width, height, as shares of the photo.
        size_px: width and height of the photo.
        fill: share of the part's width or height that the product shall span, the larger of the two;
            None: as it is.
        aspect_ratio: width over height of the part; None: that of the photo.
        shortest_px: the part's longer side has at least so many pixels.
        may_pad: the background is plain, so that it may be continued beyond the photo.

    Returns:
        None where no part of the photo fits: too few pixels would be left, the product would be cut, or
        the part would reach beyond a photo that may not be padded.
    """
    width, height = size_px
    left, top, wide, tall = product[0] * width, product[1] * height, product[2] * width, product[3] * height
    if wide <= 0 or tall <= 0:
        return None
    shape = aspect_ratio or width / height
    share = fill or max(wide / width, tall / height)
    # the narrowest part of that shape in which the product spans no more than `share`
    part_width = max(wide, tall * shape) / share
    if fill is not None and max(1.0, 1 / shape) * part_width < _SHORT * shortest_px:
        return None
    part_width = max(part_width, shortest_px * min(1.0, shape))
    part_height = part_width / shape
    if not may_pad:
        fit = min(1.0, width / part_width, height / part_height)
        part_width, part_height = part_width * fit, part_height * fit
        if part_width < wide or part_height < tall or max(part_width, part_height) < shortest_px:
            return None
    x, y = left + wide / 2 - part_width / 2, top + tall / 2 - part_height / 2
    if not may_pad:
        x, y = min(max(0.0, x), width - part_width), min(max(0.0, y), height - part_height)
    return Crop(x / width, y / height, (x + part_width) / width, (y + part_height) / height)
