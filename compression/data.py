"""Photos from a CSV or a plain folder, split by group."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_iqa.errors import DataError

SPLITS = ("train", "val", "test")
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif"}


@dataclass(frozen=True)
class Photo:
    """One photo of a data set.

    Attributes:
        path: the file.
        split: train, val or test.
        group: who sent it, which scene: a group is never split, and intervals resample groups.
        label: a person's rating from 0 to 1, or None.
    """

    path: Path
    split: str
    group: str
    label: float | None = None


def read_photos(source: Path) -> list[Photo]:
    """Read a data set.

    Args:
        source: a CSV with columns `path` (relative to the CSV) and, optionally, `split`, `group` and
            `label` (0-1); or a folder, searched for images at any depth, each a group of its own.
            Where no split is given, the group's hash decides: about 80 % train, 10 % val, 10 % test.

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
    return list(dict.fromkeys(chosen))


def hash_photos(photos: Sequence[Photo]) -> str:
    """Return the SHA-256 of a data set: the order-free hash of every file's content and split."""
    lines = sorted(
        {f"{hashlib.sha256(photo.path.read_bytes()).hexdigest()} {photo.split}" for photo in photos}
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read_folder(folder: Path) -> list[Photo]:
    names = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    return [
        Photo(path, _split_of(str(path.relative_to(folder))), str(path.relative_to(folder))) for path in names
    ]


def _read_csv(source: Path) -> list[Photo]:
    try:
        with source.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            if "path" not in (reader.fieldnames or ()):
                raise DataError(f"{source}: expected a header with a `path` column, got {reader.fieldnames}")
            return [_read_row(source, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{source}: expected a CSV in UTF-8, could not read it ({error})") from error


def _read_row(source: Path, line: int, row: dict[str, str | None]) -> Photo:
    where = f"{source}, line {line}"
    name = row.get("path") or ""
    path = source.parent / name
    if not name or not path.is_file():
        raise DataError(f"{where}: no such photo: {name!r}")
    group = row.get("group") or name
    split = row.get("split") or _split_of(group)
    if split not in SPLITS:
        raise DataError(f"{where}: split: expected one of {', '.join(SPLITS)}, got {split!r}")
    return Photo(path, split, group, _read_label(where, row.get("label")))


def _read_label(where: str, text: str | None) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise DataError(f"{where}: label: expected a number from 0 (worst) to 1 (best), got {text!r}")
    return value


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
