"""Batches hold what samples say, come in the same order every time, and serve two models at once."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from compression.batches import (
    count_steps,
    evaluation_batches,
    fit_views,
    training_batches,
    widest,
)
from compression.labels import Sample
from compression.train_config import TrainConfig
from compression.variants import Variant
from edge_iqa import image, views
from edge_iqa.views import ViewSpec

SPEC = ViewSpec(32, 2, 128)
CONFIG = TrainConfig(photos_per_step=2, variants_per_photo=2)
CATEGORIES = (2, -1, 0, 1, -1)
FIELDS = ("views", "targets", "photos", "categories")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[list[Sample]]:
    """Five photos of three variants; nobody knows what those of the last are worth."""
    folder, made = tmp_path_factory.mktemp("batches"), []
    for photo, category in enumerate(CATEGORIES):
        variants = []
        for number in range(3):
            rng = np.random.default_rng((photo, number))
            path = folder / f"{photo}-{number}.png"
            Image.fromarray(rng.integers(0, 256, (96, 128, 3), np.uint8)).save(path)
            target = np.full(3, np.nan, np.float32) if photo == 4 else rng.random(3, np.float32)
            variants.append(Sample(path, photo, Variant(), target, category))
        made.append(variants)
    return made


def random_views(count: int, size: int, batch: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (batch, count, size, size, 3), np.uint8)


def average_cells(picture: np.ndarray, size: int) -> np.ndarray:
    """Mean of all pixels that each of size x size equal cells touches: (S, S, 3) → (size, size, 3)."""
    side = len(picture)
    spans = [(at * side // size, -(-(at + 1) * side // size)) for at in range(size)]
    rows = np.stack([picture[first:behind].astype(float).mean(0) for first, behind in spans])
    return np.stack([rows[:, first:behind].mean(1) for first, behind in spans], axis=1)


# what is in a batch


def test_evaluation_batches_hold_what_the_samples_say_and_what_the_device_would_cut(
    photos: list[list[Sample]],
) -> None:
    samples = [sample for photo in photos for sample in photo]
    batches = list(evaluation_batches(samples, SPEC, size=4))
    assert [len(batch.views) for batch in batches] == [4, 4, 4, 3]
    joined = {name: torch.cat([getattr(batch, name) for batch in batches]).numpy() for name in FIELDS}
    np.testing.assert_array_equal(joined["targets"], [sample.target for sample in samples])  # NaN too
    assert joined["photos"].tolist() == [sample.photo for sample in samples]
    assert joined["categories"].tolist() == [sample.category for sample in samples]
    assert {name: str(values.dtype) for name, values in joined.items()} == {
        "views": "uint8",
        "targets": "float32",
        "photos": "int64",
        "categories": "int64",
    }
    for sample, cut in zip(samples, joined["views"], strict=True):
        frame = image.read(sample.path, long_side_px=SPEC.long_side_px)
        np.testing.assert_array_equal(cut, views.cut(frame, SPEC))


def test_an_epoch_takes_every_photo_once_with_its_category_and_target(photos: list[list[Sample]]) -> None:
    batches = list(training_batches(photos, SPEC, CONFIG, epoch=0))
    assert len(batches) == count_steps(5, 2) == 3
    seen = torch.cat([batch.photos for batch in batches]).tolist()
    assert sorted(seen) == sorted(list(range(5)) * 2)  # two variants of each
    for batch in batches:
        assert batch.categories.tolist() == [CATEGORIES[photo] for photo in batch.photos]
        known = {photo: [tuple(each.target) for each in photos[photo]] for photo in range(4)}
        for photo, target in zip(batch.photos.tolist(), batch.targets, strict=True):
            assert target.isnan().all() if photo == 4 else tuple(target.tolist()) in known[photo]


def test_every_photo_comes_with_its_clean_copy(photos: list[list[Sample]]) -> None:
    for batch in training_batches(photos[:4], SPEC, CONFIG, epoch=0):
        for photo in set(batch.photos.tolist()):
            found = [tuple(each.tolist()) for each in batch.targets[batch.photos == photo]]
            assert tuple(photos[photo][0].target.tolist()) in found


def test_the_same_seed_epoch_and_step_give_the_same_batch(photos: list[list[Sample]]) -> None:
    whole = list(training_batches(photos, SPEC, CONFIG, epoch=1))
    tail = list(training_batches(photos, SPEC, CONFIG, epoch=1, first=1))
    other = list(training_batches(photos, SPEC, CONFIG, epoch=2))
    for again, batch in zip(tail, whole[1:], strict=True):
        for name in FIELDS:
            torch.testing.assert_close(getattr(again, name), getattr(batch, name), equal_nan=True)
    assert [batch.photos.tolist() for batch in other] != [batch.photos.tolist() for batch in whole]


def test_the_first_epochs_see_small_views_and_the_last_ones_those_of_the_model(
    photos: list[list[Sample]],
) -> None:
    spec, config = ViewSpec(64, 1, 128), replace(CONFIG, epochs=3, small_epochs=2, small_px=48)
    sizes = [next(training_batches(photos, spec, config, epoch)).views.shape[1:] for epoch in range(3)]
    assert sizes == [(2, 48, 48, 3), (2, 48, 48, 3), spec.shape]
    smaller = next(training_batches(photos, ViewSpec(32, 1, 128), config, 0))
    assert smaller.views.shape[1:] == (2, 32, 32, 3)  # never enlarged


def test_a_batch_moves_as_a_whole(photos: list[list[Sample]]) -> None:
    batch = next(evaluation_batches(photos[0], SPEC))
    moved = batch.to(torch.device("meta"))
    for name in FIELDS:
        assert getattr(moved, name).device.type == "meta"
        assert getattr(moved, name).shape == getattr(batch, name).shape


# views of two models


def test_views_of_the_same_spec_are_left_as_they_are() -> None:
    given = torch.from_numpy(random_views(3, 64))
    assert fit_views(given, ViewSpec(64, 2)) is given


def test_views_for_a_smaller_model_are_a_plain_crop_and_an_area_mean() -> None:
    given = random_views(4, 224)
    fitted = fit_views(torch.from_numpy(given), ViewSpec(160, 2)).numpy()
    assert fitted.shape == (3, 3, 160, 160, 3) and fitted.dtype == np.uint8
    np.testing.assert_array_equal(fitted[:, 1:], given[:, 1:3, 32:192, 32:192])
    for whole, found in zip(given[:, 0], fitted[:, 0], strict=True):
        assert np.abs(found - average_cells(whole, 160)).max() <= 0.5 + 1e-3  # rounded, nothing else


def test_a_whole_that_halves_is_opencvs_area_mean() -> None:
    """Where cells end between pixels the two differ: OpenCV weighs a pixel by its share."""
    given = random_views(1, 128)
    fitted = fit_views(torch.from_numpy(given), ViewSpec(64, 0)).numpy()
    for whole, found in zip(given[:, 0], fitted[:, 0], strict=True):
        exact = cv2.resize(whole.astype(np.float32), (64, 64), interpolation=cv2.INTER_AREA)
        assert np.abs(found - exact).max() <= 0.5 + 1e-3


def test_a_smooth_whole_fits_as_the_device_would_shrink_it() -> None:
    rows, columns = np.mgrid[0:224, 0:224]
    waves = np.sin(rows / 40)[..., None] * np.cos(columns[..., None] / np.array([30, 40, 50]))
    smooth = (127 + 100 * waves).astype(np.uint8)
    found = fit_views(torch.from_numpy(smooth[None, None]), ViewSpec(160, 0)).numpy()[0, 0]
    device = cv2.resize(smooth, (160, 160), interpolation=cv2.INTER_AREA)
    assert np.abs(found.astype(int) - device).max() <= 2


def test_fewer_views_of_the_same_size_are_the_first_ones() -> None:
    given = torch.from_numpy(random_views(4, 64))
    assert torch.equal(fit_views(given, ViewSpec(64, 1)), given[:, :2])
    assert torch.equal(fit_views(given, ViewSpec(64, 0)), given[:, :1])


def test_views_that_a_model_lacks_are_told() -> None:
    with pytest.raises(ValueError, match="expected at least 4 views, got 3"):
        fit_views(torch.from_numpy(random_views(3, 64)), ViewSpec(64, 3))


def test_views_smaller_than_a_models_own_keep_their_size() -> None:
    given = torch.from_numpy(random_views(3, 64))
    assert fit_views(given, ViewSpec(96, 2)) is given
    assert torch.equal(fit_views(given, ViewSpec(96, 1)), given[:, :2])


def test_the_widest_views_serve_every_model() -> None:
    specs = (ViewSpec(96, 3, 800), ViewSpec(64, 4, 800), ViewSpec(160, 0, 800))
    assert widest(*specs) == ViewSpec(160, 4, 800)
    assert widest(SPEC) == SPEC
    given = torch.from_numpy(random_views(5, 160, batch=1))
    for spec in specs:
        assert fit_views(given, spec).shape == (1, *spec.shape)


def test_models_that_look_at_different_viewing_scales_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one viewing scale.*\[800, 1600\]"):
        widest(ViewSpec(96, 1, 800), ViewSpec(96, 1, 1600))
