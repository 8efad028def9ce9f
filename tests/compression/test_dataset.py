"""A data set made ready for training: what is added to the photos, and how it is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from compression import dataset, enlarged
from compression.dataset import make_dataset
from compression.models import ATTRIBUTES
from compression.scenes import stock

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(autouse=True)
def small_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics take as long as photos are large, and what is counted here is photos."""
    monkeypatch.setattr(stock, "WEB", ((120, 160),))
    monkeypatch.setattr(stock, "PHONE", ((120, 160),))
    monkeypatch.setattr(enlarged, "LONG_SIDE_PX", (160, 200))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Renderings and what metrics say of them: content is their key, so that tests can share them."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("damaged", [(), ("white",), ("white", "gray")])
def test_a_cut_out_is_worth_the_same_on_both_grounds(
    photos_csv: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damaged: tuple[str, ...]
) -> None:
    """Its outline measures softer on one; and a pair of which one cannot be read is half a pair."""
    made = list(stock.make_pairs("train", 1, (), tmp_path))
    soft = [cv2.GaussianBlur(cv2.imread(str(photo.path)), (0, 0), 1 + at) for at, photo in enumerate(made)]
    for photo, pixels, ground in zip(made, soft, stock.GROUNDS, strict=True):
        cv2.imwrite(str(photo.path), pixels)
        if ground in damaged:
            photo.path.write_bytes(b"no photo")
    unrated = [replace(photo, label=None) for photo in made]
    monkeypatch.setattr(dataset, "add_pairs", lambda *_: list(unrated))
    monkeypatch.setattr(dataset, "add_scenes", lambda *_: [])
    monkeypatch.setattr(dataset, "add_enlarged", lambda *_: [])
    data = make_dataset(photos_csv, ATTRIBUTES, cache, scenes=(4, 0))
    assert data.pairs == (0 if len(damaged) == 2 else 1, 0) and all(data.train)
    pair = data.train[-1]
    clean = [sample.target for sample in pair if not sample.variant.steps]
    assert len(clean) == (1 if damaged else 2)
    if not damaged:
        assert clean[0][0] < 0.9 and np.array_equal(*clean)
        assert len({sample.photo for sample in pair}) == 1


def test_a_pair_of_scenes_is_one_source_with_two_clean_copies(photos_csv: Path, cache: Path) -> None:
    data = make_dataset(photos_csv, ATTRIBUTES, cache, scenes=(4, 0))
    assert (data.scenes, data.pairs) == ((4, 0), (1, 0))
    assert data.describe()["photos"] == (len(data.train) - 4 - data.enlarged[0] - 1, len(data.val))
    counts = [sum(not sample.variant.steps for sample in source) for source in data.train]
    assert counts == [1] * (len(data.train) - 1) + [2]
    pair = data.train[-1]
    assert len({sample.photo for sample in pair}) == 1 and len({sample.path for sample in pair}) == len(pair)
    first, second = (sample.target for sample in pair if not sample.variant.steps)
    assert np.array_equal(first, second), "the ground takes nothing from a drawn thing"
    everything = [sample.photo for source in data.train for sample in source]
    assert sorted(set(everything)) == sorted({source[0].photo for source in data.train})


def test_photos_that_people_judged_are_counted_and_scenes_are_not(
    photos_csv: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = dataset.read_photos(photos_csv)
    numbers = {
        split: [at for at, each in enumerate(photos) if each.split == split] for split in ("train", "val")
    }
    judged = {numbers["train"][0]: {"label": 0.4}, numbers["train"][1]: {"accepted": True}}
    judged[numbers["val"][0]] = {"label": 1.0}
    said = [replace(photo, **judged.get(at, {})) for at, photo in enumerate(photos)]
    monkeypatch.setattr(dataset, "read_photos", lambda _: said)
    assert make_dataset(photos_csv, ATTRIBUTES, cache, scenes=(1, 0)).rated == (2, 1)
