"""Where a result goes: to a file that is named, or to one of the source's name in a folder; and what it may replace."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_iqa.errors import OutputError
from edge_iqa.files import TAKEN, make_folder, settle
from edge_iqa.fix.encode import SUFFIX_FORMATS

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


@dataclass(frozen=True)
class Place:
    """Where the result of one photo goes.

    Attributes:
        copied: a photo that is written as it is; in a folder it has the source's name, whatever its format.
        encoded: one that is encoded, so that its name ends in what can be written.
        in_folder: only a folder was named.
    """

    copied: Path
    encoded: Path
    in_folder: bool


class Guard:
    """Files that a run may not write over, even where it may replace others: its photos, and what it wrote.

    A photo may be replaced by its own result, and a result by nothing.
    """

    def __init__(self, photos: Iterable[str | os.PathLike[str]] = ()) -> None:
        """Know the photos of a run."""
        self._photos = {_identify(photo) for photo in photos} - {None}
        self._written: set[tuple[int, int] | None] = set()

    def check(self, source: Path, target: Path) -> None:
        """Refuse another photo of the run, or what became of one.

        Raises:
            OutputError: it is one.
        """
        found = _identify(target)
        if found is None:
            return
        if found in self._written or (found in self._photos and found != _identify(source)):
            raise OutputError(
                f"{source}: its result would replace {target}, which is another photo of this run or what became "
                "of it; give each photo once, and photos of one name in runs of their own, each with its own folder"
            )

    def add(self, path: Path) -> None:
        """Know a file that was written."""
        self._written.add(_identify(path))


def is_folder(out: str | os.PathLike[str]) -> bool:
    """Whether a folder is meant: it is one, or its name ends in a slash."""
    return os.path.isdir(out) or os.fspath(out).endswith(_SEPARATORS)


def make_results_folder(out: str) -> None:
    """Make the folder that several photos need.

    Raises:
        OutputError: no folder is meant, or it cannot be made.
    """
    if not is_folder(out):
        raise OutputError(
            f"{out}: expected a folder for several photos: one that exists, or a name that ends in /"
        )
    make_folder(out, "-o")


def find_place(source: Path, out: str | os.PathLike[str]) -> Place:
    """Where the result goes.

    Args:
        source: path of the photo.
        out: a file, or a folder: one that exists, or whose name ends in a slash.

    Raises:
        OutputError: the file's name does not end in what can be written.
    """
    if not is_folder(out):
        target = settle(out)
        check_suffix(target)
        return Place(target, target, False)
    folder = settle(Path(out) / "photo").parent
    kept = source.suffix.lower() in SUFFIX_FORMATS
    return Place(folder / source.name, folder / (source.name if kept else f"{source.stem}.jpg"), True)


def check_suffix(target: Path) -> None:
    """Refuse a name that tells no format that can be written.

    Raises:
        OutputError: it tells none.
    """
    if target.suffix.lower() not in SUFFIX_FORMATS:
        raise OutputError(
            f"{target}: expected a name that ends in {', '.join(SUFFIX_FORMATS)}, or a folder "
            f"(one that exists, or a name that ends in /), got {target.suffix or target.name!r}"
        )


def check_free(target: Path, *, overwrite: bool, source: Path | None = None) -> None:
    """Refuse a place where something stands.

    Raises:
        OutputError: a file stands there and may not be replaced, or a folder does.
    """
    if os.path.isdir(target):  # False, unlike `Path.is_dir`, of a name that is too long
        raise OutputError(f"{target}: expected the name of a file, found a folder of that name")
    if overwrite or not os.path.lexists(target):
        return
    if source is not None and _identify(target) is not None and _identify(target) == _identify(source):
        raise OutputError(f"{target}: this is the photo itself; choose another name, or allow --overwrite")
    raise OutputError(TAKEN.format(target))


def _identify(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """The same for every name of one file; None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
