"""Photos from a CSV or a plain folder, split by group, with what people said of them."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_iqa.errors import DataError

SPLITS = ("train", "val", "test")

ACCEPT_LABEL = 0.7
REJECT_LABEL = 0.5
"""A label from 0.7 up is to be accepted, one up to 0.5 is not; between them it is not counted."""

RATINGS = {"label": (0, 1), "rating_1to5": (1, 5), "rating_1to10": (1, 10), "rating_0to100": (0, 100)}
"""Columns that hold a person's rating, with the worst and the best one."""

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif"}
_YES, _NO = {"yes", "true", "1", "accept"}, {"no", "false", "0", "reject"}
_NO_CLASS = {"not sure", "skip", "other"}


@dataclass(frozen=True)
class Photo:
    """One photo of a data set.

    Attributes:
        path: the file.
        split: train, val or test.
        group: who sent it, which scene: a group is never split, and intervals resample groups.
        label: a person's rating from 0 to 1, or None.
        accepted: whether a person would accept it, or None.
        category: what the product is, or "".
        mask: 8-bit gray image of the same size, white where the product is, or None.
        enlarged: how many times its pixels were multiplied in width and height before.
    """

    path: Path
    split: str
    group: str
    label: float | None = None
    accepted: bool | None = None
    category: str = ""
    mask: Path | None = None
    enlarged: float = 1.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Interval in which people say the overall quality lies; a rating is clipped into the answer's."""
        low = ACCEPT_LABEL if self.accepted is True else 0.0
        high = REJECT_LABEL if self.accepted is False else 1.0
        if self.label is None:
            return low, high
        rating = min(high, max(low, self.label))
        return rating, rating


def read_photos(source: Path) -> list[Photo]:
    """Read a data set.

    Args:
        source: a CSV with columns `path` (relative to the CSV) and, optionally, `split`, `group`, one
            of `RATINGS`, `accepted`, `category` and `mask` (relative to the CSV); or a folder,
            searched for images at any depth, each a group of its own. Where no split is given, the
            group's hash decides: about 80 % train, 10 % val, 10 % test.

    Raises:
        DataError: missing, empty, a row that does not fit, or a group that stands in two splits.
    """
    if source.is_dir():
        photos = _read_folder(source)
    elif source.is_file():
        photos = _read_csv(source)
    else:
        raise DataError(f"{source}: expected a CSV or a folder of photos, found nothing there")
    if not photos:
        raise DataError(f"{source}: holds no photos (looked for {', '.join(sorted(_SUFFIXES))})")
    _check_groups(source, photos)
    return photos


def select(photos: Sequence[Photo], split: str, limit: int | None = None) -> list[Photo]:
    """Take one split, at most `limit` photos, spread evenly over the list; a repeated row counts once."""
    chosen = [photo for photo in photos if photo.split == split]
    if limit is not None and len(chosen) > limit:
        chosen = [chosen[index * len(chosen) // limit] for index in range(limit)]
    return list({photo.path: photo for photo in chosen}.values())


def categories_of(photos: Sequence[Photo], at_least: int = 10) -> tuple[str, ...]:
    """Return the sorted names of the categories that at least so many of the photos have."""
    counts = Counter(photo.category for photo in photos if photo.category)
    return tuple(sorted(name for name, count in counts.items() if count >= at_least))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hash_photos(photos: Sequence[Photo]) -> str:
    """Return the SHA-256 of a data set: the order-free hash of every file's content and what is said of it."""
    lines = sorted({_describe(photo) for photo in photos})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _describe(photo: Photo) -> str:
    content = hash_file(photo.path)
    mask = "" if photo.mask is None else hash_file(photo.mask)
    return repr((content, photo.split, photo.group, photo.label, photo.accepted, photo.category, mask))


def _read_folder(folder: Path) -> list[Photo]:
    names = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    return [
        Photo(path, _split_of(str(path.relative_to(folder))), str(path.relative_to(folder))) for path in names
    ]


def _read_csv(source: Path) -> list[Photo]:
    try:
        with source.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            rating = _find_rating(source, reader.fieldnames or ())
            return [_read_row(source, reader.line_num, row, rating) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{source}: expected a CSV in UTF-8, could not read it ({error})") from error


def _find_rating(source: Path, header: Sequence[str]) -> str:
    """Check the header; return the column of ratings, `label` where there is none."""
    if "path" not in header:
        raise DataError(f"{source}, line 1: expected a header with a `path` column, got {list(header)}")
    found = [name for name in header if re.fullmatch(r"label|(label|rating)_\d+to\d+", name)]
    if len(found) > 1 or not RATINGS.keys() >= set(found):
        raise DataError(
            f"{source}, line 1: expected at most one column of ratings, one of {', '.join(RATINGS)}, "
            f"got {', '.join(found)}"
        )
    return found[0] if found else "label"


def _read_row(source: Path, line: int, row: dict[str, str | None], rating: str) -> Photo:
    where = f"{source}, line {line}"
    name = row.get("path") or ""
    path = _find_file(where, "path", source.parent, name)
    group = row.get("group") or name
    split = row.get("split") or _split_of(group)
    if split not in SPLITS:
        raise _misfit(where, "split", f"one of {', '.join(SPLITS)}", split)
    label = _read_rating(where, rating, row.get(rating) or "")
    accepted = _read_accepted(where, row.get("accepted") or "")
    category = (row.get("category") or "").strip()
    category = "" if category.lower() in _NO_CLASS else category
    mask = (row.get("mask") or "").strip()
    found = _find_file(where, "mask", source.parent, mask) if mask else None
    return Photo(path, split, group, label, accepted, category, found)


def _misfit(where: str, column: str, expected: str, found: str) -> DataError:
    return DataError(f"{where}: {column}: expected {expected}, got {found!r}")


def _find_file(where: str, column: str, folder: Path, name: str) -> Path:
    path = folder / name
    if name and os.path.isfile(path):  # unlike Path.is_file, False for a name too long to exist
        return path
    problem = "a folder" if name and os.path.isdir(path) else f"no such {column.replace('path', 'photo')}"
    raise DataError(f"{where}: {column}: expected an image file, got {name!r}: {problem}")


def _read_rating(where: str, column: str, text: str) -> float | None:
    if not text.strip():
        return None
    worst, best = RATINGS[column]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not worst <= value <= best:
        raise _misfit(where, column, f"a number from {worst} (worst) to {best} (best)", text)
    return (value - worst) / (best - worst)


def _read_accepted(where: str, text: str) -> bool | None:
    answer = text.strip().lower()
    if answer not in {"", *_YES, *_NO}:
        raise _misfit(where, "accepted", "yes/no, true/false, 1/0, accept/reject or nothing", text)
    return answer in _YES if answer else None


def _split_of(group: str) -> str:
    share = int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") / 2**32
    return "train" if share < 0.8 else "val" if share < 0.9 else "test"


def _check_groups(source: Path, photos: Sequence[Photo]) -> None:
    seen: dict[str, str] = {}
    for photo in photos:
        if seen.setdefault(photo.group, photo.split) != photo.split:
            raise DataError(
                f"{source}: group {photo.group!r} stands in {seen[photo.group]} and in {photo.split}; "
                "a group must stay in one split, or the test set knows what training saw"
            )
