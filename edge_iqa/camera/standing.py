"""Whether anything stands before the background at all, smooth or not: an empty table has no outline to look for.

A frame is averaged into a coarse grid, a quadratic surface is fitted to its rim in CIE Lab (robustly: a product may
touch it), and what counts is how far the most different cells inside are from that surface. Grain of wood and the
weave of cloth average out; a product does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

_CELLS = 16
"""Cells along the longer side."""
_MOST_DIFFERENT = 8
"""Cells whose mean counts."""
_REFITS = 3
_RIDGE = 0.02
_LEAST_SPREAD = 0.3


def measure_standing(lab: NDArray[np.float32]) -> float:
    """How much stands out, in units of Lab (CIE 1976 color difference).

    Args:
        lab: float32 (h, w, 3), CIE Lab.
    """
    height, width = lab.shape[:2]
    scale = _CELLS / max(height, width)
    size = max(3, round(width * scale)), max(3, round(height * scale))
    cells = opencv.load().resize(lab, size, interpolation=opencv.load().INTER_AREA)
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in cells.shape[:2])
    x, y = (plane.ravel() for plane in np.meshgrid(x, y))
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)
    rim = np.ones(cells.shape[:2], bool)
    rim[1:-1, 1:-1] = False
    values = cells.reshape(-1, 3)
    far = [_measure_distance(terms, values[:, channel], rim.ravel()) for channel in range(3)]
    inside = np.sqrt(sum(np.square(_average_largest(plane[~rim.ravel()])) for plane in far))
    return float(inside)


def _measure_distance(
    terms: NDArray[np.float32], values: NDArray[np.float32], rim: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Distance of each cell from the surface through the rim."""
    weight = np.ones(int(rim.sum()), np.float32)
    known, wanted = terms[rim], values[rim]
    ridge = _RIDGE * np.eye(terms.shape[1], dtype=np.float32)
    for _ in range(_REFITS):
        weighted = (known * weight[:, None]).T
        surface = np.linalg.solve(weighted @ known + ridge, weighted @ wanted)
        off = wanted - known @ surface
        spread = 1.4826 * float(np.median(np.abs(off))) + _LEAST_SPREAD
        weight = 1 / (1 + np.square(off / (2 * spread)))
    distance: NDArray[np.float32] = np.abs(values - terms @ surface)
    return distance


def _average_largest(distance: NDArray[np.float32]) -> float:
    most = min(_MOST_DIFFERENT, len(distance))
    return float(np.partition(distance, -most)[-most:].mean())
