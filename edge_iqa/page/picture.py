"""Photos as the page holds them: small, encoded anew, without a word of where and when they were taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv, views
from edge_iqa.errors import OutputError
from edge_iqa.page.markup import to_data_uri

LONG_SIDE_PX = 1000
THUMB_PX = 112
_QUALITY, _THUMB_QUALITY = 82, 75


@dataclass(frozen=True)
class Picture:
    """A small copy of a photo.

    Attributes:
        uri: a `data:` address.
        width_px, height_px: its size.
    """

    uri: str
    width_px: int
    height_px: int


def make_picture(pixels: NDArray[np.uint8]) -> Picture:
    """Make the copy that is shown, the long side at most `LONG_SIDE_PX`.

    Args:
        pixels: uint8 HxWx3, RGB.
    """
    return _make(pixels, LONG_SIDE_PX, _QUALITY)


def make_thumb(pixels: NDArray[np.uint8]) -> Picture:
    """Make the copy for the list, the long side at most `THUMB_PX`.

    Args:
        pixels: uint8 HxWx3, RGB.
    """
    return _make(pixels, THUMB_PX, _THUMB_QUALITY)


def _make(pixels: NDArray[np.uint8], long_side_px: int, quality: int) -> Picture:
    cv2 = opencv.load()
    height, width = pixels.shape[:2]
    scale = min(1.0, long_side_px / max(height, width))
    if scale < 1:
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        pixels = views.resize(pixels, height, width)
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise OutputError(
            f"OpenCV could not encode a copy of {width} x {height} px as JPEG; install another build"
        )
    return Picture(to_data_uri(bytes(data), "image/jpeg"), width, height)
