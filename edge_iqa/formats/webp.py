"""WebP (RFC 9649): a RIFF file of chunks; one of VP8, VP8L or VP8X comes first."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edge_iqa.errors import DamagedPhotoError
from edge_iqa.header import MAX_PIECES, Header, parse_orientation

NAME = "webp"

_ALPHA_FLAG, _ANIMATION_FLAG = 0x10, 0x02
_PIXELS = {b"VP8 ", b"VP8L", b"ANMF"}


def read_header(data: bytes) -> Header:
    """Read the canvas from the first chunk, profile and EXIF from the chunks that follow VP8X."""
    if len(data) < 30:
        raise IndexError
    kind = data[12:16]
    if kind == b"VP8 ":
        return _read_lossy(data)
    if kind == b"VP8L":
        return _read_lossless(data)
    if kind != b"VP8X":
        raise DamagedPhotoError(f"corrupt: the WebP starts with a chunk {kind!r}")
    flags, low_width, high_width, low_height, high_height = struct.unpack_from("<B3xHBHB", data, 20)
    chunks = {name: data[start:end] for name, start, end in _walk(data) if name in (b"ICCP", b"EXIF")}
    animated = bool(flags & _ANIMATION_FLAG)
    return Header(
        NAME,
        1 + low_width + (high_width << 16),
        1 + low_height + (high_height << 16),
        parse_orientation(chunks.get(b"EXIF", b"")),
        alpha=animated or bool(flags & _ALPHA_FLAG),  # an animation's first frame may leave canvas bare
        icc=chunks.get(b"ICCP") or None,
        animated=animated,
    )


def find_damage(data: bytes) -> str | None:
    """Check that the file is as long as it says and that some chunk holds pixels."""
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data):
        return f"truncated: the WebP says it has {length + 8:,} bytes and has {len(data):,}"
    if not any(name in _PIXELS for name, _, _ in _walk(data)):
        return "truncated: the WebP stops before its pixels"
    return None


def _read_lossy(data: bytes) -> Header:
    if data[23:26] != b"\x9d\x01\x2a":
        raise DamagedPhotoError("corrupt: the WebP has no key frame")
    width, height = struct.unpack_from("<HH", data, 26)
    return Header(NAME, width & 0x3FFF, height & 0x3FFF)


def _read_lossless(data: bytes) -> Header:
    signature, bits = struct.unpack_from("<BI", data, 20)
    if signature != 0x2F:
        raise DamagedPhotoError("corrupt: the WebP has no lossless signature")
    return Header(NAME, 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), alpha=bool(bits >> 28 & 1))


def _walk(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end) of every whole chunk."""
    at = 12
    for _ in range(MAX_PIECES):
        if at + 8 > len(data):
            return
        name = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        end = at + 8 + length
        if end > len(data):
            return
        yield name, at + 8, end
        at = end + (length & 1)
