"""GIF (89a): a screen, then blocks; pixels lie in sub-blocks of up to 255 bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edge_iqa.errors import DamagedPhotoError
from edge_iqa.header import MAX_PIECES, Header

NAME = "gif"

_EXTENSION, _IMAGE = 0x21, 0x2C
_GRAPHIC_CONTROL = 0xF9


@dataclass(frozen=True)
class _Picture:
    right_px: int
    bottom_px: int
    alpha: bool
    data_at: int


def read_header(data: bytes) -> Header:
    """Read the screen, and grow it to hold the first picture, as decoders do."""
    width, height = struct.unpack_from("<HH", data, 6)
    first = _read_first(data)
    width, height = max(width, first.right_px), max(height, first.bottom_px)
    return Header(NAME, width, height, color="palette", alpha=first.alpha, animated=_has_second(data, first))


def find_damage(data: bytes) -> str | None:
    """Follow the first picture to its closing empty block; later frames are not read."""
    end = _skip_blocks(data, _read_first(data).data_at)
    return "truncated: the GIF stops inside its first picture" if end > len(data) else None


def _read_first(data: bytes) -> _Picture:
    first = _find_picture(data, 13 + _palette_bytes(data[10]))
    if first is None:
        raise DamagedPhotoError("corrupt: the GIF holds no picture")
    return first


def _has_second(data: bytes, first: _Picture) -> bool:
    try:
        return _find_picture(data, _skip_blocks(data, first.data_at)) is not None
    except (struct.error, IndexError):
        return False


def _find_picture(data: bytes, at: int) -> _Picture | None:
    """Return the next picture, None where the trailer (or nonsense) comes first."""
    alpha = False
    for _ in range(MAX_PIECES):
        if data[at] == _IMAGE:
            left, top, width, height, flags = struct.unpack_from("<HHHHB", data, at + 1)
            start = at + 10 + _palette_bytes(flags) + 1  # one byte of code size before the pixels
            return _Picture(left + width, top + height, alpha, start)
        if data[at] != _EXTENSION:
            return None
        if data[at + 1] == _GRAPHIC_CONTROL:
            alpha = bool(data[at + 3] & 1)
        at = _skip_blocks(data, at + 2)
    return None


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    """Return where the run of sub-blocks ends; past the end of the file where it is cut off."""
    for _ in range(MAX_PIECES):
        if at >= len(data):
            return len(data) + 1
        size = data[at]
        at += size + 1
        if not size:
            return at
    return len(data) + 1
