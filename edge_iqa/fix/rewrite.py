"""Write a repaired photo: its metadata and color profile kept, whole or not at all, never over the input unasked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge_iqa import color, formats, metadata
from edge_iqa.errors import EdgeIqaError
from edge_iqa.files import settle, write_bytes
from edge_iqa.fix.encode import SUFFIX_FORMATS, encode, estimate_fineness
from edge_iqa.fix.place import check_free, check_suffix
from edge_iqa.frame import Frame
from edge_iqa.pixels import Pixels

PROFILE_LEFT = "color profile ("
"""How the reader's note begins where pixels were left in the space of their profile."""


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        path: where.
        bytes_: how large it is.
        notes: what could not be kept, and why.
    """

    path: Path
    bytes_: int
    notes: tuple[str, ...] = ()


def write_fixed(
    source: bytes,
    frame: Frame,
    pixels: Pixels,
    out: str | os.PathLike[str],
    *,
    strip_location: bool = False,
    overwrite: bool = False,
    max_bytes: int | None = None,
) -> Written:
    """Write a repaired photo.

    Args:
        source: the encoded photo that was repaired; its metadata is carried over.
        frame: what `image.read` made of it: whether pixels are still in the space of their profile.
        pixels: uint8 HxWx3, RGB, upright.
        out: where to; the suffix decides the format.
        strip_location: leave out where the photo was taken.
        overwrite: a file that stands there may be replaced.
        max_bytes: see `encode`.

    Raises:
        OutputError: a file stands there, the suffix is unknown, or the file cannot be written.
    """
    target = settle(out)
    check_suffix(target)
    check_free(target, overwrite=overwrite)  # before any work; what comes there meanwhile is kept too
    found = metadata.read(source)
    height, width = pixels.shape[:2]
    kept = metadata.prepare(
        found, width, height, keep_profile=keeps_profile(source, frame), strip_location=strip_location
    )
    kind = SUFFIX_FORMATS[target.suffix.lower()]
    data, notes = metadata.embed(encode(pixels, kind, estimate_fineness(source), max_bytes), kept)
    return Written(write_bytes(target, data, replace=overwrite), len(data), (*kept.notes, *notes))


def keeps_profile(source: bytes, frame: Frame) -> bool:
    """Whether the frame's pixels are still in the space of the source's profile."""
    try:
        icc = formats.parse(source).icc
    except EdgeIqaError:
        return False
    if icc is None or not color.is_usable(
        icc, "rgb"
    ):  # of gray or ink: no profile for the RGB that is written
        return False
    return color.is_srgb(icc) or any(note.startswith(PROFILE_LEFT) for note in frame.notes)
