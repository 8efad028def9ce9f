"""Data sets from CSV and folders: split by group, refused with a line number where they do not fit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compression.data import RATINGS, Photo, categories_of, hash_photos, read_photos, select
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
        ("", "line 1.*`path` column"),
        ("path\nsub\n", "line 2: path: expected an image file, got 'sub': a folder"),
        ("path,group\n,a\n", "line 2: path: expected an image file, got '': no such photo"),
        (f"path\n{'long' * 99}.png\n", "line 2: path: expected an image file.*no such photo"),
        ("path,label,rating_1to5\n00.png,1,5\n", "line 1.*at most one.*got label, rating_1to5"),
        ("path,label,label\n00.png,1,1\n", "line 1.*at most one.*got label, label"),
        ("path,rating_1to7\n00.png,5\n", "line 1.*one of label, .*rating_0to100, got rating_1to7"),
        ("path,label_1to5\n00.png,5\n", "line 1.*one of label, .*, got label_1to5"),
        ("path,rating_1to5\n00.png,0\n", "line 2: rating_1to5: .* 1 .worst. to 5 .best., got '0'"),
        ("path,rating_1to10\n00.png,10.5\n", "line 2: rating_1to10: .* to 10 .best., got '10.5'"),
        ("path,rating_0to100\n00.png,good\n", "line 2: rating_0to100: .*, got 'good'"),
        ("path,accepted\n00.png,yes\n01.png,maybe\n", "line 3: accepted: expected yes/no.*got 'maybe'"),
        (
            "path,mask\n00.png,none.png\n",
            "line 2: mask: expected an image file, got 'none.png': no such mask",
        ),
        ("path,mask\n00.png,sub\n", "line 2: mask: expected an image file, got 'sub': a folder"),
    ],
)
def test_a_csv_that_does_not_fit_says_where_and_why(folder: Path, text: str, says: str) -> None:
    (folder / "sub").mkdir()
    with pytest.raises(DataError, match=rf"photos\.csv.*{says}"):
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


@pytest.mark.parametrize(
    ("column", "middle"), [("label", 0.5), ("rating_1to5", 3), ("rating_1to10", 5.5), ("rating_0to100", 50)]
)
def test_a_rating_on_any_scale_becomes_a_label(folder: Path, column: str, middle: float) -> None:
    worst, best = RATINGS[column]
    text = f"path,{column}\n00.png,{worst}\n01.png, {middle} \n02.png,{best}\n03.png,\n"
    assert [photo.label for photo in read_photos(write_csv(folder, text))] == [0, 0.5, 1, None]


@given(column=st.sampled_from(list(RATINGS)), data=st.data())
def test_every_rating_column_keeps_the_order_within_0_to_1(
    tmp_path_factory: pytest.TempPathFactory, column: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "photo.png").touch()
    ratings = sorted(data.draw(st.lists(st.floats(*RATINGS[column]), min_size=2, max_size=9)))
    rows = "".join(f"photo.png,{rating!r}\n" for rating in ratings)
    labels = [photo.label for photo in read_photos(write_csv(folder, f"path,{column}\n{rows}"))]
    assert labels == sorted(labels) and 0 <= labels[0] <= labels[-1] <= 1
    # what differs by more than rounding stays apart
    apart = np.diff(ratings) > 1e-9
    assert (np.diff(labels)[apart] > 0).all()


@pytest.mark.parametrize(
    ("texts", "accepted"),
    [
        (("yes", "TRUE", "1", "Accept", " yes "), True),
        (("no", "False", "0", "REJECT"), False),
        (("", " "), None),
    ],
)
def test_accepted_is_read_in_every_spelling(
    folder: Path, texts: tuple[str, ...], accepted: bool | None
) -> None:
    rows = "".join(f"{i:02d}.png,{text}\n" for i, text in enumerate(texts))
    photos = read_photos(write_csv(folder, "path,accepted\n" + rows))
    assert [photo.accepted for photo in photos] == [accepted] * len(texts)


@pytest.mark.parametrize(
    ("label", "accepted", "bounds"),
    [
        (None, None, (0.0, 1.0)),
        (0.6, None, (0.6, 0.6)),
        (0.0, None, (0.0, 0.0)),
        (None, True, (0.7, 1.0)),
        (None, False, (0.0, 0.5)),
        (0.9, True, (0.9, 0.9)),
        (0.2, True, (0.7, 0.7)),
        (0.2, False, (0.2, 0.2)),
        (0.9, False, (0.5, 0.5)),
    ],
)
def test_bounds_say_what_people_said(
    label: float | None, accepted: bool | None, bounds: tuple[float, float]
) -> None:
    assert Photo(Path("a.png"), "train", "a", label, accepted).bounds == bounds


def test_ratings_and_answers_stand_side_by_side_row_by_row(folder: Path) -> None:
    text = "path,rating_1to5,accepted\n00.png,5,\n01.png,,no\n02.png,2,yes\n03.png,,\n"
    bounds = [photo.bounds for photo in read_photos(write_csv(folder, text))]
    assert bounds == [(1, 1), (0, 0.5), (0.7, 0.7), (0, 1)]


def test_a_category_that_says_nothing_is_no_category(folder: Path) -> None:
    names = ["Shirt", " Shirt ", "", "Not sure", "Skip", "Other", "other"]
    rows = "".join(f"{i:02d}.png,{name}\n" for i, name in enumerate(names))
    photos = read_photos(write_csv(folder, "path,category\n" + rows))
    assert [photo.category for photo in photos] == ["Shirt", "Shirt", "", "", "", "", ""]


def test_a_mask_is_found_beside_the_csv(folder: Path) -> None:
    (folder / "masks").mkdir()
    (folder / "masks" / "00.png").touch()
    text = "path,mask\n00.png,masks/00.png\n01.png,\n02.png, \n"
    photos = read_photos(write_csv(folder, text))
    assert [photo.mask for photo in photos] == [folder / "masks" / "00.png", None, None]


def test_columns_that_are_missing_say_nothing(folder: Path) -> None:
    photos = [*read_photos(folder), *read_photos(write_csv(folder, "path\n00.png\n"))]
    assert {(p.label, p.accepted, p.category, p.mask) for p in photos} == {(None, None, "", None)}


def test_categories_that_are_rare_or_unnamed_are_left_out() -> None:
    names = ["Shoes"] * 10 + ["Hat"] * 12 + ["Rare"] * 9 + [""] * 20
    photos = [Photo(Path("a.png"), "train", "a", category=name) for name in names]
    assert categories_of(photos) == ("Hat", "Shoes")
    assert categories_of(photos, at_least=9) == ("Hat", "Rare", "Shoes")
    assert categories_of(photos, at_least=13) == () == categories_of([])
