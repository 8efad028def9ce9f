"""Drawn scenes: the same for a seed, different between seeds, and as sharp and well lit as they claim."""

from __future__ import annotations

import numpy as np
import pytest

from compression import scenes

SEEDS = range(6)


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    return [scenes.draw(seed, 240, 320) for seed in SEEDS]


def luma(photo: np.ndarray) -> np.ndarray:
    return photo @ np.array((0.299, 0.587, 0.114))


def test_a_seed_gives_the_same_pixels_whatever_was_drawn_before(photos):
    np.random.default_rng().random(7)
    assert np.array_equal(scenes.draw(3, 240, 320), photos[3])


def test_a_scene_has_the_size_asked_for_in_rgb_bytes():
    for height, width in ((64, 64), (97, 201), (300, 128)):
        photo = scenes.draw(1, height, width)
        assert photo.shape == (height, width, 3)
        assert photo.dtype == np.uint8


def test_seeds_differ_in_more_than_grain(photos):
    for index, one in enumerate(photos):
        for other in photos[index + 1 :]:
            assert np.abs(one.astype(int) - other).mean() > 8


def test_scenes_are_well_lit(photos):
    for photo in photos:
        assert 70 < photo.mean() < 225
        assert (photo.max(axis=2) < 8).mean() < 0.05, "large black areas"
        assert (photo.min(axis=2) > 253).mean() < 0.10, "large blown areas"


def test_scenes_have_detail_down_to_the_pixel(photos):
    """A 3x3 mean takes most of what neighboring pixels differ by, which it could not if they were soft."""
    for photo in photos:
        plane = luma(photo)
        shifted = [np.roll(plane, (row, column), (0, 1)) for row in (-1, 0, 1) for column in (-1, 0, 1)]
        soft = np.mean(shifted, axis=0)
        sharp_step = np.abs(np.diff(plane, axis=1)).mean()
        soft_step = np.abs(np.diff(soft, axis=1)).mean()
        assert sharp_step > 1.5
        assert sharp_step / soft_step > 1.3


def test_a_seed_is_the_same_scene_at_every_size():
    for seed in (0, 4):
        small, large = scenes.draw(seed, 192, 256), scenes.draw(seed, 384, 512)
        coarse = [photo.reshape(12, -1, 16, photo.shape[1] // 16, 3).mean((1, 3)) for photo in (small, large)]
        assert np.abs(coarse[0] - coarse[1]).mean() < 8


def test_a_large_scene_is_not_an_enlarged_small_one():
    """Detail per pixel stays: at twice the size neighbors still differ by more than half as much."""
    small, large = (luma(scenes.draw(2, side, side)) for side in (256, 512))
    assert np.abs(np.diff(large)).mean() > 0.5 * np.abs(np.diff(small)).mean()


def test_a_size_too_small_to_draw_is_refused_with_the_size():
    with pytest.raises(ValueError, match="64x64 px, got 40x300"):
        scenes.draw(0, 300, 40)
