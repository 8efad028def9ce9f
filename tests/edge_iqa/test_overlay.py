"""Text that software laid over a photo is found where it is; what is printed on the product is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import image
from edge_iqa.measurement import Box
from edge_iqa.measures.overlay import find_overlay, measure_overlay
from edge_iqa.measures.overlay_chances import Net
from edge_iqa.measures.study import Study

Array = NDArray[np.uint8]


def take_photo(seed: int = 0, print_text: str = "") -> Array:
    """A textured carton on a gray wall with a sensor's grain, 600x800; words are printed before light and grain."""
    rng = np.random.default_rng(seed)
    drawn = np.full((600, 800, 3), 200, np.uint8)
    cv2.rectangle(drawn, (260, 130), (540, 500), (158, 92, 56), -1)
    if print_text:
        face = cv2.FONT_HERSHEY_DUPLEX
        cv2.putText(drawn, print_text, (285, 300), face, 1.8, (40, 28, 20), 4, cv2.LINE_AA)
    flat = drawn.astype(np.float32) / 255
    board = cv2.GaussianBlur(rng.standard_normal((600, 800), dtype=np.float32), (0, 0), 1.0)
    light = 1 + 0.12 * board[..., None] * (flat[..., 2:] < 0.7)
    light *= np.linspace(1.05, 0.9, 800, dtype=np.float32)[None, :, None]
    photo = cv2.GaussianBlur(flat, (0, 0), 1.0) * light + rng.normal(0, 0.008, flat.shape)
    return np.clip(photo * 255, 0, 255).astype(np.uint8)


def lay_text(
    photo: Array, text: str, left: int, base: int, share: float = 1.0, size: float = 1.6
) -> tuple[Array, Box]:
    """White letters over a photo, see-through where `share` is under 1, and their true box."""
    cover = np.zeros(photo.shape[:2], np.uint8)
    cv2.putText(cover, text, (left, base), cv2.FONT_HERSHEY_DUPLEX, size, 255, 4, cv2.LINE_AA)
    weight = cover[..., None].astype(np.float32) / 255 * share
    laid = (photo * (1 - weight) + 255 * weight).astype(np.uint8)
    x, y, wide, tall = cv2.boundingRect(cover)
    height, width = cover.shape
    return laid, (x / width, y / height, wide / width, tall / height)


def measure(photo: Array) -> tuple[float, Box | None]:
    jpeg = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return measure_overlay(Study.of(image.read(jpeg)))["overlay"]


def share_union(one: Box, other: Box) -> float:
    """Area that two boxes have in common, over that of both."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    tall = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, tall)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


@pytest.mark.parametrize(("left", "base", "size"), [(60, 80, 1.6), (300, 330, 1.3), (380, 570, 1.6)])
def test_flat_text_is_found_and_boxed(left: int, base: int, size: float) -> None:
    photo, truth = lay_text(take_photo(), "FREE NOW", left, base, size=size)
    value, box = measure(photo)
    assert 0 < value <= 1
    assert box is not None
    assert share_union(box, truth) > 0.5


def test_see_through_watermarks_all_over_are_found() -> None:
    photo = take_photo(1)
    for base in range(60, 600, 110):
        for left in range(20, 700, 230):
            photo, _ = lay_text(photo, "SAMPLE", left, base, share=0.4, size=1.1)
    value, box = measure(photo)
    assert value > 0.02
    assert box is not None
    assert box[2] > 0.7
    assert box[3] > 0.7


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_photo_without_text_measures_zero(seed: int) -> None:
    assert measure(take_photo(seed)) == (0.0, None)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_words_printed_on_the_product_are_no_overlay(seed: int) -> None:
    assert measure(take_photo(seed, print_text="COFFEE")) == (0.0, None)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_flat_color_measures_zero(level: int) -> None:
    study = Study.of(image.read(np.full((300, 400, 3), level, np.uint8)))
    assert measure_overlay(study) == {"overlay": (0.0, None)}
    assert not find_overlay(study).is_found


@pytest.mark.parametrize("shape", [(32, 32, 3), (32, 900, 3), (900, 32, 3), (200, 300)])
def test_odd_photos_are_measured_too(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    study = Study.of(image.read(noise))
    value, box = measure_overlay(study)["overlay"]
    assert 0 <= value <= 1
    assert (box is None) == (value == 0)
    assert find_overlay(study).flags.shape == study.mask.product.shape


def test_one_faint_watermark_across_the_product_is_found() -> None:
    photo, truth = lay_text(take_photo(), "my-shop.com", 180, 400, share=0.25)
    value, box = measure(photo)
    assert value > 0
    assert box is not None
    assert share_union(box, truth) > 0.5


def test_a_net_weighs_as_its_rows_say() -> None:
    rows = ((1.0, 2.0), (0.0, 0.5))
    units = ((0.5, 2.0, 1.0, -1.0), (-0.25, -3.0, 0.0, 2.0))
    # standardized: (1, -1), and (-0.5, 3) where 4 deviations are held to 3
    terms = np.array([[3.0, -0.5], [0.0, 2.0]])
    first = 2.0 * (0.5 + 1 + 1) - 3.0 * 0 + 0.1
    second = 2.0 * 0 - 3.0 * (-0.25 + 6) + 0.1
    assert Net.of(rows, units, 0.1).weigh(terms) == pytest.approx((first, second), abs=1e-5)
