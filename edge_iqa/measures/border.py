"""Frames and bars that were added around a photo: even strips along its sides that end in a straight line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.measurement import Box
from edge_iqa.measures.framing import Values
from edge_iqa.measures.study import Study, join_channels
from edge_iqa.ranks import find_quantiles

_REACH = 0.21
"""Share of a side within which a strip may end."""

_STEP = 9
"""Levels that the photo differs from its frame by; a line is where nearly all of a row does."""

_FRAME = (0.8, 5.0)
"""A frame runs around: least share of a row that steps, most levels between neighbors within the strip."""

_BAR = (0.97, 1.6)
"""The same for bars on one or two sides, which boards and door posts look like."""

_EVEN = 3.0
"""Levels by which the rows of a bar may differ."""

Line = tuple[int, float, float, float]
"""Row (px) at which the strip ends, share of it that steps; levels between neighbors, and between rows, above it."""


def measure_border(study: Study) -> Values:
    """Measure `border`: the widest strip over the shorter side, 0 where there is none; its box is what it leaves."""
    height, width = study.medium.shape[:2]
    down, across = ((each > _STEP) for each in study.steps)
    turned = study.medium.transpose(1, 0, 2)
    sides = [
        _find_lines(study.medium, down),
        _find_lines(turned, across.T),
        _find_lines(study.medium[::-1], down[::-1]),
        _find_lines(turned[::-1], across.T[::-1]),
    ]
    top, left, bottom, right = depths = _choose(sides)
    if not any(depths):
        return {"border": (0.0, None)}
    inner: Box = (left / width, top / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    return {"border": (max(depths) / min(height, width), inner)}


def _choose(sides: list[list[Line]]) -> list[int]:
    """Depth (px) of the strip on each side, 0 for none."""
    frame = [_deepest(lines, *_FRAME) for lines in sides]
    if sum(depth > 0 for depth in frame) >= 3:
        usual = sorted(frame)[1]  # a line of the scene beyond the frame is deeper on one side only
        return [_deepest([line for line in lines if line[0] <= 3 * usual + 2], *_FRAME) for lines in sides]
    return [_deepest([line for line in lines if line[0] > 2 and line[3] <= _EVEN], *_BAR) for lines in sides]


def _deepest(lines: list[Line], least: float, most: float) -> int:
    return max((row for row, share, rough, _ in lines if share >= least and rough <= most), default=0)


def _find_lines(pixels: NDArray[np.uint8], steps: NDArray[np.bool_]) -> list[Line]:
    """Rows near the top at which most of the photo steps to another color."""
    height, width = pixels.shape[:2]
    reach = min(max(6, round(_REACH * height)), height - 3)
    inside = slice(round(0.06 * width), width - round(0.06 * width))  # corners are round, or the next side's
    share = steps[:reach, inside].mean(1)
    rows = np.flatnonzero(share >= _FRAME[0]).tolist()
    if not rows:
        return []
    rough, spread = _describe_strip(np.ascontiguousarray(pixels[: rows[-1], inside]))
    return [
        (row, float(share[row]), float(rough[edge - 1]), float(spread[edge - 1]))
        for row in rows
        for edge in (max(1, row - 1),)
    ]


def _describe_strip(strip: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Levels between neighbors, and between rows, of the rows down to each one."""
    cv2 = opencv.load()
    between = join_channels(cv2.absdiff(strip[:, 1:], strip[:, :-1]), cv2.max)
    rough = find_quantiles(between, 0.95)
    tone = cv2.reduce(strip, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[:, 0]
    spread = np.maximum.accumulate(tone) - np.minimum.accumulate(tone)
    return np.maximum.accumulate(rough), spread.max(1)
