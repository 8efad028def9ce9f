"""What lens and hand do to the picture: defocus and motion blur.

Blurs that are wide are made at half size. A wide defocus spreads linear light, so that highlights bloom; what is
narrower than that works on coded values, which are as good there and far cheaper.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.kernels import disk
from compression.degradations.light import to_linear, to_srgb
from edge_iqa import opencv

Pixels = NDArray[np.uint8]
_WIDE_PX = 2.5
"""From this radius on, at half size and in linear light."""
_HALVING_PX = 0.75
"""Deviation of the blur that shrinking to half and enlarging again adds, in full pixels."""
_LEVELS = 4096
_LINEAR = (to_linear(np.arange(256, dtype=np.float32) / 255) * (_LEVELS - 1)).astype(np.float32)
_CODED = np.round(to_srgb(np.arange(_LEVELS, dtype=np.float32) / (_LEVELS - 1)) * 255).astype(np.uint8)


def defocus(pixels: Pixels, radius_px: float) -> Pixels:
    """Spread light over a disk of that radius, in the picture's own pixels."""
    cv2 = opencv.load()
    if radius_px < 0.3:
        return pixels
    if radius_px < _WIDE_PX:
        blurred: Pixels = cv2.filter2D(pixels, -1, disk(radius_px), borderType=cv2.BORDER_REFLECT_101)
        return blurred
    left = np.sqrt(radius_px**2 - (2 * _HALVING_PX) ** 2) / 2
    small = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    light = cv2.filter2D(cv2.LUT(small, _LINEAR), -1, disk(left), borderType=cv2.BORDER_REFLECT_101)
    coded = _CODED[np.clip(light + 0.5, 0, _LEVELS - 1).astype(np.uint16)]
    wide: Pixels = cv2.resize(coded, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return wide


def drag(pixels: Pixels, way_px: NDArray[np.float64]) -> Pixels:
    """Spread each pixel evenly along a short straight way (x, y)."""
    cv2 = opencv.load()
    length = float(np.linalg.norm(way_px))
    if length < 0.3:
        return pixels
    half = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 33):  # bilinear stamps along the way
        x, y = way_px * share + half
        column, row = int(np.floor(x)), int(np.floor(y))
        right, down = x - column, y - row
        kernel[row, column] += (1 - right) * (1 - down)
        kernel[row, column + 1] += right * (1 - down)
        kernel[row + 1, column] += (1 - right) * down
        kernel[row + 1, column + 1] += right * down
    dragged: Pixels = cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)
    return dragged
