"""BMP (Windows and OS/2 bitmaps): a file header, an information header, rows of pixels."""

from __future__ import annotations

import struct

from edge_iqa.header import Header

NAME = "bmp"

_CORE_BYTES = 12
_INFO_BYTES = (40, 52, 56, 64, 108, 124)
_RUN_LENGTH = (1, 2)
_BIT_FIELDS = 3


def is_bitmap(data: bytes) -> bool:
    """Tell a bitmap from a text that happens to begin with BM."""
    return len(data) < 18 or struct.unpack_from("<I", data, 14)[0] in (_CORE_BYTES, *_INFO_BYTES)


def read_header(data: bytes) -> Header:
    """Read size and depth; a negative height only means that rows run from the top."""
    width, height, bits, method = _read_info(data)
    color = "palette" if bits <= 8 else "rgb"
    return Header(NAME, width, abs(height), color=color, alpha=_has_alpha(data, bits, method))


def find_damage(data: bytes) -> str | None:
    """Check that all rows are there; the file size in the header is often wrong and is not used."""
    width, height, bits, method = _read_info(data)
    (start,) = struct.unpack_from("<I", data, 10)
    if method in _RUN_LENGTH:
        (length,) = struct.unpack_from("<I", data, 34)
    else:
        length = (width * bits + 31) // 32 * 4 * abs(height)
    if start + length > len(data):
        return f"truncated: the BMP needs {start + length:,} bytes and has {len(data):,}"
    return None


def _read_info(data: bytes) -> tuple[int, int, int, int]:
    """Return width, height (negative: from the top), bits per pixel, compression."""
    (size,) = struct.unpack_from("<I", data, 14)
    if size == _CORE_BYTES:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return width, height, bits, 0
    width, height, _, bits, method = struct.unpack_from("<iiHHI", data, 18)
    return max(0, width), height, bits, method


def _has_alpha(data: bytes, bits: int, method: int) -> bool:
    """Only a bit mask makes alpha count; the fourth byte of plain 32-bit rows is padding."""
    (size,) = struct.unpack_from("<I", data, 14)
    if bits != 32 or method != _BIT_FIELDS or size < 56:
        return False
    return bool(struct.unpack_from("<I", data, 66)[0])
