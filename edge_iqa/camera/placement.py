"""Whether there is a product, and how much it fills, where its outline cannot be found: in a room, on a shelf.

A frame is averaged into a coarse grid. What counts of each cell is how far it is from a quadratic surface through the
grid's rim (fitted robustly: a product may touch it), in lightness, color and steepness: grain of wood and the weave of
cloth average out, a product does not. A net of one hidden layer weighs the cells; `scripts/fit_placement.py` fits it
on rendered scenes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).parent / "placement.npz"
GRID = (9, 16)
"""Rows and columns; a frame that is taller than wide is turned on its side."""
PLANES = 8
"""Of each cell: the four distances from the surface, first without their sign."""
OUTPUTS = ("present", "fill")

_SCALE = 20.0
_STEEP = 10.0
_REFITS = 3
_RIDGE = 0.02
_LEAST_SPREAD = 0.3


@dataclass(frozen=True)
class Placement:
    """What the net says of a frame.

    Attributes:
        present: chance that there is a product, 0 to 1.
        fill: share of the frame's width or height that it spans, the larger one, if there is one.
    """

    present: float
    fill: float


def find_placement(lab: Floats) -> Placement:
    """Look at a frame.

    Args:
        lab: float32 (h, w, 3), CIE Lab of a small copy of it.
    """
    outputs = run_net(_read_weights(), make_grid(lab)[None])[0]
    return Placement(**dict(zip(OUTPUTS, outputs.tolist(), strict=True)))


def run_net(weights: Mapping[str, Floats], grids: Floats) -> Floats:
    """Outputs (n, 2), 0 to 1, in the order of `OUTPUTS`, of grids (n, 9, 16, 8).

    Args:
        weights: inner (1152, k), shift (k,), outer (k, 2) and bias (2,).
    """
    hidden = np.maximum(grids.reshape(len(grids), -1) @ weights["inner"] + weights["shift"], 0)
    outputs: Floats = 1 / (1 + np.exp(-(hidden @ weights["outer"] + weights["bias"])))
    return outputs


def make_grid(lab: Floats) -> Floats:
    """What the net sees: float32 (9, 16, 8).

    Args:
        lab: see `find_placement`.
    """
    cv2 = opencv.load()
    if lab.shape[0] > lab.shape[1]:
        lab = np.ascontiguousarray(lab.transpose(1, 0, 2))
    across, down = (cv2.Sobel(lab[..., 0], cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1)))
    steep = _STEEP * np.log1p(cv2.magnitude(across, down))
    planes = np.dstack([lab, steep])
    cells = cv2.resize(planes, GRID[::-1], interpolation=cv2.INTER_AREA)
    far = np.stack([_measure_distance(plane) for plane in np.moveaxis(cells, -1, 0)], -1) / np.float32(_SCALE)
    return np.concatenate([np.abs(far), far], -1)


@functools.lru_cache(1)
def _make_terms() -> tuple[Floats, NDArray[np.bool_]]:
    """Terms of a quadratic surface at all cells (144, 6), and which of them are the rim."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in GRID)
    across, down = (plane.ravel() for plane in np.meshgrid(x, y))
    rim = np.ones(GRID, bool)
    rim[1:-1, 1:-1] = False
    terms = [np.ones_like(across), across, down, across * across, down * down, across * down]
    return np.stack(terms, -1), rim.ravel()


def _measure_distance(cells: Floats) -> Floats:
    """How far each cell (9, 16) is from the surface through the rim, with its sign."""
    terms, rim = _make_terms()
    known, wanted = terms[rim], cells.ravel()[rim]
    weight = np.ones(len(wanted), np.float32)
    ridge = _RIDGE * np.eye(terms.shape[1], dtype=np.float32)
    for _ in range(_REFITS):
        weighted = (known * weight[:, None]).T
        surface = np.linalg.solve(weighted @ known + ridge, weighted @ wanted)
        off = wanted - known @ surface
        spread = 1.4826 * float(np.median(np.abs(off))) + _LEAST_SPREAD
        weight = 1 / (1 + np.square(off / (2 * spread)))
    far: Floats = cells - (terms @ surface).reshape(GRID)
    return far


@functools.lru_cache(1)
def _read_weights() -> dict[str, Floats]:
    """Weights by name: see `run_net`."""
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in ("inner", "shift", "outer", "bias")}
