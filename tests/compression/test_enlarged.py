"""Enlarged photos: the right size, the same every time, and known for what they are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compression.data import Photo
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
