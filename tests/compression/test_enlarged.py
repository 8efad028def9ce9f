"""Enlarged photos: the right size, the same every time, and known for what they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from compression.data import Photo
from compression.dataset import add_enlarged
from compression.enlarged import LONG_SIDE_PX, enlarge


@pytest.fixture
def photos(tmp_path: Path, three_photos: list[np.ndarray]) -> list[Photo]:
    paths = [tmp_path / f"{index}.png" for index in range(len(three_photos))]
    for path, pixels in zip(paths, three_photos, strict=True):
        cv2.imwrite(str(path), pixels[..., ::-1])
    return [Photo(path, "train", path.stem, label=0.9, category="mug") for path in paths]


def test_an_enlarged_photo_says_how_much_larger_it_is(photos: list[Photo], tmp_path: Path) -> None:
    for before, after in zip(photos, enlarge(photos, 3, tmp_path / "cache"), strict=True):
        height, width = cv2.imread(str(after.path)).shape[:2]
        assert LONG_SIDE_PX[0] - 1 <= max(height, width) <= LONG_SIDE_PX[1] + 1
        assert width / height == pytest.approx(200 / 160, rel=0.03)
        assert after.enlarged >= width / 200 - 0.02  # more where pixels were thrown away first
        assert (after.split, after.group, after.category) == (before.split, before.group, before.category)
        assert after.label is None, "a person rated the photo before, not this one"


def test_a_second_run_makes_the_same_bytes(photos: list[Photo], tmp_path: Path) -> None:
    first, second = (list(enlarge(photos, 3, tmp_path / name)) for name in ("a", "b"))
    assert [each.path.read_bytes() for each in first] == [each.path.read_bytes() for each in second]
    assert [each.enlarged for each in first] == [each.enlarged for each in second]


def test_an_unreadable_photo_is_left_out(photos: list[Photo], tmp_path: Path) -> None:
    photos[1].path.write_bytes(b"no photo")
    assert len(list(enlarge(photos, 3, tmp_path / "cache"))) == 2


def test_no_photo_is_enlarged_twice_over(photos: list[Photo], tmp_path: Path) -> None:
    made = list(enlarge(photos, 50, tmp_path / "cache"))
    assert len({each.path for each in made}) == len(made) == 3


def test_a_photo_that_is_large_enough_already_is_left_out(tmp_path: Path) -> None:
    """What counts as enlarged is larger than it was."""
    paths = [tmp_path / f"{level}.png" for level in range(8)]
    for level, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((1500, 1500, 3), 20 * level, np.uint8))
    made = list(enlarge([Photo(path, "train", path.stem) for path in paths], 8, tmp_path / "cache"))
    assert len(made) < 8 and all(photo.enlarged > 1 for photo in made)


def test_photos_that_people_judged_are_not_enlarged(photos: list[Photo], tmp_path: Path) -> None:
    """A bad photo, made larger, would count as a good one that lacks detail."""
    judged = [*photos[:1], replace(photos[1], label=None, accepted=False)]
    free = replace(photos[2], label=None)
    made = add_enlarged([*judged, free], "train", 3, tmp_path / "cache")
    assert [photo.group for photo in made] == [free.group]
    assert not add_enlarged(judged, "train", 3, tmp_path / "cache")
