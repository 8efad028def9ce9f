"""Products cut out of photos that stand on a plain light board."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.scenes.materials import Painted
from edge_iqa import opencv

_BORDER = 0.06
_EDGE = 1.6
"""Lab units per pixel: steeper is an edge, softer is light that falls off."""
_LEAST, _MOST = 0.04, 0.62
"""Share of the photo that a product may take: less is a crumb, more leaves no board to learn from."""


def cut_out(pixels: NDArray[np.uint8]) -> Painted | None:
    """Cut the product off its board.

    The board's color is a smooth surface fitted to the photo's border (light falls off across it);
    what is enclosed by edges is product, a soft shadow is not.

    Args:
        pixels: uint8 HxWx3, RGB.

    Returns:
        RGB float32 hxwx3 0-1 and coverage hxw 0-1 in the product's own rectangle, at the photo's own
        scale; None where there is no plain board, or no product that stands free on it.
    """
    cv2 = opencv.load()
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    height, width = lab.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)
    edge = np.ones((height, width), bool)
    rows, columns = round(height * _BORDER), round(width * _BORDER)
    edge[rows:-rows, columns:-columns] = False
    board, flat = terms @ _fit(terms[edge], lab[edge]), np.zeros(3, np.float32)
    flat[:] = np.abs(lab[edge] - board[edge]).mean(0)
    if board[..., 0].mean() < 55 or flat[0] > 3 or flat[1:].max() > 2.5:
        return None
    gap = lab - board
    # the board is all that is reached from the border without crossing an edge: shadows are soft
    soft = cv2.GaussianBlur(gap, (0, 0), 1.2)
    steps = np.hypot(cv2.Scharr(soft, -1, 1, 0), cv2.Scharr(soft, -1, 0, 1)).max(2) / 32
    barrier = cv2.morphologyEx((steps > _EDGE).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    _, parts = cv2.connectedComponents(1 - barrier, connectivity=4)
    outside = np.unique(parts[edge & (barrier == 0)])
    mask = (~np.isin(parts, outside) | (barrier > 0)).astype(np.uint8)
    mask = cv2.erode(
        cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)), np.ones((3, 3), np.uint8)
    )
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    outline = max(outlines, key=cv2.contourArea)
    left, top, wide, tall = cv2.boundingRect(outline)
    share = cv2.contourArea(outline) / (height * width)
    free = left > 1 and top > 1 and left + wide < width - 1 and top + tall < height - 1
    solid = cv2.contourArea(outline) / max(1.0, cv2.contourArea(cv2.convexHull(outline)))
    if not (_LEAST <= share <= _MOST and free and solid > 0.8):
        return None
    whole = np.zeros((height, width), np.uint8)
    cv2.drawContours(whole, [outline], -1, 255, -1)
    # two pixels inside the outline, so that no rim of the board comes along; one pixel of softness
    cover = cv2.GaussianBlur(cv2.erode(whole, np.ones((5, 5), np.uint8)), (0, 0), 0.6)
    box = np.s_[top : top + tall, left : left + wide]
    return pixels[box].astype(np.float32) / 255, cover[box].astype(np.float32) / 255


def _fit(terms: NDArray[np.float32], colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Least squares, once over all, once over what lies near the first fit: a product may touch the edge."""
    first, *_ = np.linalg.lstsq(terms, colors, rcond=None)
    far = np.abs(colors - terms @ first).sum(1)
    near = far <= np.quantile(far, 0.7)
    second, *_ = np.linalg.lstsq(terms[near], colors[near], rcond=None)
    return np.asarray(second, np.float32)
