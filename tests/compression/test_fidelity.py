"""Fidelity: metrics as published, on the product, at viewing scale, cached by content."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compression import scenes
from compression.degradations.kernels import convolve, disk
from compression.fidelity import Fidelity, FidelityCache, Reference, key


def blur(pixels: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(pixels, (0, 0), sigma)


def test_a_photo_is_like_itself(three_photos: list[np.ndarray]) -> None:
    """HaarPSI and VSI of equal images are 1, MDSI is 0, by their definitions."""
    for photo in three_photos:
        same = Reference(photo).compare(photo)
        assert same.haarpsi == pytest.approx(1, abs=1e-3) and same.vsi == pytest.approx(1, abs=1e-3)
        assert same.mdsi == pytest.approx(0, abs=1e-3)
        assert same.impairment < 0.01


def test_every_metric_gets_worse_as_a_blur_grows(three_photos: list[np.ndarray]) -> None:
    for photo in three_photos:
        reference = Reference(photo)
        values = [reference.compare(blur(photo, sigma)) for sigma in (0.7, 1.5, 3.0)]
        for column in ([-each.haarpsi for each in values], [-each.vsi for each in values]):
            assert column == sorted(column)
        assert [each.mdsi for each in values] == sorted(each.mdsi for each in values)
        impairments = [each.impairment for each in values]
        assert impairments == sorted(impairments) and 0 < impairments[0] < impairments[-1] - 0.15


@given(
    haarpsi=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    mdsi=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    vsi=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_impairment_is_a_share_that_never_falls_where_a_metric_gets_worse(
    haarpsi: list[float], mdsi: list[float], vsi: list[float]
) -> None:
    better = Fidelity(haarpsi[1], mdsi[0], vsi[1]).impairment
    for worse in (
        Fidelity(haarpsi[0], mdsi[0], vsi[1]),
        Fidelity(haarpsi[1], mdsi[1], vsi[1]),
        Fidelity(haarpsi[1], mdsi[0], vsi[0]),
    ):
        assert 0 <= better <= worse.impairment <= 1


def test_what_is_outside_the_mask_does_not_count() -> None:
    scene = scenes.draw(16, 240, 320)
    outside = cv2.dilate(scene.mask, np.ones((5, 5), np.uint8)) == 0
    noise = np.random.default_rng(0).integers(0, 256, scene.pixels.shape, np.uint8)
    spoiled = np.where(outside[..., None], noise, scene.pixels)
    masked, bare = Reference(scene.pixels, scene.mask), Reference(scene.pixels)
    assert masked.compare(spoiled).impairment < 0.01
    assert bare.compare(spoiled).impairment > 0.3


def test_a_fault_on_the_product_counts_more_where_the_product_is_known() -> None:
    """A small product on a busy ground: the ground, left as it was, must not hide the blur."""
    scene = scenes.draw(20, 320, 400, background="table", fill=0.35)
    spoiled = np.where(scene.mask[..., None] > 0, blur(scene.pixels, 2.5), scene.pixels)
    masked = Reference(scene.pixels, scene.mask).compare(spoiled).impairment
    assert masked > Reference(scene.pixels).compare(spoiled).impairment + 0.05


def test_a_large_photo_keeps_the_detail_that_a_shrunk_one_loses() -> None:
    """A disk of 3 px at 4000 px is seen, though shrunk to 256 px the same metrics hardly see it."""
    photo = scenes.draw(16, 1800, 2400).pixels
    blurred = (convolve(photo.astype(np.float32) / 255, disk(3 * 2400 / 4000)) * 255).round().astype(np.uint8)
    large = Reference(photo).compare(blurred).impairment
    small = [cv2.resize(each, (256, 192), interpolation=cv2.INTER_AREA) for each in (photo, blurred)]
    shrunk = Reference(small[0]).compare(small[1]).impairment
    assert large > 0.1 and large > 3 * shrunk


def test_the_same_fault_in_the_shoppers_pixels_counts_alike_in_a_large_photo() -> None:
    """2 px of 1600 and 4 px of 3200 are the same blur to a shopper."""
    large = scenes.draw(16, 1200, 3200, fill=0.9).pixels
    small = cv2.resize(large, (1600, 600), interpolation=cv2.INTER_AREA)
    impairments = [
        Reference(photo).compare(blur(photo, sigma)).impairment
        for photo, sigma in ((small, 1.0), (large, 2.0))
    ]
    assert impairments[1] == pytest.approx(impairments[0], abs=0.05)


@pytest.mark.parametrize("size", [(64, 64), (64, 900), (1900, 70)])
def test_odd_sizes_are_compared(size: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    reference = Reference(photo)
    assert reference.compare(photo).impairment < 0.01 < reference.compare(blur(photo, 2)).impairment


def test_a_product_of_a_few_pixels_is_compared_with_what_is_around_it(pixels: np.ndarray) -> None:
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[250:253, 315:319] = 255
    assert 0 <= Reference(pixels, mask).compare(blur(pixels, 2)).impairment <= 1


def test_a_variant_of_another_size_is_refused_with_both(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(256, 320, 3\).*\(255, 320, 3\)"):
        Reference(pixels).compare(pixels[1:])


# the cache


def test_the_cache_gives_back_what_was_put_in(tmp_path: Path) -> None:
    value, other = Fidelity(0.123456789, 0.25, 0.99), Fidelity(1.0, 0.0, 1.0)
    store = FidelityCache(tmp_path / "new" / "fidelity.sqlite")
    store.put([("a", value), ("b", other)])
    assert store.get("a") == value and store.get("b") == other and store.get("c") is None
    store.put([("a", other)])
    assert store.get("a") == other and store.count() == 2
    store.close()


def put_and_die(path: Path) -> None:
    store = FidelityCache(path)
    store.put([("kept", Fidelity(0.5, 0.2, 0.9))])
    store._db.execute("INSERT INTO fidelity VALUES ('half', 1, 0, 1)")  # not yet committed
    os._exit(9)


def test_a_kill_loses_nothing_that_was_put_and_the_next_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "fidelity.sqlite"
    process = multiprocessing.get_context("fork").Process(target=put_and_die, args=(path,))
    process.start()
    process.join(30)
    assert process.exitcode == 9
    store = FidelityCache(path)
    assert store.get("kept") == Fidelity(0.5, 0.2, 0.9) and store.get("half") is None
    store.put([("next", Fidelity(1, 0, 1))])
    assert store.count() == 2
    store.close()


def test_two_processes_may_have_the_cache_open(tmp_path: Path) -> None:
    first, second = (FidelityCache(tmp_path / "fidelity.sqlite") for _ in range(2))
    first.put([("a", Fidelity(1, 0, 1))])
    second.put([("b", Fidelity(1, 0, 1))])
    assert second.get("a") is not None and first.get("b") is not None
    first.close()
    second.close()


def test_keys_tell_contents_and_their_order_apart() -> None:
    keys = {key(b"a", b"b"), key(b"b", b"a"), key(b"ab"), key(b"a", b"b", b""), key(b"a", b"b", b"mask")}
    assert len(keys) == 5 and key(b"a", b"b") in keys
