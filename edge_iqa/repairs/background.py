"""Background to white: the light of a plain background is divided out, and what is surely background is white.

The outline is that of a small mask, drawn anew by color (`edge_iqa.repairs.outline`) and then along the edges of the
photo itself (fast guided filter: He & Sun 2015, arXiv:1505.00996), so that no rim of the old background is left around
the product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.light import LINEAR, to_srgb
from edge_iqa.repairs.outline import redraw

_SMALL_PX = 512
_REACH_PX = 3
"""Of the small copy: how far the outline may move to the nearest edge."""
_FLAT = 2e-3
"""Variance of light (0-1) below which there is no edge."""
_SOFT = (0.05, 0.35)
"""Cover by the product from which on less, and nothing, is painted."""
_INNER_PX = 5
"""Of the small copy: what lies half so far inside the outline is product, however much it looks like background."""
_SHADOW_PX = 10
"""Of the small copy: how far around the product a shadow is kept."""
_GRAIN = 0.55, 0.75
"""Light, against the background's, from which on what lies away from the product is its grain, and goes; what is darker
may be a part of the product that the outline missed."""
_ROWS = 256


@dataclass(frozen=True)
class WhiteBackground:
    """A plain background turned white; a shadow at the product's foot fades softly into it."""

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Whiten. Strength mixes with the photo as it was; without a sure outline nothing happens."""
        if not strength or not context.sure or context.product is None:
            return pixels
        cv2 = opencv.load()
        height, width = pixels.shape[:2]
        small = _shrink(pixels)
        cover = cv2.resize(
            context.product.astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_LINEAR
        )
        cover = redraw(small, cover)
        seen = LINEAR[small].astype(np.float32)
        light = np.maximum(_spread_background(seen, cover < 0.02), 0.02)
        outline = _fit_outline(np.minimum(seen / light, 1).mean(-1), cover)
        inner = cv2.erode((cover > 0.5).astype(np.float32), np.ones((_INNER_PX, _INNER_PX), np.uint8))
        away = _fade_in(-cv2.GaussianBlur(cover, (0, 0), _SHADOW_PX), -0.1, -0.02)
        table = LINEAR.astype(np.float32)
        out = np.empty_like(pixels)
        for top in range(0, height, _ROWS):
            rows = slice(top, min(height, top + _ROWS))
            whole = _stretch(np.dstack([light, outline, away, inner]), rows, (height, width))
            here = table[pixels[rows]]
            white = np.minimum(here / np.maximum(whole[..., :3], 0.02), 1)
            covered = np.maximum(whole[..., 3] * white.mean(-1) + whole[..., 4], whole[..., 6])
            painted = np.clip((_SOFT[1] - covered) / (_SOFT[1] - _SOFT[0]), 0, 1)[..., None] * np.float32(
                strength
            )
            # from nearly white to white: noise and the rest of unevenness go
            white = np.where(white > 0.75, np.minimum(1, white + (white - 0.75)), white)
            white += _fade_in(white.min(-1), *_GRAIN)[..., None] * whole[..., 5:6] * (1 - white)
            out[rows] = np.round(to_srgb(here + painted * (white - here)) * 255)
        return out


def estimate_color(pixels: Pixels, context: Context) -> NDArray[np.uint8]:
    """Median color (RGB) of what lies along the edges and is not product; of all edges where all is product."""
    small = _shrink(pixels)
    outside = ~context.product_at(small.shape)
    edge = np.zeros(outside.shape, bool)
    thick = max(2, round(0.04 * min(edge.shape)))
    edge[:thick] = edge[-thick:] = edge[:, :thick] = edge[:, -thick:] = True
    chosen = edge & outside if (edge & outside).any() else edge
    return np.asarray(np.round(np.median(small[chosen], axis=0)), np.uint8)


def _fade_in(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """0 at `low`, 1 at `high`, straight between."""
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float32)


def _shrink(pixels: Pixels) -> Pixels:
    scale = min(1.0, _SMALL_PX / max(pixels.shape[:2]))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small: Pixels = opencv.load().resize(pixels, size, interpolation=opencv.load().INTER_AREA)
    return small


def _spread_background(light: NDArray[np.float32], outside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The background's light everywhere: what is covered is filled from around it, from coarse to fine.

    On a copy of half the size: light is smooth, and the widest of these filters slow.
    """
    cv2 = opencv.load()
    size = light.shape[1::-1]
    half = max(1, size[0] // 2), max(1, size[1] // 2)
    light = cv2.resize(light, half, interpolation=cv2.INTER_AREA)
    known = (cv2.resize(outside.astype(np.float32), half, interpolation=cv2.INTER_AREA) > 0.99).astype(
        np.float32
    )
    total, weight = np.zeros_like(light), np.full(known.shape, 1e-6, np.float32)
    trust = 1.0
    for sigma in (3.0, 8.0, 24.0, 72.0):
        total += trust * cv2.GaussianBlur(light * known[..., None], (0, 0), sigma)
        weight += trust * cv2.GaussianBlur(known, (0, 0), sigma)
        trust *= 0.02
    spread: NDArray[np.float32] = cv2.resize(total / weight[..., None], size, interpolation=cv2.INTER_LINEAR)
    return spread


def _fit_outline(guide: NDArray[np.float32], cover: NDArray[np.float32]) -> NDArray[np.float32]:
    """Slope and offset (h x w x 2) by which the cover of a pixel follows from its light, around each place."""
    cv2 = opencv.load()

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        side = 2 * _REACH_PX + 1
        return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)

    middle, covered = mean(guide), mean(cover)
    slope = (mean(guide * cover) - middle * covered) / (mean(guide * guide) - middle**2 + _FLAT)
    offset = covered - slope * middle
    return np.dstack([mean(slope), mean(offset)])


def _stretch(small: NDArray[np.float32], rows: slice, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Cut some rows out of a small map as if it had been enlarged to `shape`."""
    cv2 = opencv.load()
    height, width = shape
    scale_y, scale_x = small.shape[0] / height, small.shape[1] / width
    y = ((np.arange(rows.start, rows.stop) + 0.5) * scale_y - 0.5).astype(np.float32)
    x = ((np.arange(width) + 0.5) * scale_x - 0.5).astype(np.float32)
    columns, lines = np.meshgrid(x, y)
    out: NDArray[np.float32] = cv2.remap(
        small, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return out
