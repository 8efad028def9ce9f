"""Decoded samples of any kind → upright uint8 RGB, as a browser shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

Pixels = NDArray[np.uint8]

VIEWING_PX = 1600
"""Long side at which a shopper's zoom shows a photo, and at which repairs are judged."""
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""EXIF orientation → axis to flip, in OpenCV's code, after a transpose from 5 on."""

_SWAP_BYTES = 1 << 18
"""So much stays in a processor's cache."""


def to_eight_bits(samples: NDArray[Any]) -> Pixels:
    """Scale uint16 samples to uint8, rounding; uint8 passes as it is."""
    if samples.dtype == np.uint8:
        return samples
    scaled: Pixels = opencv.load().convertScaleAbs(samples, alpha=1 / 257)
    return scaled


def to_rgb(samples: Pixels, *, bgr: bool = False, premultiplied: bool = False) -> Pixels:
    """Turn gray, color or color with alpha into RGB; what is transparent shows white.

    Args:
        samples: uint8 HxW, HxWx3 or HxWx4.
        bgr: blue comes first, as OpenCV decodes.
        premultiplied: color has been multiplied by alpha already.

    Returns:
        uint8 HxWx3 RGB: `samples` itself where they are that already, converted in place where
        `bgr` is set, a new array otherwise.
    """
    cv2 = opencv.load()
    if samples.ndim == 2:
        gray: Pixels = cv2.cvtColor(samples, cv2.COLOR_GRAY2RGB)
        return gray
    if samples.shape[2] == 3:
        return _swap_in_place(samples) if bgr else samples
    color = cv2.cvtColor(samples, cv2.COLOR_BGRA2RGB if bgr else cv2.COLOR_RGBA2RGB)
    return _show_on_white(color, cv2.extractChannel(samples, 3), premultiplied)


def _swap_in_place(samples: Pixels) -> Pixels:
    """Exchange the first and the last channel, some rows at a time: OpenCV copies what it converts in place."""
    cv2 = opencv.load()
    rows = max(1, _SWAP_BYTES // (3 * samples.shape[1]))
    for top in range(0, len(samples), rows):
        part = samples[top : top + rows]
        cv2.cvtColor(part, cv2.COLOR_BGR2RGB, dst=part)
    return samples


def to_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation.

    Args:
        pixels: uint8 HxWx3 as stored.
        orientation: 1-8.

    Returns:
        uint8 HxWx3 for 1-4 (`pixels` itself for 1), WxHx3 for 5-8.
    """
    cv2 = opencv.load()
    upright: Pixels = cv2.transpose(pixels) if orientation >= 5 else pixels
    flip = _FLIPS.get(orientation)
    return upright if flip is None else cv2.flip(upright, flip)


def _show_on_white(color: Pixels, alpha: Pixels, premultiplied: bool) -> Pixels:
    cv2 = opencv.load()
    if alpha.min() == 255:
        return color
    if not premultiplied:
        color = cv2.multiply(color, cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    white = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2RGB)
    shown: Pixels = cv2.add(color, white)  # saturates, so that wrong premultiplied data cannot wrap
    return shown


def to_viewing(pixels: Pixels) -> Pixels:
    """Shrink to viewing scale, the long side at most 1600 px; never enlarge."""
    scale = VIEWING_PX / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    cv2 = opencv.load()
    small: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small
