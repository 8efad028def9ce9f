"""Photoshop's image resources (APP13), in one of which IPTC-IIM lies."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_IPTC, _DIGEST, _EXIF, _EXIF_3, _XMP = 0x0404, 0x0425, 0x0422, 0x0423, 0x0424
_THUMBNAILS = (0x0409, 0x040C)
_PLACE = {(2, number) for number in (26, 27, 90, 92, 95, 100, 101)}
"""Content location code and name, city, sublocation, state, country code and name."""
_MOST = 5000


class _BrokenError(Exception):
    """A length that does not fit."""


def update(block: bytes, strip_location: bool) -> bytes | None:
    """Drop thumbnails and, if asked, the place.

    Args:
        block: resources, without the leading `Photoshop 3.0\\0`.

    Returns:
        The resources that stay; None where they cannot be read safely.
    """
    kept = b""
    try:
        for number, name, payload in _walk(block):
            if number in _THUMBNAILS:
                continue
            if strip_location and number in (_DIGEST, _EXIF, _EXIF_3, _XMP):
                continue
            if strip_location and number == _IPTC:
                payload = b"".join(raw for key, raw in _walk_datasets(payload) if key not in _PLACE)
            kept += b"8BIM" + struct.pack(">H", number) + name + struct.pack(">I", len(payload))
            kept += payload + bytes(len(payload) & 1)
    except (_BrokenError, struct.error, IndexError):
        return None
    return kept


def _walk(block: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield (number, padded name, payload) of each resource."""
    at = 0
    for _ in range(_MOST):
        if at >= len(block) or not block[at:].strip(b"\0"):
            return
        if block[at : at + 4] != b"8BIM":
            raise _BrokenError
        (number,) = struct.unpack_from(">H", block, at + 4)
        name_end = at + 6 + (block[at + 6] + 2) // 2 * 2
        (length,) = struct.unpack_from(">I", block, name_end)
        start = name_end + 4
        if start + length > len(block):
            raise _BrokenError
        yield number, block[at + 6 : name_end], block[start : start + length]
        at = start + length + (length & 1)
    raise _BrokenError


def _walk_datasets(payload: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Yield ((record, data set), its bytes) of IPTC-IIM."""
    at = 0
    while at < len(payload) and payload[at:].strip(b"\0"):
        mark, record, number, length = struct.unpack_from(">BBBH", payload, at)
        start = at + 5
        if mark != 0x1C:
            raise _BrokenError
        if length & 0x8000:
            digits = length & 0x7FFF
            if digits > 4:
                raise _BrokenError
            length = int.from_bytes(payload[start : start + digits], "big")
            start += digits
        if start + length > len(payload):
            raise _BrokenError
        yield (record, number), payload[at : start + length]
        at = start + length
