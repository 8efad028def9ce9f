"""Where in a photo quality is lost: the model's scores of tiles, each given to it as a photo by itself.

A tile is cut at viewing scale, as large as one view of the model, so that the model sees nothing of the
rest. On 14 held-out photos with one half spoiled, 96 to 98 % of pairs of tiles from both halves are then in
order, for blur, noise, JPEG and darkness each. With the whole photo as the global view beside each tile it is
99 % for the first three and 60 % for darkness, which the model takes from the global view.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import views
from edge_iqa.backends.base import Outputs
from edge_iqa.frame import Frame
from edge_iqa.mask import Mask
from edge_iqa.measurement import Box
from edge_iqa.views import ViewSpec

MOST_CELLS = 48
"""A run of the model each: about a second on a phone."""
LEAST_CELL_PX = 96
"""Smaller cells would share nearly all of their tiles with their neighbors."""

_FLAT_STD = 4
"""A tile whose values (of 255) vary less than this shows nothing: paper, wall. The model was not made for it."""
_LEAST_PRODUCT = 0.1
"""Share of a tile that the product must cover: a soft shadow has no detail, and is no fault of the photo."""

Run = Callable[[NDArray[np.uint8]], Outputs]


@dataclass(frozen=True, eq=False)
class QualityMap:
    """Scores over a photo, in a grid of equal cells.

    Attributes:
        scores: float32 (rows, columns, 1+A), 0 to 100: overall score and attributes of the tile around
            each cell, moved to lie inside the photo; NaN where there is nothing to judge.
        names: of the attributes, A of them.
        tile_px: side of a tile, in pixels of the viewing scale; larger than a cell where tiles overlap.
        viewing_px: width and height of the photo at viewing scale.
    """

    scores: NDArray[np.float32]
    names: tuple[str, ...]
    tile_px: int
    viewing_px: tuple[int, int]

    @property
    def rows(self) -> int:
        """Cells from top to bottom."""
        return int(self.scores.shape[0])

    @property
    def columns(self) -> int:
        """Cells from left to right."""
        return int(self.scores.shape[1])

    def box(self, row: int, column: int) -> Box:
        """Where a cell lies, as shares of the photo."""
        return column / self.columns, row / self.rows, 1 / self.columns, 1 / self.rows

    @property
    def worst(self) -> tuple[int, int] | None:
        """Row and column of the cell with the lowest overall score; None where all is flat."""
        overall = self.scores[..., 0]
        if np.isnan(overall).all():
            return None
        row, column = np.unravel_index(int(np.nanargmin(overall)), overall.shape)
        return int(row), int(column)


def map_quality(
    frame: Frame, spec: ViewSpec, names: tuple[str, ...], run: Run, mask: Mask | None = None
) -> QualityMap:
    """Score the tiles of one photo. What is flat is left out, and what is background where a mask is found.

    Args:
        frame: the photo.
        spec: how the bundle cuts views.
        names: attributes of the bundle.
        run: the model, such as `inspector.backend.run`.
        mask: where the product is.
    """
    pixels = _to_viewing(frame.pixels, spec.long_side_px)
    height, width = pixels.shape[:2]
    rows, columns = _choose_grid(height, width)
    scores = np.full((rows, columns, 1 + len(names)), np.nan, np.float32)
    product = None if mask is None or not mask.is_found else mask.product
    for row, column, (top, left) in _place_tiles(height, width, rows, columns, spec.size_px):
        spot = slice(top, top + spec.size_px), slice(left, left + spec.size_px)
        tile = np.ascontiguousarray(pixels[spot])
        if tile.std(axis=(0, 1)).max() >= _FLAT_STD and _shows(product, spot, (height, width)):
            shown = Frame(tile, tile.shape[1], tile.shape[0])
            scores[row, column] = 100 * run(views.cut(shown, spec)).scores
    return QualityMap(scores, names, spec.size_px, (width, height))


def _to_viewing(pixels: NDArray[np.uint8], long_side_px: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = long_side_px / max(height, width)
    if scale >= 1:
        return pixels
    return views.resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def _choose_grid(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of nearly square cells, at most `MOST_CELLS`."""
    side = max(LEAST_CELL_PX, math.sqrt(height * width / MOST_CELLS))
    rows = min(MOST_CELLS, max(1, round(height / side)))
    return rows, min(MOST_CELLS // rows, max(1, round(width / side)))


def _place_tiles(
    height: int, width: int, rows: int, columns: int, size: int
) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Row and column of every cell, and the top left of its tile."""
    for row in range(rows):
        for column in range(columns):
            yield row, column, (_place(row, rows, height, size), _place(column, columns, width, size))


def _shows(product: NDArray[np.bool_] | None, spot: tuple[slice, slice], shape: tuple[int, int]) -> bool:
    """Whether enough of the product lies in a part of a photo of this (height, width)."""
    if product is None:
        return True
    rows, columns = (
        slice(int(each.start * small / side), max(1, math.ceil(min(each.stop, side) * small / side)))
        for each, small, side in zip(spot, product.shape, shape, strict=True)
    )
    return float(product[rows, columns].mean()) >= _LEAST_PRODUCT


def _place(index: int, count: int, side: int, size: int) -> int:
    """Where a tile starts whose middle is that of the cell, moved to lie inside the photo."""
    return max(0, min(side - size, round((index + 0.5) * side / count - size / 2)))
