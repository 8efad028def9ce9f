"""Write a repaired photo: its metadata and color profile kept, whole or not at all, never over the input unasked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge_iqa import color, formats, metadata
from edge_iqa.errors import EdgeIqaError, OutputError
from edge_iqa.files import write_bytes
from edge_iqa.fix.encode import FORMATS, SUFFIX_FORMATS, encode, estimate_fineness
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
        out: where to; the suffix decides the format, without one it is the source's (else JPEG).
        strip_location: leave out where the photo was taken.
        overwrite: a file that stands there may be replaced.
        max_bytes: see `encode`.

    Raises:
        OutputError: a file stands there, the suffix is unknown, or the file cannot be written.
    """
    target = Path(out)
    check_target(target, overwrite=overwrite)
    found = metadata.read(source)
    height, width = pixels.shape[:2]
    kept = metadata.prepare(
        found, width, height, keep_profile=keeps_profile(source, frame), strip_location=strip_location
    )
    kind = choose_format(source, target)
    data, notes = metadata.embed(encode(pixels, kind, estimate_fineness(source), max_bytes), kept)
    return Written(write_bytes(target, data), len(data), (*kept.notes, *notes))


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a place where something stands, before any work is done.

    Raises:
        OutputError: a file stands there and may not be replaced, or a folder does, or the suffix is unknown.
    """
    if target.suffix and target.suffix.lower() not in SUFFIX_FORMATS:
        raise OutputError(
            f"{target}: expected a name that ends in {', '.join(SUFFIX_FORMATS)}, got {target.suffix!r}"
        )
    if target.is_dir():
        raise OutputError(f"{target}: expected the name of a file, found a folder of that name")
    if not overwrite and os.path.lexists(target):
        raise OutputError(f"{target}: there is a file already; choose another name, or allow overwriting")


def choose_format(source: bytes, target: Path) -> str:
    """Format by the target's suffix; without one that of the source, JPEG where that cannot be written."""
    if target.suffix:
        return SUFFIX_FORMATS[target.suffix.lower()]
    found = formats.sniff(source).name
    return found if found in FORMATS else "jpeg"


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
