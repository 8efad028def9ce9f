"""Pixels → an encoded photo, about as finely as the source was."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge_iqa import opencv
from edge_iqa.errors import OutputError
from edge_iqa.pixels import Pixels

FORMATS = ("jpeg", "png", "webp")
"""What can be written."""
SUFFIX_FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp"}

_LEAST_QUALITY, _MOST_QUALITY = 90, 98
_SMALLER = (90, 85, 80, 75)
"""Qualities that are tried where the file may not be larger than some bytes."""
_MOST_SIDE_PX = {"jpeg": 65_500, "webp": 16_383, "png": 1_000_000}
_IJG_LUMA_SUM = 3_685
"""Sum of the quantization table for brightness that quality 50 of the IJG's library means."""


@dataclass(frozen=True)
class Fineness:
    """How finely a source was encoded.

    Attributes:
        quality: 90-98, as JPEG counts it.
        whole_color: color has as many samples as brightness (4:4:4).
        lossless: nothing was lost.
    """

    quality: int = 95
    whole_color: bool = True
    lossless: bool = False


def estimate_fineness(source: bytes) -> Fineness:
    """Read from an encoded photo how finely it was encoded; what cannot be read counts as fine."""
    if source[:3] == b"\xff\xd8\xff":
        quality, whole_color = 95, True
        for marker, payload in _walk_jpeg(source):
            if marker == 0xDB and payload[:1] == b"\0" and len(payload) >= 65:
                quality = _to_quality(sum(payload[1:65]))
            elif 0xC0 <= marker <= 0xC2 and len(payload) >= 9 and payload[5] == 3:
                whole_color = payload[7] == 0x11
        return Fineness(min(_MOST_QUALITY, max(_LEAST_QUALITY, quality)), whole_color)
    return Fineness(lossless=source[:4] == b"RIFF" and b"VP8L" in source[12:64])


def encode(
    pixels: Pixels, kind: str, fineness: Fineness, max_bytes: int | None = None, metadata_bytes: int = 0
) -> bytes:
    """Encode one photo.

    Args:
        pixels: uint8 HxWx3, RGB, upright.
        kind: one of `FORMATS`.
        fineness: of the source.
        max_bytes: a JPEG or WebP is made coarser, down to quality 75, until it is no larger.
        metadata_bytes: what will be put into the file afterwards; it counts against `max_bytes`.

    Raises:
        OutputError: the format cannot hold so many pixels a side, or the file stays too large.
    """
    if max(pixels.shape[:2]) > _MOST_SIDE_PX[kind]:
        raise OutputError(
            f"expected sides of at most {_MOST_SIDE_PX[kind]:,} px for {kind.upper()}, got "
            f"{pixels.shape[1]} x {pixels.shape[0]}; choose another format"
        )
    data = _run(pixels, kind, fineness)
    if max_bytes is None or len(data) + metadata_bytes <= max_bytes:
        return data
    for quality in _SMALLER if kind != "png" else ():
        data = _run(pixels, kind, Fineness(quality, whole_color=False))
        if len(data) + metadata_bytes <= max_bytes:
            return data
    of_them = f" ({metadata_bytes:,} of them metadata)" if metadata_bytes else ""
    raise OutputError(
        f"expected a {kind.upper()} of at most {max_bytes:,} bytes, got {len(data) + metadata_bytes:,}{of_them}; "
        f"{'write a JPEG' if kind == 'png' else 'send a smaller photo'}"
    )


def _run(pixels: Pixels, kind: str, fineness: Fineness) -> bytes:
    cv2 = opencv.load()
    if kind == "png":
        suffix, options = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 6]
    elif kind == "webp":
        suffix, options = ".webp", [cv2.IMWRITE_WEBP_QUALITY, 101 if fineness.lossless else fineness.quality]
    else:
        chroma = (
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
            if fineness.whole_color
            else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
        )
        suffix = ".jpg"
        options = [cv2.IMWRITE_JPEG_QUALITY, fineness.quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma]
    done, data = cv2.imencode(suffix, np.ascontiguousarray(pixels[..., ::-1]), options)
    if not done:
        raise OutputError(f"OpenCV could not encode the photo as {kind.upper()}; choose another format")
    return bytes(data)


def _to_quality(total: int) -> int:
    """Quality of the IJG's library whose table for brightness has this sum."""
    scale = 100 * total / _IJG_LUMA_SUM
    return round((200 - scale) / 2 if scale <= 100 else 5000 / scale)


def _walk_jpeg(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker == 0xDA or length < 2 or at + 2 + length > len(data):
            return
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length
