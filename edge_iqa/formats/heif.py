"""HEIC and its relatives (ISO/IEC 23008-12): nested boxes of length, type, payload."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edge_iqa.errors import DamagedPhotoError
from edge_iqa.header import MAX_PIECES, Header

NAME = "heif"

HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
AVIF_BRANDS = {b"avif", b"avis"}
ANY_BRANDS = {b"mif1", b"msf1"}
"""Brands of the container alone: what is inside goes by the other brands."""


def read_brands(data: bytes) -> set[bytes]:
    """Return the brands that the file type box names."""
    end = min(int.from_bytes(data[:4], "big"), len(data), 512)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def read_header(data: bytes) -> Header:
    """Read the largest picture size that the file declares (tiles and thumbnails declare theirs too).

    The orientation stays 1: the decoder itself turns the picture as its boxes say.
    """
    sizes = []
    for start, end in _find(data, (b"meta", b"iprp", b"ipco", b"ispe"), 0, len(data)):
        if end - start >= 12:
            sizes.append(struct.unpack_from(">II", data, start + 4))
    if not sizes:
        raise DamagedPhotoError("truncated: the HEIC does not say how large its picture is")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Header(NAME, width, height)


def find_damage(data: bytes) -> str | None:
    """Check that every top-level box lies within the file."""
    at = 0
    for _, _, end in _walk(data, 0, len(data)):
        at = end
    if at > len(data):
        return f"truncated: the HEIC needs {at:,} bytes and has {len(data):,}"
    return None


def _find(data: bytes, path: tuple[bytes, ...], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end of payload) of the boxes at the end of `path`."""
    for name, inner, box_end in _walk(data, start, end):
        if name != path[0] or box_end > end:
            continue
        if len(path) == 1:
            yield inner, box_end
        else:
            yield from _find(data, path[1:], inner + (4 if name == b"meta" else 0), box_end)


def _walk(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end of payload) of the boxes side by side; the last may reach too far."""
    at = start
    for _ in range(MAX_PIECES):
        if at + 8 > end:
            return
        (length,) = struct.unpack_from(">I", data, at)
        inner = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, inner)
            inner += 8
        elif length == 0:
            length = end - at
        if length < inner - at:
            raise DamagedPhotoError("corrupt: the HEIC has a box shorter than its own header")
        yield data[at + 4 : at + 8], inner, at + length
        at += length
