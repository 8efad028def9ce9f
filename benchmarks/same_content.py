"""What the teacher compares where a repair moved the picture: the same content, before and after.

The teacher was taught no geometry. Its score of one photo moves by several points when the photo is turned by some
degrees, and comes back when it is turned back; so the plain figure of a turned photo says how its views lie, beside
what the repair did. Here both are brought to the same content:

- a turned photo is turned back, by the same angle. Its pixels were interpolated twice then, so that what a turn costs
  shows twice, and stricter than it is seen;
- a cropped photo is compared with that part of the spoiled photo. Its pixels are copies, and can differ only where
  the background was continued;
- of a new background, the spoiled photo's product is cut out by its true outline and laid on white.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.repairs.background import WhiteBackground
from edge_iqa.repairs.base import Step
from edge_iqa.repairs.crop import Crop
from edge_iqa.repairs.straighten import Straighten, inner_share

Pixels = NDArray[np.uint8]


def match_content(
    before: Pixels, after: Pixels, step: Step, product: NDArray[np.uint8] | None
) -> tuple[Pixels, Pixels] | None:
    """Bring a spoiled and a repaired photo to the same content.

    Args:
        before, after: uint8 HxWx3, RGB.
        step: the one repair that was made.
        product: uint8 HxW, 255 on the product, of `before`; None where nobody drew it.

    Returns:
        Both; None where the repair moved nothing, or the outline that is needed is not known.
    """
    if isinstance(step.repair, Straighten):
        return _turn_back(before, after, step.strength * step.repair.lean_degrees)
    if isinstance(step.repair, Crop):
        return _cut_alike(before, after, step.repair)
    if isinstance(step.repair, WhiteBackground) and product is not None:
        cover = product[..., None] / 255.0
        return np.round(before * cover + 255 * (1 - cover)).astype(np.uint8), after
    return None


def _turn_back(before: Pixels, after: Pixels, degrees: float) -> tuple[Pixels, Pixels]:
    cv2 = opencv.load()
    height, width = after.shape[:2]
    middle = (width - 1) / 2, (height - 1) / 2
    back = cv2.warpAffine(
        after,
        cv2.getRotationMatrix2D(middle, -degrees, 1.0),
        (width, height),
        flags=cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    if after.shape == before.shape:
        return before, back
    share = inner_share(width, height, degrees)
    size = math.floor(height * share), math.floor(width * share)
    return _cut_middle(before, size), _cut_middle(back, size)


def _cut_middle(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    top, left = ((side - wanted) // 2 for side, wanted in zip(pixels.shape[:2], size, strict=True))
    return np.ascontiguousarray(pixels[top : top + size[0], left : left + size[1]])


def _cut_alike(before: Pixels, after: Pixels, crop: Crop) -> tuple[Pixels, Pixels]:
    height, width = before.shape[:2]
    left, top = round(crop.left * width), round(crop.top * height)
    right, bottom = left + after.shape[1], top + after.shape[0]
    part = before[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    row, column = max(0, -top), max(0, -left)
    same = after[row : row + part.shape[0], column : column + part.shape[1]]
    return np.ascontiguousarray(part), np.ascontiguousarray(same)
