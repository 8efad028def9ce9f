"""Data sets from CSV and folders: split by group, refused with a line number where they do not fit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compression.data import hash_photos, read_photos, select
from edge_iqa.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(60):
        cv2.imwrite(str(tmp_path / f"{index:02d}.png"), np.full((40, 40, 3), index, np.uint8))
    return tmp_path


def write_csv(folder: Path, text: str) -> Path:
    path = folder / "photos.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_folder_splits_by_name_the_same_way_each_time(folder: Path) -> None:
    photos = read_photos(folder)
    assert len(photos) == 60
    assert photos == read_photos(folder)
    shares = [len(select(photos, split)) for split in ("train", "val", "test")]
    assert sum(shares) == 60 and shares[0] > 36 and min(shares) > 0


def test_a_group_is_never_split_where_no_split_is_given(folder: Path) -> None:
    rows = "".join(f"{i:02d}.png,seller {i % 9}\n" for i in range(60))
    photos = read_photos(write_csv(folder, "path,group\n" + rows))
    assert all(len({p.split for p in photos if p.group == f"seller {g}"}) == 1 for g in range(9))


def test_labels_are_optional_row_by_row(folder: Path) -> None:
    photos = read_photos(write_csv(folder, "path,split,group,label\n00.png,train,a,0.8\n01.png,val,b,\n"))
    assert [photo.label for photo in photos] == [0.8, None]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,split\n00.png,train\n", "`path` column"),
        ("path,split\nnone.png,train\n", "line 2.*no such photo"),
        ("path,split\n00.png,train\n01.png,dev\n", "line 3.*expected one of train, val, test, got 'dev'"),
        ("path,label\n00.png,7\n", "line 2.*0 .worst. to 1 .best., got '7'"),
        ("path,label\n00.png,nan\n", "line 2.*got 'nan'"),
        ("path,split,group\n00.png,train,a\n01.png,test,a\n", "group 'a' stands in train and in test"),
        ("path\n", "holds no photos"),
    ],
)
def test_a_csv_that_does_not_fit_says_where_and_why(folder: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_photos(write_csv(folder, text))


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found nothing there"):
        read_photos(tmp_path / "none.csv")


def test_hash_follows_content_and_split_not_order(folder: Path) -> None:
    photos = read_photos(folder)
    assert hash_photos(photos) == hash_photos(photos[::-1])
    before = hash_photos(photos)
    cv2.imwrite(str(folder / "00.png"), np.zeros((40, 40, 3), np.uint8) + 200)
    assert hash_photos(photos) != before


def test_a_limit_takes_photos_from_the_whole_list(folder: Path) -> None:
    photos = read_photos(folder)
    train = select(photos, "train")
    few = select(photos, "train", 5)
    assert len(few) == 5 and train.index(few[-1]) > len(train) / 2


def test_a_row_that_stands_twice_counts_once(folder: Path) -> None:
    photos = read_photos(
        write_csv(folder, "path,split,group\n" + "00.png,train,a\n" * 3 + "01.png,train,a\n")
    )
    assert len(select(photos, "train")) == 2
