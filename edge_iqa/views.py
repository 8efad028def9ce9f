"""Frame → the model's input. The only preprocessing in the project: training, calibration,
benchmarks and device all cut their views here.

A phone photo has 12 million pixels; shrunk to 224 px a blurred one looks sharp. So the model sees
one *global* view (the whole photo, shrunk) and a few *detail* views: crops at viewing scale (long
side at most 1600 px, what a shopper's zoom shows), placed where the photo has structure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.frame import Frame, halve

Corner = tuple[int, int]
"""Top left of a detail view: (row, column) in pixels of the viewing scale."""

_MAP_CELLS = 64
"""Side of the structure map. Coarse on purpose: averaging many pixels into a cell hides
sensor noise, so that noise does not pull the detail views onto an empty background."""


@dataclass(frozen=True)
class ViewSpec:
    """How views are cut; recorded in the bundle, so code and model cannot drift apart.

    Attributes:
        size_px: side S of every view.
        detail: number of detail views; V = 1 + detail.
        long_side_px: the viewing scale, the longest side that details are cut from.
    """

    size_px: int = 224
    detail: int = 2
    long_side_px: int = 1600

    def __post_init__(self) -> None:
        for name, low, high in (("size_px", 32, 1024), ("detail", 0, 16), ("long_side_px", 64, 8192)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"views.{name}: expected a whole number from {low} to {high}, got {value!r}")

    @property
    def count(self) -> int:
        """V, the number of views."""
        return 1 + self.detail

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the model's input: (V, S, S, 3)."""
        return (self.count, self.size_px, self.size_px, 3)


def cut(frame: Frame, spec: ViewSpec, shifts: NDArray[np.int_] | None = None) -> NDArray[np.uint8]:
    """Cut the views of one photo.

    Args:
        frame: the photo.
        spec: how many views, and how large.
        shifts: int (detail, 2), pixels down and right that training moves the details by; they stay
            inside the photo.

    Returns:
        uint8 (V, S, S, 3), RGB: the global view first (squeezed to a square: faults of a photo do
        not depend on its shape, and borders would be taken for content), then the details.
    """
    views = np.empty(spec.shape, np.uint8)
    halved = frame.halve(_count_halvings(frame.pixels, spec.size_px, spec.size_px))
    views[0] = resize(halved, spec.size_px, spec.size_px)
    if not spec.detail:
        return views
    height, width = _viewing_size(frame, spec)
    room = np.maximum((height - spec.size_px, width - spec.size_px), 0)
    corners = np.array(_place(views[0], room, (height, width), spec))
    if shifts is not None:
        corners = np.clip(corners + shifts, 0, room)
    for index, (row, column) in enumerate(corners.tolist(), 1):
        views[index] = _cut_detail(frame.pixels, (row, column), (height, width), spec.size_px)
    return views


def _viewing_size(frame: Frame, spec: ViewSpec) -> tuple[int, int]:
    """Height and width of the photo at viewing scale: never enlarged."""
    height, width = frame.pixels.shape[:2]
    scale = min(1.0, spec.long_side_px / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _cut_detail(
    pixels: NDArray[np.uint8], corner: Corner, viewing: tuple[int, int], size: int
) -> NDArray[np.uint8]:
    """Cut one view at viewing scale. Only what the view shows is resized, not the whole photo."""
    spans = []
    for at, shown, real in zip(corner, viewing, pixels.shape[:2], strict=True):
        scale = real / shown
        start = min(round(at * scale), real - 1)
        stop = max(start + 1, min(real, round((at + min(size, shown)) * scale)))
        spans.append((start, stop, min(size, shown)))
    (top, bottom, height), (left, right, width) = spans
    crop = pixels[top:bottom, left:right]
    if crop.shape[:2] != (height, width):
        crop = resize(crop, height, width)
    if (height, width) != (
        size,
        size,
    ):  # a photo smaller than a view is mirrored: its pixels keep their scale
        crop = np.pad(crop, ((0, size - height), (0, size - width), (0, 0)), mode="reflect")
    return crop


def _place(
    view: NDArray[np.uint8], room: NDArray[np.int_], viewing: tuple[int, int], spec: ViewSpec
) -> list[Corner]:
    """Choose where detail views go: where the photo has most structure, apart from each other.

    Structure is the mean absolute difference between neighbouring cells of a coarse luma map, made
    from the global view. A photo that has none (one flat color) gets its middle.

    Returns:
        `spec.detail` corners at viewing scale, the richest first.
    """
    cv2 = opencv.load()
    luma = cv2.cvtColor(resize(view, _MAP_CELLS, _MAP_CELLS), cv2.COLOR_RGB2GRAY).astype(np.float32)
    structure = np.zeros_like(luma)
    structure[:-1] += np.abs(np.diff(luma, axis=0))
    structure[:, :-1] += np.abs(np.diff(luma, axis=1))
    total = cv2.integral(structure)

    rows, columns = (_grid(int(each), spec.size_px) for each in room)
    (tops, bottoms), (lefts, rights) = (
        _cells(at, spec.size_px, side) for at, side in zip((rows, columns), viewing, strict=True)
    )
    richness = (
        total[np.ix_(bottoms, rights)]
        - total[np.ix_(tops, rights)]
        - total[np.ix_(bottoms, lefts)]
        + total[np.ix_(tops, lefts)]
    )
    # ties go to the middle, so that a flat photo is judged by its center
    off_center = np.abs(rows - room[0] / 2)[:, None] + np.abs(columns - room[1] / 2)[None]
    order = np.lexsort((off_center.ravel(), -richness.round(1).ravel()))
    ranked = list(
        zip(rows[order // len(columns)].tolist(), columns[order % len(columns)].tolist(), strict=True)
    )
    return _choose_apart(ranked, spec)


def _choose_apart(ranked: list[Corner], spec: ViewSpec) -> list[Corner]:
    """The first corners that are apart; overlap is allowed only as far as the photo leaves no other room."""
    chosen: list[Corner] = []
    for apart in (spec.size_px, spec.size_px // 2, spec.size_px // 4):
        for corner in ranked:
            if len(chosen) == spec.detail:
                return chosen
            if all(_distance(corner, other) >= apart for other in chosen):
                chosen.append(corner)
    return (chosen + ranked[:1] * spec.detail)[: spec.detail]


def _cells(at: NDArray[np.int_], size: int, side: int) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """First cells of the structure map that views from pixels `at` cover, and the cells behind the last."""
    first = np.minimum(_MAP_CELLS - 1, at * _MAP_CELLS // side)
    behind = np.minimum(_MAP_CELLS, -(-(at + size) * _MAP_CELLS // side))
    return first, np.maximum(first + 1, behind)


def _distance(one: Corner, other: Corner) -> int:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))


def _grid(room: int, size: int) -> NDArray[np.int_]:
    """Positions from 0 to `room`, at most a quarter of a view apart."""
    return np.linspace(0, room, -(-4 * room // size) + 1).round().astype(int)


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Area averaging where a side shrinks (nothing aliases), linear where the photo must grow."""
    cv2 = opencv.load()
    # exact halving is the fast path of area averaging: four times as fast for a 12 MP photo
    for _ in range(_count_halvings(pixels, height, width)):
        pixels = halve(pixels)
    shrinks = height <= pixels.shape[0] and width <= pixels.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: NDArray[np.uint8] = cv2.resize(pixels, (width, height), interpolation=method)
    return resized


def shrink(frame: Frame, height: int, width: int) -> NDArray[np.uint8]:
    """A small copy to measure on: halved while it is at least twice too large, then linear.

    Quicker than `resize`, and the last step still sees every pixel: less than two become one.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    cv2 = opencv.load()
    pixels = frame.halve(_count_halvings(frame.pixels, height, width, 2))
    shrunk: NDArray[np.uint8] = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return shrunk


def _count_halvings(pixels: NDArray[np.uint8], height: int, width: int, least: int = 4) -> int:
    """How many times pixels can be halved while they are at least `least` times as large as they shall become."""
    times, rows, columns = 0, *pixels.shape[:2]
    while min(rows // height, columns // width) >= least:
        times, rows, columns = times + 1, rows // 2, columns // 2
    return times
