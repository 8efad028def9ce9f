"""A smaller picture laid upon a photo: an upright rectangle near a corner, within a rim of one color.

Software draws its rim in one tone, to the pixel; what hangs on a wall or stands on a table is lit unevenly, leans a
little, or is seen at an angle. Rows in which the photo steps to another color just beside a stretch of one color are
the rim's candidates; a rectangle of them counts if one tone runs along all four sides. Round insets, and such without
a rim, are not looked for; a picture on the wall, flat and head on in a corner of the photo, passes for one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

_STEP = 9
"""Levels that a picture differs from its rim by."""

_FLAT = 8
"""Levels that neighbors along a rim differ by at most."""

_SIDE = (0.14, 0.56)
"""Least and most width and height, as shares of the photo's."""

_MARGIN = 0.16
"""How far from a corner it may lie, as a share of the photo's width and height."""

_OFF_PX = 3
"""Ends of opposite sides lie so near to each other."""

_ALONG = 0.93
"""Least share of a side that steps."""

_EVEN = 16.0
"""Levels that a rim's tone may differ by along one side; two thirds of it from side to side."""

_RIM_PX = 4
"""A rim is looked for so far outside the picture."""

_BEYOND_PX = (6, 12, 20)
"""A rim has ended, on some side, so far outside."""

_VARIED = 12.0
"""On a ground of the rim's tone: least deviation of levels along the picture's edge, which plain boxes have not."""

_MOST = 8
"""Rectangles looked at closely."""

Pixels = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Edges = tuple[int, int, int, int]
"""Top, bottom, left, right in pixels; the second and last are behind the end."""


def find_inset(pixels: Pixels, down: Flags, across: Flags, along: Pixels) -> Edges | None:
    """Find a picture laid upon the photo.

    Args:
        pixels: (h, w, 3), the copy that is looked at.
        down, across: where it steps from row to row, from column to column, by more than `_STEP` levels.
        along: by how many levels from column to column.
    """
    levels = pixels.astype(np.int16)
    return next((edges for edges in _propose(down, across, along) if _has_rim(levels, edges)), None)


def _propose(down: Flags, across: Flags, along: Pixels) -> Iterator[Edges]:
    """Rectangles near a corner whose four sides step, and whose upper and lower one are beside a flat stretch."""
    height, width = down.shape
    flat = along <= _FLAT
    length = max(24, round(_SIDE[0] * min(height, width)))
    above, below = np.zeros_like(down), np.zeros_like(down)
    above[2:] = down[2:] & flat[1:-1] & flat[:-2]
    below[:-2] = down[:-2] & flat[1:-1] & flat[2:]
    upper, lower = _find_runs(above, length), _find_runs(below, length)
    (top, first, last), (bottom, start, end) = upper.T[:, :, None], lower.T
    tall, wide = bottom - top, last - first
    fits = (np.abs(first - start) <= _OFF_PX) & (np.abs(last - end) <= _OFF_PX)
    fits &= (tall > _SIDE[0] * height) & (tall < _SIDE[1] * height) & (wide < _SIDE[1] * width)
    fits &= np.minimum(top, height - bottom) <= _MARGIN * height
    fits &= np.minimum(first, width - last) <= _MARGIN * width
    looked: set[Edges] = set()
    count = 0
    for one, two in np.argwhere(fits).tolist():
        left, right = (round(float(upper[one, at] + lower[two, at]) / 2) for at in (1, 2))
        edges = int(upper[one, 0]), int(lower[two, 0]), left, right
        about = edges[0] // 3, edges[1] // 3, left // 3, right // 3  # a line is some rows thick
        if about in looked:
            continue
        looked.add(about)
        if _steps_aside(across, edges):
            yield edges
            count += 1
        if count == _MOST:
            return


def _find_runs(flags: Flags, length: int) -> NDArray[np.intp]:
    """Stretches of at least so many pixels in a row, gaps of four closed: row, start, end."""
    cv2 = opencv.load()
    count = cv2.reduce(flags.view(np.uint8), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]
    rows = np.flatnonzero(count >= length // 2)
    if not len(rows):
        return np.zeros((0, 3), np.intp)
    closed = cv2.morphologyEx(flags[rows].view(np.uint8), cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    wide = flags.shape[1] + 1
    padded = np.zeros((len(rows), wide), np.int8)  # a column between rows, so that no run goes on in the next
    padded[:, :-1] = closed
    change = np.diff(padded.ravel(), prepend=np.int8(0))
    start, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    long = end - start >= length
    start, end = start[long], end[long]
    return np.column_stack((rows[start // wide], start % wide, end - start // wide * wide))


def _steps_aside(across: Flags, edges: Edges) -> bool:
    """Whether the photo steps along the left and the right side too."""
    top, bottom, left, right = edges
    rows = across[top + 3 : bottom - 2]
    return all(rows[:, max(0, x - 3) : x + 4].mean(0).max() >= _ALONG for x in (left, right))


def _has_rim(levels: NDArray[np.int16], edges: Edges) -> bool:
    """Whether one tone runs around, and the photo goes on beyond it."""
    height, width = levels.shape[:2]
    top, bottom, left, right = edges
    if min(top, left, height - bottom, width - right) <= _RIM_PX:
        return False
    tones, spread = _describe_lines(levels, edges)
    apart = np.abs(tones[0][None, :, None] - tones[:, None]).max(-1)  # side, line of the first side, line
    uneven = np.maximum(1.5 * apart, spread[:, None]).min(-1).max(0)
    even = np.flatnonzero(np.maximum(uneven, spread[0]) <= _EVEN)
    if not len(even):
        return False
    beyond = [np.concatenate(list(_cut_sides(levels, edges, depth))) for depth in _BEYOND_PX]
    inside = np.concatenate(list(_cut_sides(levels, edges, -4)))
    if inside.std(0).max() > _VARIED:
        return True
    ends = np.median(inside, 0), np.median(np.concatenate(beyond), 0)
    return any(
        max((np.abs(each - tones[0, line]).max(-1) > _STEP).mean() for each in beyond) >= 0.5
        and not _is_between(tones[0, line], *ends)
        for line in even
    )


def _is_between(tone: NDArray[np.int16], one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    """Whether a tone is no rim's, but that of pixels which a plain box shares with what is behind it."""
    low, high = np.minimum(one, other) - _STEP, np.maximum(one, other) + _STEP
    return bool(((tone >= low) & (tone <= high)).all())


def _describe_lines(levels: NDArray[np.int16], edges: Edges) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Tone (4, n, 3) of n lines beside each side, and levels (4, n) between the darkest and brightest of each."""
    tones, spread = [], []
    for side in zip(*(_cut_sides(levels, edges, depth) for depth in range(1, _RIM_PX + 1)), strict=True):
        ranked = np.sort(np.stack(side), axis=1)
        count = ranked.shape[1]
        rest = count // 20
        tones.append(ranked[:, count // 2])
        spread.append((ranked[:, count - 1 - rest] - ranked[:, rest]).max(-1))
    return np.array(tones), np.array(spread)


def _cut_sides(levels: NDArray[np.int16], edges: Edges, depth: int) -> Iterator[NDArray[np.int16]]:
    """Lines along the four sides, `depth` pixels outside: (n, 3) each."""
    height, width = levels.shape[:2]
    top, bottom, left, right = edges
    rows, columns = slice(top + 2, bottom - 2), slice(left + 2, right - 2)
    yield levels[max(top - depth, 0), columns]
    yield levels[min(bottom - 1 + depth, height - 1), columns]
    yield levels[rows, max(left - depth, 0)]
    yield levels[rows, min(right - 1 + depth, width - 1)]
