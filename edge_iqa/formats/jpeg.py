"""JPEG (ITU-T T.81): markers are FF and a code; all but a few carry their length."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from edge_iqa.errors import DamagedPhotoError, UnsupportedPhotoError
from edge_iqa.header import Header, parse_orientation

NAME = "jpeg"

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_EXIF, _PROFILE = 0xE1, 0xE2
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_FRAMES = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_COLORS = {1: "gray", 3: "rgb", 4: "cmyk"}

_MAX_SEGMENTS = 20_000
_MAX_SCANS = 100
"""A progressive photo has about ten; each one costs a pass over all pixels."""

_ANY_MARKER = re.compile(rb"\xff([^\x00\xff])")
_MARKER_IN_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")


def read_header(data: bytes) -> Header:
    """Read size, orientation, color and profile from the segments before the first scan."""
    frame: tuple[int, int, int] | None = None
    orientation: int | None = None
    profile: dict[int, bytes] = {}
    for marker, start, end in _walk(data):
        if marker in _OTHER_FRAMES:
            raise UnsupportedPhotoError("a lossless or arithmetic JPEG is not read")
        if marker in _FRAMES:
            frame = _read_frame(data, start)
        elif marker == _EXIF and orientation is None and data.startswith(b"Exif\0\0", start):
            orientation = parse_orientation(data[start:end])
        elif marker == _PROFILE and data.startswith(b"ICC_PROFILE\0", start):
            profile[data[start + 12]] = data[start + 14 : end]
    if frame is None:
        raise DamagedPhotoError("corrupt: the JPEG has pixels but no size")
    width, height, channels = frame
    icc = b"".join(part for _, part in sorted(profile.items()))
    return Header(NAME, width, height, orientation or 1, _COLORS[channels], icc=icc or None)


def find_damage(data: bytes) -> str | None:
    """Follow the scans to the end-of-image marker; what follows it (say, a video) is not ours."""
    at = next(end for marker, _, end in _walk(data) if marker == _SCAN)
    scans = 1
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER_IN_SCAN.search(data, at)
        if found is None:
            return "truncated: the JPEG stops before its end-of-image marker"
        marker, at = found[1][0], found.end()
        if marker == _END:
            return None
        if marker < 0xC0 or marker == _START:
            return f"corrupt: the JPEG's pixels are broken off by the marker {marker:02X}"
        at += _length(data, at)
        scans += marker == _SCAN
        if scans > _MAX_SCANS:
            break
    return f"corrupt: the JPEG has more than {_MAX_SCANS} scans or {_MAX_SEGMENTS:,} segments"


def _walk(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end of payload) up to and with the first scan header.

    Bytes between segments are skipped, as decoders do: what they read is what is checked.
    """
    at = 2
    for _ in range(_MAX_SEGMENTS):
        found = _ANY_MARKER.search(data, at)
        if found is None:
            raise IndexError
        marker, at = found[1][0], found.end()
        if marker in _WITHOUT_LENGTH:
            continue
        if marker in (_START, _END):
            raise DamagedPhotoError("corrupt: the JPEG ends before its pixels begin")
        end = at + _length(data, at)
        if end > len(data):
            raise IndexError
        yield marker, at + 2, end
        if marker == _SCAN:
            return
        at = end
    raise DamagedPhotoError(f"corrupt: the JPEG has more than {_MAX_SEGMENTS:,} segments before its pixels")


def _length(data: bytes, at: int) -> int:
    (length,) = struct.unpack_from(">H", data, at)
    if length < 2:
        raise DamagedPhotoError(f"corrupt: the JPEG has a segment of {length} bytes")
    return int(length)


def _read_frame(data: bytes, start: int) -> tuple[int, int, int]:
    depth, height, width, channels = struct.unpack_from(">BHHB", data, start)
    if depth != 8 or channels not in _COLORS:
        raise UnsupportedPhotoError(
            f"expected a JPEG of 8 bits and 1, 3 or 4 channels, got {depth} bits and {channels}"
        )
    return width, height, channels
