"""The same content of a spoiled and a repaired photo: what moved is brought back, what was damaged stays damaged."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.same_content import match_content
from edge_iqa.repairs.background import WhiteBackground
from edge_iqa.repairs.base import Step
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.crop import Crop
from edge_iqa.repairs.exposure import Exposure
from edge_iqa.repairs.straighten import Straighten

Pixels = NDArray[np.uint8]


def make_photo(height: int = 150, width: int = 200) -> Pixels:
    coarse = np.random.default_rng(3).uniform(20, 235, (height // 12, width // 12, 3)).astype(np.float32)
    return np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255), np.uint8
    )


def make_product(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    product = np.zeros(shape[:2], np.uint8)
    product[50:100, 70:130] = 255
    return product


@pytest.mark.parametrize("plain", [True, False])
def test_a_turned_photo_is_turned_back(plain: bool) -> None:
    photo = make_photo()
    context = Context(make_product(photo.shape) > 0, "plain", 0.95) if plain else Context()
    step = Step("straighten", Straighten(7.0), 1.0)
    after = step.apply(photo, context)
    assert (after.shape == photo.shape) is plain
    pair = match_content(photo, after, step, None)
    assert pair is not None and pair[0].shape == pair[1].shape
    middle = np.s_[30:-30, 30:-30] if plain else np.s_[1:-1, 1:-1]
    off = np.abs(pair[0].astype(int) - pair[1])[middle].mean()
    assert off < 1, "but for being interpolated twice it is the photo again"
    blurred = match_content(photo, cv2.GaussianBlur(after, (0, 0), 3), step, None)
    assert blurred is not None and np.abs(blurred[0].astype(int) - blurred[1])[middle].mean() > 3 * off


@pytest.mark.parametrize("edges", [(0.2, 0.1, 0.8, 0.7), (-0.2, 0.1, 0.9, 1.3)])
def test_a_crop_is_compared_with_that_part_of_the_photo(edges: tuple[float, float, float, float]) -> None:
    photo = make_photo()
    step = Step("crop", Crop(*edges), 1.0)
    pair = match_content(photo, step.apply(photo, Context()), step, None)
    assert pair is not None and pair[0].size > 1000
    assert (pair[0] == pair[1]).all()


def test_of_a_new_background_the_product_is_compared_on_white() -> None:
    photo, product = make_photo(), make_product((150, 200))
    step = Step("white background", WhiteBackground(), 1.0)
    pair = match_content(photo, photo, step, product)
    assert pair is not None and pair[1] is photo
    assert (pair[0][product == 0] == 255).all()
    assert (pair[0][product > 0] == photo[product > 0]).all()
    assert match_content(photo, photo, step, None) is None, "nobody drew the outline"


def test_what_moves_nothing_has_no_other_content() -> None:
    photo = make_photo()
    assert match_content(photo, photo, Step("exposure", Exposure(1.0), 1.0), None) is None
