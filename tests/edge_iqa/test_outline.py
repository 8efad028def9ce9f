"""An outline that took some shadow for product is drawn anew by color."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa.repairs.outline import redraw


def _draw(shadow: float = 0.6) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A red thing on gray paper, with a soft shadow around it."""
    thing = np.zeros((384, 512), np.uint8)
    cv2.ellipse(thing, (256, 200), (130, 90), 0, 0, 360, 255, -1)
    around = cv2.GaussianBlur(thing, (0, 0), 8).astype(np.float32)[..., None] / 255
    paper = np.float32((150, 150, 155)) * (1 - shadow * around)
    photo = np.where(thing[..., None] > 0, np.float32((170, 60, 50)), paper)
    grain = np.random.default_rng(1).normal(0, 3, photo.shape)
    return np.clip(photo + grain, 0, 255).astype(np.uint8), thing > 0


def _grow(mask: NDArray[np.bool_], by_px: int) -> NDArray[np.float32]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by_px + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(np.float32)


@pytest.mark.parametrize("by_px", [2, 4, 6])
def test_a_rim_of_shadow_is_no_product(by_px: int) -> None:
    photo, thing = _draw()
    grown = _grow(thing, by_px)
    left = (redraw(photo, grown) > 0.5) != thing
    assert left.sum() < 0.1 * ((grown > 0.5) != thing).sum()


def test_an_outline_that_is_right_stays() -> None:
    photo, thing = _draw()
    assert ((redraw(photo, thing.astype(np.float32)) > 0.5) != thing).mean() < 1e-3


def test_a_thin_handle_stays_though_it_looks_like_a_shadow() -> None:
    photo, thing = _draw()
    handle = np.zeros(thing.shape, np.uint8)
    cv2.ellipse(handle, (400, 200), (50, 40), 0, -120, 120, 255, 5)
    handle = (handle > 0) & ~thing
    paper = np.float32((150, 150, 155)) * np.random.default_rng(3).uniform(0.9, 1.0, (*thing.shape, 1))
    photo = np.where(thing[..., None], photo, paper.astype(np.uint8))
    photo[handle] = (140, 140, 145)  # a color that the paper has too
    cover = (thing | handle).astype(np.float32)
    assert (redraw(photo, cover) > 0.5)[handle].mean() > 0.95


def test_the_same_photo_is_always_cut_the_same_way() -> None:
    """Many colors on both sides, so that the clusters that GrabCut begins by do differ by chance."""
    rng = np.random.default_rng(7)
    spots = cv2.resize(rng.integers(0, 256, (24, 32, 3), np.uint8), (512, 384), interpolation=cv2.INTER_CUBIC)
    _, thing = _draw()
    cuts = []
    for seed in (1, 99):
        cv2.setRNGSeed(seed)
        cuts.append(redraw(spots, _grow(thing, 5)))
    assert (cuts[0] == cuts[1]).all()


@pytest.mark.parametrize("everything", [True, False])
def test_without_product_or_background_to_learn_from_nothing_changes(everything: bool) -> None:
    photo, _ = _draw()
    cover = np.full(photo.shape[:2], float(everything), np.float32)
    assert (redraw(photo, cover) == cover).all()
