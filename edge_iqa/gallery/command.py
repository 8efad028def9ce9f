"""The work of `edge-iqa gallery add|find|remove`: photos in, one answer each. It prints nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edge_iqa.backends.base import cores
from edge_iqa.errors import OutputError, PhotoError
from edge_iqa.files import make_folder
from edge_iqa.folders import explain
from edge_iqa.gallery.fingerprint import Fingerprint, make_fingerprint
from edge_iqa.gallery.gallery import CANDIDATES, Gallery
from edge_iqa.gallery.match import Kind, Match
from edge_iqa.gallery.screen import format_match, format_matches
from edge_iqa.inspector import Inspector
from edge_iqa.pool import map_in_order
from edge_iqa.report import SCHEMA, Failure
from edge_iqa.table import make_printable

NEW, KNOWN, UNREADABLE = 0, 1, 3
"""Exit codes of a photo: no copy of it was in the gallery; one was; it cannot be read."""


@dataclass(frozen=True)
class Answer:
    """What became of one photo.

    Attributes:
        file: as it was given.
        matches: photos of the gallery that it matches.
        added: whether it was added; None where that was not asked.
    """

    file: str
    matches: tuple[Match, ...]
    added: bool | None = None

    @property
    def copies(self) -> tuple[Match, ...]:
        """Exact and near ones."""
        return tuple(match for match in self.matches if match.kind is not Kind.SAME_PRODUCT)

    @property
    def code(self) -> int:
        """Exit code of the command."""
        return KNOWN if self.copies else NEW

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        matches = [match.to_dict() for match in self.matches]
        added = {} if self.added is None else {"added": self.added}
        return {"schema": SCHEMA, "file": self.file, **added, "matches": matches}

    def to_text(self) -> str:
        """For people."""
        if self.added is None:
            return format_matches(self.file, list(self.matches))
        if self.added:
            return make_printable(f"{self.file}: added")
        return f"{make_printable(self.file)}: not added, {format_match(self.copies[0])}"


@dataclass(frozen=True, eq=False)
class Unread:
    """A photo that could not be read."""

    failure: Failure

    code = UNREADABLE

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values: `{"schema", "file", "error": {"type", "message"}}`."""
        return self.failure.to_dict()

    def to_text(self) -> str:
        """For people."""
        message = str(self.failure.error).removeprefix(f"{self.failure.file}: ")
        return make_printable(f"{self.failure.file}: error: {message}")


def open_or_begin(path: str | os.PathLike[str], inspector: Inspector) -> Gallery:
    """The gallery of a file; an empty one where there is no file yet, or a link to none.

    Raises:
        GalleryError: something else stands there; see `Gallery.open`.
    """
    return Gallery.open(path, inspector) if os.path.exists(path) else Gallery.begin(path, inspector)


def check_target(path: str | os.PathLike[str]) -> None:
    """Before minutes of work: whether a gallery can be written there; its folder is made.

    Raises:
        OutputError: the folder cannot be made, or nothing can be written in it.
    """
    try:
        folder = Path(os.path.realpath(path)).parent
    except (OSError, ValueError):  # a zero byte in the path: opening will tell
        return
    make_folder(folder, "GALLERY")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"{os.fspath(path)}: expected a folder in which the gallery can be written, got {error.strerror or error}; "
            "allow this user to write there or choose another folder"
        ) from error


def find_photos(
    inspector: Inspector,
    gallery: Gallery,
    paths: Sequence[str],
    k: int,
    mirrored: bool,
    jobs: int | None = None,
) -> Iterator[Answer | Unread]:
    """Look for photos in a gallery; one answer a photo, in their order."""
    for path, taken in _read(inspector, paths, jobs):
        if isinstance(taken, Failure):
            yield Unread(taken)
        else:
            yield Answer(path, tuple(gallery.find(taken, k, mirrored=mirrored)))


def add_photos(
    inspector: Inspector,
    gallery: Gallery,
    paths: Sequence[str],
    *,
    anyway: bool = False,
    mirrored: bool = False,
    jobs: int | None = None,
) -> Iterator[Answer | Unread]:
    """Add photos to a gallery, but for those of which it has a copy; likewise.

    Args:
        anyway: add copies too; a name that is taken is not added a second time even so.
        mirrored: a photo with left and right changed is a copy too.
    """
    for path, taken in _read(inspector, paths, jobs):
        if isinstance(taken, Failure):
            yield Unread(taken)
            continue
        matches = gallery.find(taken, CANDIDATES, mirrored=mirrored)
        answer = Answer(path, tuple(matches), added=False)
        if path in gallery and all(match.name != path for match in answer.copies):
            # another photo by now under a name that is taken: whoever asks must say which of them counts
            error = PhotoError(f"{path}: the gallery has another photo of this name; remove that first")
            yield Unread(Failure(path, error))
            continue
        if path in gallery or (answer.copies and not anyway):
            yield answer
            continue
        gallery.add(taken, path)
        yield Answer(path, tuple(matches), added=True)


def _read(
    inspector: Inspector, paths: Sequence[str], jobs: int | None
) -> Iterator[tuple[str, Fingerprint | Failure]]:
    return map_in_order(partial(_try, inspector), paths, jobs or cores())


def _try(inspector: Inspector, path: str) -> tuple[str, Fingerprint | Failure]:
    try:
        return path, make_fingerprint(inspector, path)
    except PhotoError as error:
        return path, Failure(path, explain(path) if Path(path).is_dir() else error)
