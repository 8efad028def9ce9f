"""What each mark looks like, by itself and among the others.

What software lays over a photo has one color that no light, grain or weave touches, its edges are sharp, it does not
end at the product's outline, and it comes in rows of marks alike. Seams and joints are long, thin and lie in line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.measures.overlay_marks import Marks, pick_highest
from edge_iqa.measures.study import Study

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]

PROPERTIES = (
    "tall", "wide", "filled", "contrast", "uneven", "unlike", "stroke", "slim", "long", "grain", "rough", "flat",
    "calm",
    "under", "inside", "known", "edge", "corner", "color", "light", "vivid", "veil", "steep", "dark", "framed",
    "near", "alike", "line", "in_row", "joint", "inside_grain", "inside_rough", "hung",
)  # fmt: skip
"""Names of what is measured of each mark, in order of the columns."""

_SAME_INK = 6.0
"""Colors of one ink differ by so few levels: JPEG's doing."""

_LARGE = 0.3
"""Parts of the mask are products from so much of the largest one's area up."""

_SAMPLES = 6000
"""About so many pixels tell the marks' colors."""

_CALM = 3
"""Neighbors of one color differ by fewer levels."""

_SAME_VEIL = 0.15
"""Veils of one strength differ by so much of it."""


@dataclass(frozen=True, eq=False)
class Described:
    """Properties of n marks.

    Attributes:
        properties: (n, len(PROPERTIES)).
        alike: bool (n, n), neighbors of one size and color.
        same_ink: bool (n, n), of one ink wherever they are.
        same_veil: bool (n, n), as see-through as each other wherever they are.
    """

    properties: Floats
    alike: Flags
    same_ink: Flags
    same_veil: Flags


@dataclass(frozen=True, eq=False)
class _Shape:
    """Sizes and axes of marks, each (n,): area and rim in pixels, logarithm of length over width, width over the root
    of the area, direction in radians."""

    area: Doubles
    rim: Doubles
    long: Doubles
    slim: Doubles
    direction: Doubles


def describe(marks: Marks, study: Study) -> Described:
    """Measure the properties of marks found in `study.medium`."""
    height, width = study.medium.shape[:2]
    longer = max(height, width)
    left, top, wide, tall = marks.boxes.T.astype(np.float64)
    x, y = left + wide / 2, top + tall / 2
    shape = _measure_shape(marks, width)
    rise = _average(marks, marks.rise, shape.area)
    uneven = np.sqrt(np.maximum(_average(marks, marks.rise * marks.rise, shape.area) - rise * rise, 0)) / rise
    ink, under, grain, flat, calm = _measure_ink(marks, study, rise)
    light = ink.mean(1)
    share, veil = _measure_veil(ink, under, marks.dark)
    inside = _average(marks, _mark_main(study).ravel()[marks.place], shape.area)
    rough, grain = np.log(grain / (light + 10) + 0.01), np.log(grain + 1)
    framed = _count_frames(marks.frames, x, y)
    edge = np.minimum(np.minimum(left, width - left - wide), np.minimum(top, height - top - tall))
    pairs = _Pairs(marks, ink, rise, shape)
    alike = pairs.alike
    columns = (
        np.log(tall / longer), np.log(wide / longer), shape.area / (wide * tall), np.log(rise), uneven,
        np.log(rise / (_average(marks, marks.nearby, shape.area) + 1)), np.log(shape.area / shape.rim), shape.slim,
        shape.long, grain, rough, flat, calm, under.mean(1) / 255, inside, study.mask.confidence * (1 - inside),
        np.minimum(edge, 20) / 20, np.hypot(np.minimum(x, width - x), np.minimum(y, height - y)) / min(height, width),
        np.abs(ink - under).max(1) / 255, light / 255, np.ptp(ink, axis=1) / 255, veil,
        _measure_steepness(marks, study, shape.area) / rise, marks.dark, framed,
        *(np.log1p(each) for each in pairs.count()), inside * grain, inside * rough, framed * (1 - inside),
    )  # fmt: skip
    same_veil = pairs.alone & (
        np.abs(share[:, None] - share) < _SAME_VEIL * np.minimum(share[:, None], share)
    )
    return Described(
        np.stack(columns, 1).astype(np.float32), alike, pairs.alone & (pairs.color < _SAME_INK), same_veil
    )


def _average(marks: Marks, values: NDArray[Any], area: Doubles) -> Doubles:
    """Mean of the pixels' values over each mark."""
    mean: Doubles = np.bincount(marks.owner, values, len(area)) / area
    return mean


def _measure_ink(marks: Marks, study: Study, rise: Doubles) -> tuple[Doubles, ...]:
    """Color of each mark's core in the photo's own pixels and around it (n, 3); how far its pixels are from its color,
    how many of them have it, how many have the color of their neighbors (n,)."""
    pixels = study.frame.pixels
    height, width = study.medium.shape[:2]
    core = np.flatnonzero(marks.rise >= 0.8 * rise.astype(np.float32)[marks.owner])
    core = core[:: max(1, len(core) // _SAMPLES)]
    owner, place = marks.owner[core], marks.place[core]
    row, column = np.divmod(place, width)
    row = ((row + 0.5) * (pixels.shape[0] / height)).astype(np.intp)
    column = ((column + 0.5) * (pixels.shape[1] / width)).astype(np.intp)
    colors = _take(pixels, row, column)
    right = _take(pixels, row, np.minimum(column + 1, pixels.shape[1] - 1))
    below = _take(pixels, np.minimum(row + 1, pixels.shape[0] - 1), column)
    step = np.maximum(np.abs(colors - right), np.abs(colors - below))
    dark, (row, column) = marks.dark[owner], np.divmod(place, width)
    around = np.where(dark, _take(marks.high, row, column), _take(marks.low, row, column))
    size = np.maximum(np.bincount(owner, minlength=len(rise)), 1)

    def average(values: NDArray[Any]) -> Doubles:
        mean: Doubles = np.bincount(owner, values, len(rise)) / size
        return mean

    ink = np.stack([average(plane) for plane in colors])
    under = np.stack([average(plane) for plane in around])
    off = _pick_highest(np.abs(colors - ink.astype(np.float32)[:, owner]))
    calm = average(_pick_highest(step) < _CALM)
    return ink.T, under.T, average(off), average(off < _SAME_INK), calm


def _take(pixels: NDArray[np.uint8], row: NDArray[np.intp], column: NDArray[np.intp]) -> Floats:
    """Colors of some pixels (3, n)."""
    height, width = pixels.shape[:2]
    colors = pixels.reshape(height * width, 3).take(row * width + column, axis=0)
    return np.ascontiguousarray(colors.T, np.float32)


def _pick_highest(planes: Floats) -> Floats:
    highest: Floats = np.maximum(np.maximum(planes[0], planes[1]), planes[2])
    return highest


def _measure_shape(marks: Marks, width: int) -> _Shape:
    count = len(marks.boxes)
    area = np.bincount(marks.owner, minlength=count).astype(np.float64)
    rim = np.maximum(area - np.bincount(marks.owner, marks.inner, count), 1)
    row, column = np.divmod(marks.place, width)
    y = row - _average(marks, row, area)[marks.owner]
    x = column - _average(marks, column, area)[marks.owner]
    xx, yy, xy = (_average(marks, each, area) for each in (x * x, y * y, x * y))
    mean, spread = (xx + yy) / 2 + 0.1, np.hypot((xx - yy) / 2, xy)
    slim = np.sqrt(np.maximum(mean - spread, 0.05))
    return _Shape(
        area,
        rim,
        np.log(np.sqrt(mean + spread) / slim),
        slim / np.sqrt(area),
        0.5 * np.arctan2(2 * xy, xx - yy),
    )


def _measure_steepness(marks: Marks, study: Study, area: Doubles) -> Doubles:
    """Mean span of the neighbors' levels, over each mark."""
    cv2 = opencv.load()
    span = cv2.morphologyEx(study.medium, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return _average(marks, pick_highest(span).ravel()[marks.place], area)


def _mark_main(study: Study) -> NDArray[np.uint8]:
    """The large parts of the product's mask, at the size of the copy; small ones may be letters."""
    cv2 = opencv.load()
    flags = study.mask.product.astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flags, connectivity=8)
    if count > 1:
        large = stats[:, cv2.CC_STAT_AREA] >= _LARGE * stats[1:, cv2.CC_STAT_AREA].max()
        large[0] = False
        flags = cv2.dilate(large[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    enlarged: NDArray[np.uint8] = cv2.resize(
        flags, study.medium.shape[1::-1], interpolation=cv2.INTER_NEAREST
    )
    return enlarged


def _count_frames(frames: NDArray[np.int32], x: Doubles, y: Doubles) -> Doubles:
    """How many frames (two count as many) each place is in: a picture on the wall is framed."""
    left, top, wide, tall = frames.T[:, None]
    x, y = x[:, None], y[:, None]
    within = (x > left) & (x < left + wide) & (y > top) & (y < top + tall)
    count: Doubles = np.minimum(within.sum(1), 2).astype(np.float64)
    return count


def _measure_veil(ink: Doubles, under: Doubles, dark: Flags) -> tuple[Doubles, Doubles]:
    """Share that white (black for dark marks) would have in the mixture, and how unlike it is between channels."""
    shares = np.where(dark[:, None], (under - ink) / (under + 1), (ink - under) / (256 - under))
    share = np.maximum(shares.mean(1), 0.02)
    return share, np.minimum(np.ptp(shares, axis=1) / share, 3)


class _Pairs:
    """Every mark against every other one of its polarity: bool and float (n, n)."""

    def __init__(self, marks: Marks, ink: Doubles, rise: Doubles, shape: _Shape) -> None:
        left, top, wide, tall = marks.boxes.T.astype(np.float32)
        self.x, self.y, self.shape = left + wide / 2, top + tall / 2, shape
        self.alone = (marks.dark[:, None] == marks.dark) & ~np.eye(len(tall), dtype=bool)
        red, green, blue = (_differ(plane) for plane in ink.T.astype(np.float32))
        self.color = np.maximum(np.maximum(red, green), blue)
        larger = np.maximum(tall[:, None], tall)
        across = np.maximum(_differ(self.x) - (wide[:, None] + wide) / 2, 0)
        down = np.maximum(_differ(self.y) - (tall[:, None] + tall) / 2, 0)
        self.close = self.alone & (across * across + down * down < 1.44 * larger * larger)
        self.near = self.close & (_differ(np.log(tall)) < 0.8)
        self.alike = self.near & (self.color < 25) & (_differ(np.log(rise.astype(np.float32))) < 0.5)
        level = np.minimum(_differ(top), _differ(top + tall)) < 0.15 * larger
        self.line = self.alike & level

    def count(self) -> tuple[NDArray[Any], ...]:
        """Of each mark: others near, alike, in line; long ones along its axis; such ones of a neighbor's axis."""
        turn = self.shape.direction.astype(np.float32)
        long = self.shape.long > 1.0
        along_x, along_y = self.x[:, None] - self.x, self.y[:, None] - self.y
        off = np.abs(along_x * np.sin(turn)[:, None] - along_y * np.cos(turn)[:, None])
        bend = np.abs(np.sin(_differ(turn)))
        in_row = (self.alone & (off < 4) & (bend < 0.12) & long & long[:, None]).sum(1)
        joint = np.where(self.close, in_row, 0).max(1, initial=0)
        return self.near.sum(1), self.alike.sum(1), self.line.sum(1), in_row, joint


def _differ(values: Floats) -> Floats:
    apart: Floats = np.abs(values[:, None] - values)
    return apart
