"""Several photos in one: straight seams or gutters from edge to edge, further ones within the panels, or an inset.

Panels are cut apart again and again along such lines, as pages are into columns (G. Nagy and S. Seth, "Hierarchical
representation of optically scanned documents", 1984). A gutter is a strip of exactly one color, which no skirting
board or shelf in a photo is; a seam without one must stand where apps put it, at a half or a third. A photo without
either is looked at for a smaller one laid upon it (`inset`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa.measurement import Box
from edge_iqa.measures.framing import Values
from edge_iqa.measures.inset import find_inset
from edge_iqa.measures.study import Study

_STEP = 9
"""Levels that two panels, or a panel and its gutter, differ by."""

_GUTTER = (0.94, 5.0)
"""Least share of a line that steps, and most levels that differ along it within a gutter."""

_SEAM = (0.985, 0.005)
"""The same share for a seam without gutter, and how near to a half or a third it must be."""

_LEAST_PX = 40
"""Panels are no smaller in the copy that is looked at."""

_MOST_LEVELS = 2

Pixels = NDArray[np.uint8]
Flags = NDArray[np.bool_]


def measure_collage(study: Study, inside: Box | None = None) -> Values:
    """Measure `collage`: the number of panels, 1 for one photo; its box is that of an inset.

    Args:
        inside: what a frame leaves of the photo; None is all of it.
    """
    height, width = study.medium.shape[:2]
    left, top, wide, tall = inside or (0.0, 0.0, 1.0, 1.0)
    rows = slice(round(top * height), round((top + tall) * height))
    columns = slice(round(left * width), round((left + wide) * width))
    pixels = study.medium[rows, columns]
    down, across = ((each[rows, columns] > _STEP) for each in study.steps)
    panels = _count_panels(pixels, down, across, _MOST_LEVELS)
    inset = find_inset(pixels, down, across, study.steps[1][rows, columns]) if panels == 1 else None
    if inset is None:
        return {"collage": (float(panels), None)}
    start, end, first, last = inset
    box = (
        (first + columns.start) / width,
        (start + rows.start) / height,
        (last - first) / width,
        (end - start) / height,
    )
    return {"collage": (2.0, box)}


def _count_panels(pixels: Pixels, down: Flags, across: Flags, levels: int) -> int:
    """Panels of a photo, or of one of its panels; `levels` more may lie within each other.

    Args:
        down, across: where it steps from row to row, from column to column.
    """
    if levels == 0 or min(pixels.shape[:2]) < _LEAST_PX:
        return 1
    for turned, here, other in ((pixels, down, across), (pixels.transpose(1, 0, 2), across.T, down.T)):
        cuts = _find_cuts(turned, here)
        if cuts:
            ends = zip([0, *cuts], [*cuts, len(turned)], strict=True)
            parts = [slice(start, end) for start, end in ends]
            return sum(_count_panels(turned[at], here[at], other[at], levels - 1) for at in parts)
    return 1


def _find_cuts(pixels: Pixels, steps: Flags) -> list[int]:
    """Rows at which a photo is cut in two, apart by at least a tenth of its height."""
    height, width = pixels.shape[:2]
    if height < 2 * _LEAST_PX:
        return []
    inside = slice(round(0.02 * width), width - round(0.02 * width))
    share = steps[:, inside].mean(1)
    cuts: list[int] = []
    for row in (np.flatnonzero(share >= _GUTTER[0])).tolist():
        if not 0.12 * height < row < 0.88 * height or (cuts and row - cuts[-1] <= height // 10):
            continue
        if share[row] >= max(share[row - 1], share[row + 1]) and _is_cut(pixels[:, inside], share, row):
            cuts.append(row)
    return cuts


def _is_cut(pixels: Pixels, share: NDArray[np.float64], row: int) -> bool:
    """Whether a line beside a gutter, or a seam, runs along this row."""
    around = float(np.median(np.r_[share[row - 9 : row - 4], share[row + 5 : row + 10]]))
    if around >= 0.7:
        return False
    beside = pixels[[row - 3, row - 2, row - 1, row + 1, row + 2, row + 3]]
    low, high = np.percentile(beside, (4, 96), axis=1)
    if (high - low).max(-1).min() <= _GUTTER[1]:
        return True
    place = min(abs(row / len(pixels) - at) for at in (1 / 3, 1 / 2, 2 / 3))
    if share[row] < _SEAM[0] or place > _SEAM[1]:
        return False
    above, below = pixels[row - 5 : row - 3].mean(0), pixels[row + 4 : row + 6].mean(0)
    return bool((np.abs(above - below).max(-1) > _STEP).mean() >= _SEAM[0])
