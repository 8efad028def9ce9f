"""Folders that are given in the place of photos: what is in them, and what to say where no photo is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edge_iqa.errors import PhotoError
from edge_iqa.formats import SUFFIXES

if TYPE_CHECKING:
    from edge_iqa.report import Failure, Report


def expand(photo: str, recursive: bool = False) -> Iterator[str]:
    """A file as it is; a folder as the photos in it, in the order of their names.

    Args:
        recursive: those of the folders in it too, behind its own; links to folders are not followed. Else the photos
            directly in it.
    """
    if not os.path.isdir(photo):
        yield photo
        return
    none = True
    for folder, inner, names in os.walk(photo):
        inner[:] = sorted(name for name in inner if not name.startswith(".")) if recursive else []
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                none = False
                yield os.path.join(folder, name)
    if none:
        yield photo  # a folder without photos is an error, told as that of a photo


def explain(folder: str) -> PhotoError:
    """What is wrong with a folder that has no photos."""
    return PhotoError(f"{folder}: no photo directly in this folder; name a photo, or a folder that has some")


def explain_failures(results: Iterator[Report | Failure]) -> Iterator[Report | Failure]:
    """Tell of a folder without photos what is wrong with it, rather than that it is no photo."""
    from edge_iqa.report import Failure

    for result in results:
        if isinstance(result, Failure) and os.path.isdir(result.file):
            result = Failure(result.file, explain(result.file))
        yield result
