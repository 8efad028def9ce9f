"""Marks: strokes that stand out from what is around them, as letters do, and what each looks like.

A stroke brighter or darker than its surroundings is what an opening or closing by a square wider than it takes away
(F. Meyer, "Contrast feature extraction", 1978). Strokes that hang together are one mark: a letter, or a word whose
letters are close. Most marks are no letters: seams, joints, grain, prints. `overlay` tells which are laid over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

STROKE_PX = 15
"""Strokes are thinner than this, in a copy of 512 px."""

_LEAST, _TIMES = 10, 1.6
"""A stroke's contrast in levels, and over the mean one of its neighborhood."""

_PEAK_PX, _HALF = 9, 0.5
"""A stroke's edge is where it stands out half as much as what stands out most so near: letters come apart there."""

_MOST = 110
"""Marks of each polarity that are looked at: the most striking ones."""

_FRAME = (0.12, 0.35)
"""What encloses something: each side from so much of the photo's longer side up, and so little of its box filled."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Marks of one photo; n marks of m pixels in all.

    Attributes:
        boxes: int (n, 4), left, top, width, height in pixels of the copy.
        dark: bool (n,), darker than what is around.
        place: int (m,), index of each pixel in the copy, rows one after the other.
        owner: int (m,), the mark of each pixel.
        rise: float (m,), how far each pixel stands out, 0-255.
        low, high: uint8 (h, w, 3), the copy without its bright strokes, without its dark ones.
        nearby: float (m,), mean rise around each.
        inner: bool (m,), all neighbors stand out too.
        frames: int (f, 4), boxes of what encloses something.
    """

    boxes: NDArray[np.int32]
    dark: Flags
    place: NDArray[np.intp]
    owner: NDArray[np.intp]
    rise: Floats
    low: NDArray[np.uint8]
    high: NDArray[np.uint8]
    nearby: Floats
    inner: Flags
    frames: NDArray[np.int32]


def find_marks(rgb: NDArray[np.uint8]) -> Marks:
    """Find marks in a copy of a photo: uint8 (h, w, 3), the longer side 512 px."""
    cv2 = opencv.load()
    block = np.ones((STROKE_PX, STROKE_PX), np.uint8)
    low, high = (cv2.morphologyEx(rgb, each, block) for each in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE))
    bright = _find_of_one(pick_highest(cv2.subtract(rgb, low)))
    dark = _find_of_one(pick_highest(cv2.subtract(high, rgb)))
    count = len(bright[0])
    joined = [np.concatenate(pair) for pair in zip(bright, dark, strict=True)]
    boxes, place, owner, rise, nearby, inner, frames = joined
    owner[len(bright[2]) :] += count
    dark_ones = np.arange(len(boxes)) >= count
    return Marks(boxes, dark_ones, place, owner, rise, low, high, nearby, inner, frames)


def pick_highest(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The highest channel of each pixel."""
    cv2 = opencv.load()
    red, green, blue = cv2.split(planes)
    highest: NDArray[np.uint8] = cv2.max(cv2.max(red, green), blue)
    return highest


def _find_of_one(rise: NDArray[np.uint8]) -> tuple[NDArray[Any], ...]:
    """Boxes, places, owners, rises, what is nearby, inner ones and frames of one polarity; see `Marks`."""
    cv2 = opencv.load()
    nearby = cv2.blur(rise, (4 * STROKE_PX + 1, 4 * STROKE_PX + 1))
    peak = cv2.dilate(rise, np.ones((_PEAK_PX, _PEAK_PX), np.uint8))
    least = cv2.max(cv2.convertScaleAbs(nearby, alpha=_TIMES), cv2.convertScaleAbs(peak, alpha=_HALF))
    least = cv2.max(least, np.full_like(rise, _LEAST))
    on = cv2.compare(rise, least, cv2.CMP_GT)
    # this algorithm takes less time than the one that OpenCV would choose, for many small parts
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(on, 8, cv2.CV_32S, cv2.CCL_GRANA)
    height, width = rise.shape
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    areas = stats[:, cv2.CC_STAT_AREA]
    fits = (areas >= 7) & (sides.max(1) >= 5) & (sides[:, 0] <= 0.5 * width) & (sides[:, 1] <= 0.3 * height)
    encloses = (sides.min(1) > _FRAME[0] * max(rise.shape)) & (areas < _FRAME[1] * sides.prod(1))
    fits[0] = encloses[0] = False
    place = np.flatnonzero(on.view(np.bool_))
    owner = labels.ravel()[place]
    kept = fits[owner]
    place, owner = place[kept], owner[kept]
    rises = rise.ravel()[place].astype(np.float32)
    if int(fits.sum()) > _MOST:
        fits = _keep_striking(fits, np.bincount(owner, rises, count) / np.sqrt(np.maximum(areas, 1)))
        kept = fits[owner]
        place, owner, rises = place[kept], owner[kept], rises[kept]
    number = np.cumsum(fits) - 1
    inner = cv2.erode(on, np.ones((3, 3), np.uint8)).ravel()[place] > 0
    return (
        stats[fits, :4], place, number[owner], rises,
        nearby.ravel()[place].astype(np.float32), inner, stats[encloses, :4],
    )  # fmt: skip


def _keep_striking(fits: Flags, striking: NDArray[np.float64]) -> Flags:
    """The marks that have most contrast and area."""
    striking = np.where(fits, striking, -1)
    chosen = np.zeros_like(fits)
    chosen[np.argpartition(-striking, _MOST)[:_MOST]] = True
    return chosen
