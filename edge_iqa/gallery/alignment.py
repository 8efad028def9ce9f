"""Lay one photo onto another: where a crop, a shift or another shape moved what both show.

Small gray copies are compared. Coarse first: the middle of one is looked for in the other, at pairs of a width and a
height, by normalized correlation; finer three times; and last by maximizing the enhanced correlation coefficient
(G. D. Evangelidis and E. Z. Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization",
IEEE TPAMI 2008), which finds parts of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

Gray = NDArray[np.float32]
Warp = NDArray[np.float32]
"""float32 (2, 3): from a pixel (x, y, 1) of the first photo to the place in the second that shows the same."""

_SCALES = (0.88, 1.0, 1.136)
"""A crop of 15 % enlarges what is left by 1.18; the finer steps reach there. Five scales from 0.85 on find fewer crops:
a smaller middle is found in wrong places too."""
_FINER = ((0.06, 3), (0.03, 2), (0.015, 2))
"""Step of the scale, and how far the place may move, in pixels."""
_MARGIN = 12 / 64
"""Left out around the middle: what a crop of either photo may have taken away."""
_LEAST_ALIKE = 0.65
"""Correlation of the middle below which two photos do not show the same: so have about 0.1 % of near duplicates, and
75 % of the photos that are nearest otherwise."""
_LEAST_SCALE, _MOST_SCALE, _MOST_SHEAR = 0.8, 1.25, 0.05
_STEPS, _SETTLED = 20, 1e-3
IDENTITY: Warp = np.eye(2, 3, dtype=np.float32)


@dataclass(frozen=True)
class _Place:
    """Where the middle of the second photo was found in the first: by size and top left corner, in pixels."""

    alike: float
    width: int
    height: int
    left: int
    top: int


def propose(first: Gray, second: Gray) -> Warp | None:
    """The warp that lays `second` onto `first`, to about a pixel; None where they differ.

    Args:
        first, second: float32 NxN, 0 to 255.
    """
    cv2 = opencv.load()
    half = first.shape[0] // 2
    small = [cv2.resize(each, (half, half), interpolation=cv2.INTER_AREA) for each in (first, second)]
    found = _search(small[0], small[1], _SCALES, _SCALES)
    if found is None or found.alike < _LEAST_ALIKE:
        return None
    place = _Place(found.alike, *(2 * n for n in (found.width, found.height, found.left, found.top)))
    for step, reach_px in _FINER:
        finer = _search_near(first, second, place, step, reach_px)
        if finer is None:
            return None
        place = finer
    warp = _to_warp(place, first.shape[0])
    return warp if is_allowed(warp) else None


def refine(first: Gray, second: Gray, start: Warp) -> Warp | None:
    """The warp that correlates best near `start`; None where none is found, or one that no crop makes."""
    cv2 = opencv.load()
    try:
        _, warp = cv2.findTransformECC(
            first, second, start.copy(), cv2.MOTION_AFFINE, (3, _STEPS, _SETTLED), None, 3
        )
    except cv2.error:  # nothing to go by, or it went astray
        return None
    return warp if is_allowed(warp) else None


def is_allowed(warp: Warp) -> bool:
    """Whether a crop or another shape could have made this warp."""
    scales, shear = warp[(0, 1), (0, 1)], np.abs(warp[(0, 1), (1, 0)]).max()
    return bool(scales.min() > _LEAST_SCALE and scales.max() < _MOST_SCALE and shear < _MOST_SHEAR)


def _search(
    first: Gray, second: Gray, widths: tuple[float, ...], heights: tuple[float, ...], near: _Place | None = None,
    reach_px: int = 0,
) -> _Place | None:  # fmt: skip
    """Best place of the middle of `second` in `first` at these scales; near a place, or anywhere."""
    cv2 = opencv.load()
    side = first.shape[0]
    margin = round(_MARGIN * side)
    middle = second[margin : side - margin, margin : side - margin]
    best: _Place | None = None
    for height in {round(middle.shape[0] * scale) for scale in heights}:
        for width in {round(middle.shape[1] * scale) for scale in widths}:
            if not 4 <= min(width, height) <= max(width, height) <= side:
                continue
            how = cv2.INTER_AREA if width * height < middle.size else cv2.INTER_LINEAR
            part, left, top = _cut_window(first, width, height, near, reach_px)
            alike = cv2.matchTemplate(
                part, cv2.resize(middle, (width, height), interpolation=how), cv2.TM_CCOEFF_NORMED
            )
            _, most, _, (x, y) = cv2.minMaxLoc(alike)
            if np.isfinite(most) and (best is None or most > best.alike):
                best = _Place(float(most), width, height, left + x, top + y)
    return best


def _cut_window(
    first: Gray, width: int, height: int, near: _Place | None, reach_px: int
) -> tuple[Gray, int, int]:
    """The part of `first` in which the middle may lie, and its left and top."""
    if near is None:
        return first, 0, 0
    side = first.shape[0]
    left = round(near.left + (near.width - width) / 2 - reach_px)
    top = round(near.top + (near.height - height) / 2 - reach_px)
    left, top = max(0, min(side - width, left)), max(0, min(side - height, top))
    return first[top : top + height + 2 * reach_px, left : left + width + 2 * reach_px], left, top


def _search_near(first: Gray, second: Gray, near: _Place, step: float, reach_px: int) -> _Place | None:
    side = first.shape[0]
    middle = side - 2 * round(_MARGIN * side)
    widths, heights = (
        tuple(length / middle * (1 + turn * step) for turn in (-1, 0, 1))
        for length in (near.width, near.height)
    )
    return _search(first, second, widths, heights, near, reach_px)


def _to_warp(place: _Place, side: int) -> Warp:
    """From centers of pixels to centers of pixels."""
    margin = round(_MARGIN * side)
    middle = side - 2 * margin
    scale_x, scale_y = middle / place.width, middle / place.height
    return np.array(
        [
            [scale_x, 0, margin + (0.5 - place.left) * scale_x - 0.5],
            [0, scale_y, margin + (0.5 - place.top) * scale_y - 0.5],
        ],
        np.float32,
    )
