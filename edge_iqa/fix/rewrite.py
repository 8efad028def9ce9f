"""Encode a repaired photo: its metadata and color profile kept, no more bytes than allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_iqa import color, formats, metadata
from edge_iqa.errors import EdgeIqaError
from edge_iqa.fix.encode import Fineness, encode, estimate_fineness
from edge_iqa.metadata import Metadata
from edge_iqa.pixels import Pixels

PROFILE_LEFT = "color profile ("
"""How the reader's note begins where pixels were left in the space of their profile."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A photo as it may be written.

    Attributes:
        data: the file.
        notes: what could not be kept, and why.
    """

    data: bytes
    notes: tuple[str, ...] = ()


def encode_fixed(
    source: bytes,
    reading: Sequence[str],
    pixels: Pixels,
    kind: str,
    *,
    strip_location: bool = False,
    max_bytes: int | None = None,
) -> Encoded:
    """Encode a repaired photo.

    Args:
        source: the encoded photo that was repaired; its metadata is carried over.
        reading: notes of `image.read` on it, which tell whether pixels are still in the space of their profile.
        pixels: uint8 HxWx3, RGB, upright.
        kind: a format that can be written.
        strip_location: leave out where the photo was taken.
        max_bytes: of all of it, metadata too; see `encode`.

    Raises:
        OutputError: the format cannot hold it, or the file stays too large.
    """
    height, width = pixels.shape[:2]
    kept = metadata.prepare(
        metadata.read(source),
        width,
        height,
        keep_profile=keeps_profile(source, reading),
        strip_location=strip_location,
    )
    plain = encode(pixels, kind, estimate_fineness(source), max_bytes, _count_bytes(kept, kind, pixels))
    data, notes = metadata.embed(plain, kept)
    return Encoded(data, (*kept.notes, *notes))


def _count_bytes(kept: Metadata, kind: str, pixels: Pixels) -> int:
    """What metadata adds to a file of this format, whatever the pixels."""
    tiny = encode(pixels[:1, :1], kind, Fineness())
    return len(metadata.embed(tiny, kept)[0]) - len(tiny)


def keeps_profile(source: bytes, reading: Sequence[str]) -> bool:
    """Whether pixels are still in the space of the source's profile, by the notes of `image.read`."""
    try:
        icc = formats.parse(source).icc
    except EdgeIqaError:
        return False
    if icc is None or not color.is_usable(
        icc, "rgb"
    ):  # of gray or ink: no profile for the RGB that is written
        return False
    return color.is_srgb(icc) or any(note.startswith(PROFILE_LEFT) for note in reading)
