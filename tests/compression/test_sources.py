"""What a source is worth: measured widths, noise and light against what was put in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compression import scenes
from compression.degradations.light import to_linear, to_srgb
from compression.scenes.things import _fleece
from compression.sources import SourceQuality, assess, edge_width_px, noise_sigma

EXAMPLES = Path(__file__).parents[2] / "examples" / "photos"
DRAWN = (0, 2, 3, 4, 12, 16, 19, 20, 22, 24)


def luma(pixels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255


def blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), sigma)


def width(plane: np.ndarray) -> float:
    return edge_width_px(plane, np.ones(plane.shape, bool))


def read_example(name: str) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(EXAMPLES / name))[..., ::-1])


@pytest.mark.parametrize("deviation", [1.0, 1.5, 2.5, 4.0])
def test_the_width_of_a_lone_edge_is_its_own_and_the_blurs(deviation: float) -> None:
    edge = np.repeat(np.where(np.arange(200) < 100, 0.2, 0.8)[None], 200, 0).astype(np.float32)
    assert width(blur(edge, deviation)) == pytest.approx(np.hypot(width(edge), deviation), rel=0.1)


TOLERANCE = 0.35
"""Edges of a whole photo are not all alike: the sharper ones count, and a strong blur melts them together."""


@pytest.mark.parametrize("seed", DRAWN)
def test_a_blur_of_a_drawn_photo_is_found_in_its_edges(seed: int) -> None:
    plane = luma(scenes.draw(seed, 240, 320).pixels)
    before = width(plane)
    for added in (1.5, 2.5):
        assert width(blur(plane, added)) == pytest.approx(np.hypot(before, added), rel=TOLERANCE)


@pytest.mark.parametrize("name", ["coffee.jpg", "jar.jpg", "mug.jpg"])
def test_a_blur_of_an_example_is_found_in_its_edges(name: str) -> None:
    plane = luma(read_example(name))
    before = width(plane)
    for added in (1.5, 2.5):
        assert width(blur(plane, added)) == pytest.approx(np.hypot(before, added), rel=TOLERANCE)


@pytest.mark.parametrize("sigma", [2, 4, 8, 15])
def test_noise_on_a_smooth_picture_is_found(sigma: float) -> None:
    """As a camera stores it: rounded to 8 bits."""
    y, x = np.mgrid[0:1:240j, 0:1:320j]
    noisy = 0.3 + 0.4 * x * y + np.random.default_rng(0).normal(0, sigma / 255, x.shape)
    measured = noise_sigma((np.round(noisy * 255) / 255).astype(np.float32))
    assert measured * 255 == pytest.approx(sigma, rel=0.15)


def test_a_smooth_picture_has_no_noise_and_clipped_areas_tell_nothing() -> None:
    y, x = np.mgrid[0:1:240j, 0:1:320j]
    assert noise_sigma((0.3 + 0.4 * x * y).astype(np.float32)) * 255 < 0.5
    assert noise_sigma(np.ones((240, 320), np.float32)) == 0


def test_noise_lowers_noise_alone(pixels: np.ndarray) -> None:
    noisy = pixels + np.random.default_rng(0).normal(0, 12, pixels.shape)
    clean, worse = assess(pixels), assess(np.clip(noisy, 0, 255).astype(np.uint8))
    assert worse.noise < clean.noise - 0.15
    assert worse.exposure == pytest.approx(clean.exposure, abs=0.02)


@pytest.mark.parametrize("seed", (3, 19, 27))
def test_drawn_photos_are_sharp_and_get_less_so_with_blur(seed: int) -> None:
    photo = scenes.draw(seed, 240, 320).pixels
    values = [assess(each).sharpness for each in (photo, *(blur(photo, sigma) for sigma in (1.2, 2, 3.5)))]
    assert values[0] > 0.97
    assert values == sorted(values, reverse=True) and values[-1] < 0.6


def darken(pixels: np.ndarray, stops: float) -> np.ndarray:
    light = to_linear(pixels.astype(np.float32) / 255) * np.float32(2.0**-stops)
    return np.round(to_srgb(light) * 255).astype(np.uint8)


def test_a_dark_photo_loses_exposure_and_a_bright_one_keeps_it(pixels: np.ndarray) -> None:
    values = [assess(darken(pixels, stops)).exposure for stops in (0, 3, 4, 5)]
    assert values[0] == 1 and values == sorted(values, reverse=True)
    assert values[-1] < 0.45


def test_a_red_photo_is_not_dark() -> None:
    red = np.zeros((128, 128, 3), np.uint8)
    red[..., 0] = 190
    assert luma(red).mean() < 0.25
    assert assess(red).exposure == 1


@pytest.mark.parametrize("background", ["white", "gray", "room"])
@pytest.mark.parametrize("seed", range(3))
def test_a_soft_thing_with_a_sharp_outline_keeps_most_of_its_sharpness(seed: int, background: str) -> None:
    fleece = _fleece(np.random.default_rng(seed), 200, 200, 0.0)
    scene = scenes.draw(seed, 320, 320, background, [fleece])
    sharpness = assess(scene.pixels, scene.mask).sharpness
    assert sharpness >= 0.75


def test_edges_are_measured_on_the_product() -> None:
    scene = scenes.draw(16, 240, 320)
    inside = cv2.dilate(scene.mask, np.ones((15, 15), np.uint8))[..., None] > 0
    soft_ground = np.where(inside, scene.pixels, blur(scene.pixels, 4))
    soft_product = np.where(inside, blur(scene.pixels, 4), scene.pixels)
    assert assess(soft_ground, scene.mask).sharpness > 0.95
    assert assess(soft_product, scene.mask).sharpness < 0.7


@pytest.mark.parametrize("name", ["coffee.jpg", "jar.jpg", "mug.jpg"])
def test_a_veil_over_the_whole_photo_costs_contrast(name: str) -> None:
    """Koschmieder's veil, heavier and heavier."""
    light = to_linear(read_example(name).astype(np.float32) / 255)
    shares = (0.0, 0.15, 0.3, 0.45, 0.6)
    veiled = [np.round(255 * to_srgb(light * (1 - share) + 0.7 * share)).astype(np.uint8) for share in shares]
    values = [assess(each).contrast for each in veiled]
    assert values[0] == 1 and values == sorted(values, reverse=True) and values[-1] < 0.9


def test_a_light_photo_with_something_dark_in_it_has_contrast() -> None:
    light = np.full((200, 200, 3), 235, np.uint8)
    assert assess(light).contrast < 0.6
    light[80:120, 80:120] = 20
    assert assess(light).contrast == 1


@pytest.mark.parametrize("factor", [1.5, 2.0, 4.0])
def test_an_enlarged_photo_lacks_detail_and_is_else_what_it_was(factor: float) -> None:
    pixels = scenes.draw(0, 240, 320).pixels
    large = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    found, before = assess(large, enlarged=factor), assess(pixels)
    assert found.detail < 1 and before.detail == 1
    assert found.sharpness == pytest.approx(before.sharpness, abs=0.1)
    assert assess(large, np.full(large.shape[:2], 255, np.uint8), factor).detail == found.detail


def test_the_more_a_photo_was_enlarged_the_less_detail_it_has() -> None:
    pixels = scenes.draw(0, 240, 320).pixels
    values = [assess(pixels, enlarged=factor).detail for factor in (1.0, 1.3, 2.0, 4.0, 8.0)]
    assert values == sorted(set(values), reverse=True)


def test_overall_is_the_product() -> None:
    assert SourceQuality(0.5, 0.8, 0.9).overall == pytest.approx(0.36)


def test_a_photo_without_an_edge_is_assessed() -> None:
    flat = assess(np.full((128, 128, 3), 128, np.uint8))
    assert (flat.sharpness, flat.noise, flat.exposure, flat.detail) == (1, 1, 1, 1)


def test_a_mask_without_a_product_is_no_mask(pixels: np.ndarray) -> None:
    """As `fidelity` has it: nothing marked, everything counts."""
    assert assess(pixels, np.zeros(pixels.shape[:2], np.uint8)) == assess(pixels)
