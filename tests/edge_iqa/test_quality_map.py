"""The map is low where the photo is bad, silent where there is nothing to judge, and lies over the photo."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Frame, Inspector, opencv
from edge_iqa.backends.base import Outputs
from edge_iqa.mask import Mask
from edge_iqa.page.quality_map import MOST_CELLS, QualityMap, map_quality
from edge_iqa.views import ViewSpec

SPEC = ViewSpec()


def _map(pixels: NDArray[np.uint8], mask: Mask | None = None) -> QualityMap:
    return map_quality(Frame(pixels, *pixels.shape[1::-1]), SPEC, ("sharpness",), _score_by_red, mask)


def _score_by_red(views: NDArray[np.uint8]) -> Outputs:
    """A model whose score is the redness of what it sees: it tells where a tile was cut."""
    assert views.shape == SPEC.shape
    red = float(views[..., 0].mean()) / 255
    return Outputs(np.array([red, 1 - red], np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32))


def _ramp(height: int, width: int) -> NDArray[np.uint8]:
    """Red grows from left to right, the other channels are busy."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
    return pixels


@pytest.mark.parametrize("size", [(400, 600), (533, 400), (900, 1200), (1600, 1600), (64, 1600), (40, 40)])
def test_cells_cover_the_photo_and_are_few(size: tuple[int, int]) -> None:
    grid = _map(_ramp(*size))
    assert 1 <= grid.rows * grid.columns <= MOST_CELLS
    boxes = [grid.box(row, column) for row in range(grid.rows) for column in range(grid.columns)]
    assert sum(box[2] * box[3] for box in boxes) == pytest.approx(1)
    assert min(box[0] for box in boxes) == 0 and max(box[0] + box[2] for box in boxes) == pytest.approx(1)


def test_a_cell_has_the_score_of_the_tile_around_it() -> None:
    grid = _map(_ramp(900, 1200))
    across = grid.scores[:, :, 0].mean(axis=0)
    assert (np.diff(across) > 0).all()
    middle = [100 * np.clip(grid.box(0, column)[0] + grid.box(0, column)[2] / 2, 112 / 1200, 1 - 112 / 1200)
              for column in range(grid.columns)]  # fmt: skip
    assert across == pytest.approx(middle, abs=1)
    assert grid.scores[..., 1] == pytest.approx(100 - grid.scores[..., 0], abs=1e-3)
    assert grid.worst is not None and grid.worst[1] == 0


def test_a_large_photo_is_looked_at_at_viewing_scale() -> None:
    assert _map(_ramp(2000, 3000)).viewing_px == (1600, 1067)
    assert _map(_ramp(300, 400)).viewing_px == (400, 300), "never enlarged"


def test_flat_tiles_have_no_score() -> None:
    pixels = _ramp(900, 1200)
    pixels[:, 600:] = 250
    grid = _map(pixels)
    assert np.isnan(grid.scores[:, -1]).all() and not np.isnan(grid.scores[:, 0]).any()
    empty = _map(np.full((300, 400, 3), 128, np.uint8))
    assert np.isnan(empty.scores).all() and empty.worst is None


def test_background_has_no_score_where_the_product_was_found() -> None:
    product = np.zeros((192, 256), bool)
    product[:, :64] = True
    found = _map(_ramp(900, 1200), Mask(product, "plain", 0.9, 0.9))
    assert not np.isnan(found.scores[:, 0]).any() and np.isnan(found.scores[:, -1]).all()
    unsure = _map(_ramp(900, 1200), Mask(product, "plain", 0.2, 0.2))
    assert not np.isnan(unsure.scores).any()


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("fault", ["blurred", "dark"])
def test_the_spoiled_half_of_a_photo_scores_lower(
    inspector: Inspector, good_photo: NDArray[np.uint8], fault: str, left: bool
) -> None:
    pixels = good_photo.copy()
    half = slice(0, pixels.shape[1] // 2) if left else slice(pixels.shape[1] // 2, None)
    dark = (255 * (pixels / 255.0) ** 2.2 * 0.5).astype(np.uint8)
    spoiled = dark if fault == "dark" else opencv.load().GaussianBlur(pixels, (0, 0), 3)
    pixels[:, half] = spoiled[:, half]
    names = inspector.bundle.manifest.outputs.attributes
    grid = map_quality(
        Frame(pixels, *pixels.shape[1::-1]),
        inspector.bundle.manifest.views,
        tuple(names),
        inspector.backend.run,
    )
    outer = np.nanmean(grid.scores[:, [0, -1], 0], axis=0)
    bad, good = outer if left else outer[::-1]
    assert bad < good - 10
