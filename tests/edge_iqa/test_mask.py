"""The product's outline is found on a smooth ground, and what is found knows when it is not to be trusted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_iqa.mask import SIDE_PX, find_product, shrink
from edge_iqa.measures.study import find_box
from tests.edge_iqa.drawn import GROUNDS, draw_block


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def _true(box: tuple[float, float, float, float], shape: tuple[int, int]) -> np.ndarray:
    flags = np.zeros(shape, bool)
    left, top, wide, tall = box
    flags[
        round(top * shape[0]) : round((top + tall) * shape[0]),
        round(left * shape[1]) : round((left + wide) * shape[1]),
    ] = True
    return flags


@pytest.mark.parametrize("ground", sorted(GROUNDS))
@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 0.4), st.floats(0.05, 0.4), st.floats(0.25, 0.5), st.floats(0.25, 0.5))
def test_a_block_is_found_where_it_stands(
    ground: str, left: float, top: float, wide: float, tall: float
) -> None:
    box = (left, top, wide, tall)
    found = find_product(shrink(draw_block(ground, box)))
    assert found.background == ("light" if ground == "white" else "plain")
    assert _overlap(found.product, _true(box, found.product.shape)) > 0.9
    assert found.is_found


def test_a_soft_shadow_is_no_product() -> None:
    photo = draw_block("gray", (0.35, 0.3, 0.3, 0.4)).astype(np.float32)
    y, x = np.mgrid[0:1:600j, 0:1:800j]
    beside = np.exp(-(((x - 0.68) / 0.05) ** 2 + ((y - 0.55) / 0.15) ** 2))
    shaded = np.where((x > 0.65)[..., None], photo * (1 - 0.25 * beside)[..., None], photo)
    found = find_product(shrink(shaded.astype(np.uint8)))
    box = find_box(found.product)
    assert box is not None and box[0] + box[2] == pytest.approx(0.65, abs=0.02)


def test_the_hole_of_a_ring_is_background() -> None:
    import cv2

    photo = np.full((600, 600, 3), 255, np.uint8)
    cv2.ellipse(photo, (300, 330), (200, 180), 0, 0, 360, (40, 60, 90), -1)
    cv2.circle(photo, (300, 200), 28, (255, 255, 255), -1)
    found = find_product(shrink(photo))
    assert not found.product[round(200 / 600 * SIDE_PX), SIDE_PX // 2]
    assert found.product[round(400 / 600 * SIDE_PX), SIDE_PX // 2]


def test_noise_all_over_is_no_product_to_trust() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    small = shrink(np.kron(photo[:100, :100], np.ones((4, 4, 1), np.uint8)))
    found = find_product(small)
    assert found.background == "none" and not found.is_found and not found.is_sure


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_flat_color_has_no_product(level: int) -> None:
    found = find_product(shrink(np.full((300, 400, 3), level, np.uint8)))
    assert not found.product.any() and found.confidence == 0 and found.place == 0


@pytest.mark.parametrize("size", [(32, 32), (32, 4000), (5000, 40), (257, 300)])
def test_photos_of_any_shape_give_a_mask_of_their_shape(size: tuple[int, int]) -> None:
    small = shrink(np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8))
    assert max(small.shape[:2]) == SIDE_PX
    found = find_product(small)
    assert found.product.shape == small.shape[:2]
    assert 0 <= found.confidence <= 1 and 0 <= found.place <= 1
