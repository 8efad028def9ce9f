"""PNG (W3C PNG, third edition): a signature, then chunks of length, type, payload, checksum."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from edge_iqa.errors import DamagedPhotoError
from edge_iqa.header import MAX_PIECES, Header, parse_orientation

NAME = "png"
SIGNATURE = b"\x89PNG\r\n\x1a\n"

_COLORS = {0: "gray", 2: "rgb", 3: "palette", 4: "gray", 6: "rgb"}
_WITH_ALPHA = (4, 6)
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
_MAX_PROFILE_BYTES = 4 << 20
"""Profiles are compressed; a larger one is no profile but an attack."""


def read_header(data: bytes) -> Header:
    """Read IHDR, and the profile, EXIF and transparency chunks wherever they stand."""
    if len(data) < 33:
        raise IndexError
    if data[12:16] != b"IHDR":
        raise DamagedPhotoError("corrupt: the PNG does not start with its header")
    width, height, depth, kind = struct.unpack_from(">IIBB", data, 16)
    if kind not in _COLORS:
        raise DamagedPhotoError(f"corrupt: the PNG has an unknown color type ({kind})")
    kept: dict[bytes, bytes] = {}
    for name, start, end in _walk(data):
        if name in (b"iCCP", b"eXIf", b"tRNS", b"acTL") and name not in kept:
            kept[name] = data[start:end]
    clear = kept.get(b"tRNS")
    return Header(
        NAME,
        width,
        height,
        parse_orientation(kept.get(b"eXIf", b"")),
        _COLORS[kind],
        depth,
        alpha=kind in _WITH_ALPHA or clear is not None,
        clear_gray=struct.unpack(">H", clear)[0] if kind == 0 and clear and len(clear) == 2 else None,
        icc=_inflate_profile(kept.get(b"iCCP", b"")),
        animated=b"acTL" in kept,
    )


def find_damage(data: bytes) -> str | None:
    """Check that the chunks reach the end chunk, and the checksums of those that pixels need."""
    names = set()
    for name, start, end in _walk(data):
        names.add(name)
        if name in _CRITICAL:
            (expected,) = struct.unpack_from(">I", data, end)
            if zlib.crc32(memoryview(data)[start - 4 : end]) != expected:
                return f"corrupt: the PNG's {name.decode()} chunk does not match its checksum"
    if b"IEND" not in names:
        return "truncated: the PNG stops before its end chunk"
    return None if b"IDAT" in names else "corrupt: the PNG has no pixels"


def to_still(data: bytes) -> bytes:
    """Drop the animation, which leaves the first picture as a plain PNG."""
    kept = [data[start - 8 : end + 4] for name, start, end in _walk(data) if name not in _ANIMATION]
    return b"".join([SIGNATURE, *kept])


def find_chunks(data: bytes, name: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of the payload of each chunk of this name."""
    return ((start, end) for found, start, end in _walk(data) if found == name)


def _walk(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end of payload) of every whole chunk up to and with IEND."""
    at = len(SIGNATURE)
    for _ in range(MAX_PIECES):
        if at + 12 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            return
        name = data[at + 4 : at + 8]
        yield name, at + 8, end
        if name == b"IEND":
            return
        at = end + 4


def _inflate_profile(chunk: bytes) -> bytes | None:
    """Unpack iCCP: a name, a zero, the method (0), a zlib stream. A broken one is ignored, as in browsers."""
    _, zero, packed = chunk.partition(b"\0")
    if not zero:
        return None
    inflater = zlib.decompressobj()
    try:
        icc = inflater.decompress(packed[1:], _MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return icc if inflater.eof else None
