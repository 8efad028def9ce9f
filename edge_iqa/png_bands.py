"""Large PNGs in bands of rows: OpenCV's decoder holds a photo's pixels twice, which a phone may not have room for.

The rows of a PNG are coded against the row above. So each band becomes a small PNG of its own that begins with the
last row of the band before, plain, which is dropped again. The pixels are the same to the last bit.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np

from edge_iqa.formats import png
from edge_iqa.header import Header
from edge_iqa.pixels import Pixels

LEAST_PIXELS = 16_000_000
"""A smaller photo fits twice, and takes a third less time in one piece."""

_BAND_BYTES = 1 << 20
_FEED_BYTES = 2 << 10
"""Packed bytes at a time: they may unpack to a thousand times as many."""

_RGB = 2
"""PNG's number of that color type."""


def is_for_bands(data: bytes, header: Header) -> bool:
    """Whether a photo is large, and a plain PNG: 8 bits of red, green and blue, its rows in order."""
    plain = header.format == "png" and header.depth_bits == 8 and not header.alpha and not header.animated
    return plain and header.width_px * header.height_px >= LEAST_PIXELS and data[25] == _RGB and not data[28]


def decode_bands(data: bytes, header: Header, decode: Callable[[bytes, int], Pixels]) -> Pixels:
    """Decode a photo that `is_for_bands`.

    Args:
        data: the whole file, found complete.
        header: what it says.
        decode: takes a PNG and its number of rows, gives uint8 (rows, width, 3), BGR.

    Returns:
        uint8 HxWx3, BGR.

    Raises:
        ValueError: the rows cannot be unpacked, or are too few. What `decode` raises goes through.
    """
    pixels = np.empty((header.height_px, header.width_px, 3), np.uint8)
    row_bytes = 1 + 3 * header.width_px
    above, at = b"", 0
    for band in _unpack(data, row_bytes, header.height_px):
        rows = len(band) // row_bytes
        first = 1 if at else 0
        decoded = decode(_wrap(header.width_px, rows + first, above + band), rows + first)
        pixels[at : at + rows] = decoded[first:]
        above = b"\0" + decoded[-1, :, ::-1].tobytes()
        at += rows
    return pixels


def _unpack(data: bytes, row_bytes: int, rows: int) -> Iterator[bytes]:
    """The coded rows, some at a time, each with its filter in front."""
    inflater = zlib.decompressobj()
    band, left = bytearray(), rows * row_bytes
    size = max(1, _BAND_BYTES // row_bytes) * row_bytes
    for packed in _feed(data):
        try:
            band += inflater.decompress(packed)
        except zlib.error as error:
            raise ValueError(f"the rows cannot be unpacked ({error})") from error
        while left and len(band) >= min(size, left):
            taken = min(size, left)
            yield bytes(memoryview(band)[:taken])
            del band[:taken]
            left -= taken
    if left:
        raise ValueError(f"{-(-left // row_bytes)} of {rows} rows are missing")


def _feed(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    for start, end in png.find_chunks(data, b"IDAT"):
        for at in range(start, end, _FEED_BYTES):
            yield view[at : min(end, at + _FEED_BYTES)]


def _wrap(width: int, rows: int, coded: bytes) -> bytes:
    """Coded rows as a PNG, stored as they are."""
    size = struct.pack(">IIBBBBB", width, rows, 8, _RGB, 0, 0, 0)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(coded, 0)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
        for name, content in chunks
    )
    return png.SIGNATURE + b"".join(parts)
