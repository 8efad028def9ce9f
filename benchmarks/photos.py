"""Real photos to measure on, as the encoded bytes that a camera or a server hands over."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_iqa.errors import DataError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif"})


@dataclass(frozen=True)
class Photo:
    """One photo. `name` is unique among those read together: a path within the folder given, as it can
    be printed (a file name may hold line breaks, or bytes that are no text).
    """

    name: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def read_photos(sources: Sequence[Path]) -> list[Photo]:
    """Read photos from files, and from folders with all that is below them.

    Raises:
        DataError: a source is missing, cannot be read, or is a folder without photos.
    """
    photos: list[Photo] = []
    for source in sources:
        found = _list(source) if source.is_dir() else [(source.name, source)]
        if not found:
            raise DataError(f"{source}: no photos here; expected files such as .jpg, .png or .webp")
        photos.extend(Photo(name, _read(path)) for name, path in found)
    return _name_apart(photos)


def pick(photos: Sequence[Photo], count: int) -> list[Photo]:
    """Take `count` photos from the smallest file to the largest, evenly; all where there are no more."""
    if len(photos) <= count:
        return list(photos)
    by_size = sorted(photos, key=lambda photo: len(photo.data))
    return [by_size[round(index * (len(by_size) - 1) / max(1, count - 1))] for index in range(count)]


def _list(folder: Path) -> list[tuple[str, Path]]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return [(path.relative_to(folder).as_posix(), path) for path in paths]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: the photo could not be read ({error.strerror or error})") from error


def _name_apart(photos: list[Photo]) -> list[Photo]:
    """Number the later ones of photos with one name: results are told apart by it."""
    seen: dict[str, int] = {}
    named = []
    for photo in photos:
        name = _to_printable(photo.name)
        seen[name] = times = seen.get(name, 0) + 1
        named.append(Photo(name if times == 1 else f"{name} ({times})", photo.data))
    return named


def _to_printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
