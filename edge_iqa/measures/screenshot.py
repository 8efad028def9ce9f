"""Screenshots of a phone: a page of one color, a status bar on it (a time on the left, signs on the right), a photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa.measures.framing import Values
from edge_iqa.measures.study import Study

_TALL = 1.5
"""Phones' screens are at least so much higher than wide."""

_STATUS = (0.004, 0.045)
"""Rows of the status bar, as shares of the height."""

_APART = 12
"""Levels by which ink differs from the page."""

_INK = (0.004, 0.3)
"""Share of ink in the left and the right third of a status bar."""


def measure_screenshot(study: Study) -> Values:
    """Measure `screenshot`: the share of the height that is not the photo, 0 where there is no status bar."""
    pixels = study.medium
    height, width = pixels.shape[:2]
    if height < _TALL * width:
        return {"screenshot": (0.0, None)}
    page = np.median(pixels[: max(1, round(_STATUS[1] * height))], (0, 1))
    ink = np.abs(pixels.astype(np.int16) - page.astype(np.int16)).max(-1) > _APART
    if not _is_status_bar(ink[round(_STATUS[0] * height) : round(_STATUS[1] * height)]):
        return {"screenshot": (0.0, None)}
    top, bottom = _find_photo(ink)
    return {"screenshot": (1 - (bottom - top) / height, (0.0, top / height, 1.0, (bottom - top) / height))}


def _is_status_bar(ink: NDArray[np.bool_]) -> bool:
    """Little ink, on the left and on the right, and the page's color along the edges."""
    third = ink.shape[1] // 3
    left, right = float(ink[:, :third].mean()), float(ink[:, -third:].mean())
    edges = float(np.r_[ink[0], ink[:, 0], ink[:, -1]].mean())
    return _INK[0] <= min(left, right) and max(left, right) <= _INK[1] and edges < 0.05


def _find_photo(ink: NDArray[np.bool_]) -> tuple[int, int]:
    """First row of the longest run without a row of bare page at its sides, and the row behind its last."""
    filled = ink[:, [0, 1, -2, -1]].mean(1) >= 0.5
    edges = np.flatnonzero(np.diff(np.r_[0, filled.astype(int), 0]))
    runs = [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    if not runs:  # a photo whose own background is the page's color
        rows = np.flatnonzero(ink.any(1))
        return int(rows[0]), int(rows[-1]) + 1
    return max(runs, key=lambda run: run[1] - run[0])
