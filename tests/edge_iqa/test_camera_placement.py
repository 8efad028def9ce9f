"""The net that tells a product without an outline, on pictures whose truth is plain to see."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa.camera.placement import GRID, PLANES, find_placement, make_grid


def make_lab(fill: float | None, seed: int = 0, height: int = 144, width: int = 256) -> NDArray[np.float32]:
    """A textured thing on a gray ground that grows lighter to one side; None is the ground alone."""
    rng = np.random.default_rng(seed)
    picture = np.repeat(np.linspace(150, 190, width, dtype=np.float32)[None], height, 0)[..., None].repeat(
        3, 2
    )
    if fill is not None:
        tall = round(fill * height)
        wide = min(width - 8, round(0.8 * tall))
        top, left = (height - tall) // 2, (width - wide) // 2
        texture = cv2.GaussianBlur(rng.uniform(0, 255, (tall, wide, 3)).astype(np.float32), (0, 0), 1.5)
        picture[top : top + tall, left : left + wide] = texture * 0.5 + rng.uniform(0, 120, 3)
    picture += rng.normal(0, 1.5, picture.shape)
    return cv2.cvtColor(np.clip(picture / 255, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)


@pytest.mark.parametrize("seed", range(4))
def test_a_bare_ground_has_no_product_and_one_with_a_thing_on_it_has(seed: int) -> None:
    assert find_placement(make_lab(None, seed)).present < 0.1
    assert find_placement(make_lab(0.7, seed)).present > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_a_larger_thing_fills_more(seed: int) -> None:
    fills = [find_placement(make_lab(fill, seed)).fill for fill in (0.25, 0.5, 0.8)]
    assert fills == sorted(fills)
    assert fills[0] < 0.45 < fills[2]


def test_a_frame_on_its_side_says_the_same() -> None:
    lying = make_lab(0.6)
    assert find_placement(np.ascontiguousarray(lying.transpose(1, 0, 2))) == find_placement(lying)


@pytest.mark.parametrize("shape", [(144, 256), (256, 144), (256, 256), (9, 256), (1, 1), (2, 256)])
def test_any_shape_gives_a_grid_of_numbers(shape: tuple[int, int]) -> None:
    grid = make_grid(np.random.default_rng(0).uniform(0, 100, (*shape, 3)).astype(np.float32))
    assert grid.shape == (*GRID, PLANES) and np.isfinite(grid).all()


def test_light_that_falls_off_smoothly_is_no_product() -> None:
    y, x = np.mgrid[-1:1:144j, -1:1:256j]
    light = (80 - 25 * x * x - 15 * y * y + 8 * x * y).astype(np.float32)
    lab = np.dstack([light, np.zeros_like(light), np.zeros_like(light)])
    assert np.abs(make_grid(lab)[..., :3]).max() < 0.1  # two units of Lab
