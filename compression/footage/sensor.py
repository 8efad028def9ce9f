"""From light to the camera's buffer: exposure with clipping, noise of shot and read, NV12."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import to_linear, to_srgb
from edge_iqa import opencv

Pixels = NDArray[np.uint8]
MAX_SHOT, MAX_READ = 0.020, 0.040
"""As in `compression.degradations.noise`."""
_LUMA_SHARE, _CHROMA_SHARE = 0.7, 0.3
"""Of a channel's deviation, what is left in luma and in the color differences after demosaicing."""
_UNIT = 24
"""One deviation in the noise's field of int8."""
_STOPS = 1 / 64
_BLACK, _RANGE = 16, 219


def expose(pixels: Pixels, stops: float) -> Pixels:
    """Multiply the light by 2**stops; what passes the full level is white for good."""
    if abs(stops) < _STOPS / 2:
        return pixels
    exposed: Pixels = opencv.load().LUT(pixels, make_curve(stops))
    return exposed


def make_curve(stops: float) -> Pixels:
    """256 levels before → after."""
    light = to_linear(np.arange(256, dtype=np.float32) / 255) * np.float32(2.0**stops)
    return np.round(to_srgb(light) * 255).astype(np.uint8)


def draw_field(rng: np.random.Generator, height_px: int, width_px: int) -> NDArray[np.int8]:
    """Normal noise with neighbors that are alike, as demosaicing leaves it, larger than a frame on all sides."""
    cv2 = opencv.load()
    plane = rng.standard_normal((height_px + 128, width_px + 128), np.float32)
    plane = cv2.GaussianBlur(plane, (0, 0), 0.5)
    return np.clip(np.round(plane / plane.std() * _UNIT), -127, 127).astype(np.int8)


def to_nv12(
    pixels: Pixels,
    noise: float,
    field: NDArray[np.int8],
    rng: np.random.Generator,
    stride_bytes: int,
    rows: int,
) -> Pixels:
    """Code as NV12 (BT.601, limited range), the noise added.

    Args:
        pixels: uint8 HxWx3 RGB, even sides.
        noise: amount 0-1.
        field: see `draw_field`; each frame takes another part of it.
        stride_bytes: of a row in the buffer.
        rows: where the second plane begins, in rows.

    Returns:
        uint8, flat: `rows` rows of luma and half as many of color as the picture has.
    """
    cv2 = opencv.load()
    height, width = pixels.shape[:2]
    coded = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420)
    buffer = np.zeros((rows + height // 2, stride_bytes), np.uint8)
    luma, color = buffer[:height, :width], buffer[rows : rows + height // 2, :width]
    colors = coded[height:].reshape(2, height // 2, width // 2)
    color[:, 0::2], color[:, 1::2] = colors
    _add(coded[:height], _deviations(noise, _LUMA_SHARE), field, rng, luma)
    at_colors = np.repeat(cv2.LUT(coded[:height:2, ::2].copy(), _deviations(noise, _CHROMA_SHARE)), 2, 1)
    _add_scaled(color, at_colors, field, rng, color)
    return buffer.reshape(-1)


def _add(
    plane: Pixels, deviations: Pixels, field: NDArray[np.int8], rng: np.random.Generator, into: Pixels
) -> None:
    _add_scaled(plane, opencv.load().LUT(plane, deviations), field, rng, into)


def _add_scaled(
    plane: Pixels, deviation: Pixels, field: NDArray[np.int8], rng: np.random.Generator, into: Pixels
) -> None:
    """Add the field times the deviation (in eighths of a level); `into` may lie in a padded buffer."""
    cv2 = opencv.load()
    row, column = rng.integers(0, 128, 2)
    part = field[row : row + plane.shape[0], column : column + plane.shape[1]]
    if rng.random() < 0.5:
        part = part[::-1]
    scaled = cv2.multiply(part, deviation, scale=1 / (8 * _UNIT), dtype=cv2.CV_16S)
    into[:] = cv2.add(plane, scaled, dtype=cv2.CV_8U)


@lru_cache(256)
def _deviations(noise: float, share: float) -> Pixels:
    """Deviation of the noise at each level of luma, in eighths of a level.

    Variance is `shot * light + read**2` before the tone curve (Foi et al. 2008, doi:10.1109/TIP.2008.2001399);
    what is burnt out has none.
    """
    level = np.clip((np.arange(256, dtype=np.float32) - _BLACK) / _RANGE, 0, 1)
    light = to_linear(level)
    deviation = np.sqrt(MAX_SHOT * noise * light + (MAX_READ * noise) ** 2)
    coded = (to_srgb(light + deviation) - to_srgb(np.maximum(light - deviation, 0))) / 2 * _RANGE * share
    coded[_BLACK + _RANGE - 1 :] = 0
    return np.clip(np.round(coded * 8), 0, 255).astype(np.uint8)
