"""What the first bytes of a photo say about it, before a single pixel is decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_PIECES = 1_000_000
"""Chunks, blocks or strips in one file. Real photos stay far below; a file made of nothing but
empty pieces would keep a reader busy for minutes."""

ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class Header:
    """One encoded photo, as its header describes it.

    Attributes:
        format: "jpeg", "png", "gif", "bmp", "webp", "tiff" or "heif".
        width_px, height_px: size as stored, before `orientation` is applied.
        orientation: EXIF orientation, 1-8; 1 where there is none or it is nonsense.
        color: "gray", "rgb", "palette" or "cmyk".
        depth_bits: bits per channel.
        alpha: pixels may be transparent.
        premultiplied: the decoder hands over color already multiplied by alpha.
        clear_gray: the stored gray level that means "transparent" (PNG only).
        icc: embedded color profile.
        animated: more frames follow the first.
    """

    format: str
    width_px: int
    height_px: int
    orientation: int = 1
    color: str = "rgb"
    depth_bits: int = 8
    alpha: bool = False
    premultiplied: bool = False
    clear_gray: int | None = None
    icc: bytes | None = None
    animated: bool = False


def parse_orientation(exif: bytes) -> int:
    """Read the orientation from EXIF, which is a small TIFF; nonsense counts as upright, as in browsers.

    Args:
        exif: the block, with or without its leading `Exif\\0\\0`.

    Returns:
        1-8.
    """
    block = exif[6:] if exif.startswith(b"Exif\0\0") else exif
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for index in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", block, start + 2 + 12 * index)
            if tag == ORIENTATION_TAG:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
