"""Color profiles (ICC.1): tell sRGB, which needs nothing, from those that must be converted."""

from __future__ import annotations

import struct

_SRGB_NAMES = ("c2", "uRGB")
"""Small profiles that mean sRGB and do not say so; all others have "sRGB" in their description."""


def is_srgb(icc: bytes) -> bool:
    """Whether the profile is sRGB under one of its usual names."""
    name = read_description(icc)
    return "sRGB" in name or name in _SRGB_NAMES


def is_usable(icc: bytes, color: str) -> bool:
    """Whether the profile is whole and speaks of the channels that the photo has.

    A browser ignores others. Color photos take "RGB " profiles, gray ones "GRAY" or "RGB ".
    """
    if len(icc) < 132 or icc[36:40] != b"acsp":
        return False
    space = icc[16:20]
    if color == "cmyk":
        return space == b"CMYK"
    return space == b"RGB " or (space == b"GRAY" and color == "gray")


def read_description(icc: bytes) -> str:
    """Return the profile's name, "" where it has none."""
    try:
        (count,) = struct.unpack_from(">I", icc, 128)
        for index in range(min(count, 100)):
            name, start, length = struct.unpack_from(">4sII", icc, 132 + 12 * index)
            if name == b"desc":
                return _read_text(icc[start : start + length])
    except struct.error:
        pass
    return ""


def _read_text(tag: bytes) -> str:
    """Read ICC v2 `desc` (ASCII) or v4 `mluc` (UTF-16, the first language counts)."""
    if tag[:4] == b"desc":
        (length,) = struct.unpack_from(">I", tag, 8)
        return tag[12 : 12 + length].rstrip(b"\0").decode("latin-1")
    if tag[:4] == b"mluc":
        length, start = struct.unpack_from(">II", tag, 20)
        return tag[start : start + length].decode("utf-16-be", "replace").rstrip("\0")
    return ""
