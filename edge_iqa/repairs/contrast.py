"""Contrast: tones that were squeezed towards gray, or veiled by stray light, spread over the whole range again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.light import ENCODED, LINEAR, LUMA, Levels, apply_curve, to_srgb

_ROWS = 256
"""Worked on at a time: a large photo in floating point would not fit into a phone's memory."""


@dataclass(frozen=True)
class Contrast:
    """New black and white points.

    Attributes:
        black, white: encoded levels that become 0 and 1, the same for all channels. Points outside 0-1
            make a photo flatter that was too harsh.
        color: how much of the color comes back with the contrast, 0-1. At 0 only brightness is spread and
            each pixel's chromaticity stays; at 1 each channel is spread by itself, and pale colors grow strong.
    """

    black: float
    white: float
    color: float = 1.0

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Spread the tones. Strength 1 goes all the way to the points, 0 leaves the photo as it is."""
        del context
        if not strength:
            return pixels
        curve = self.curve(strength)
        spread = apply_curve(pixels, curve)
        if self.color >= 1:
            return spread
        for top in range(0, len(pixels), _ROWS):
            rows = np.s_[top : top + _ROWS]
            spread[rows] = _hold_color(pixels[rows], spread[rows], self.color)
        return spread

    def curve(self, strength: float = 1.0) -> Levels:
        """Encoded level that comes out, for each of the 256."""
        black, white = strength * self.black, 1 - strength * (1 - self.white)
        return np.clip((ENCODED - black) / (white - black), 0, 1)


def _hold_color(before: Pixels, spread: Pixels, color: float) -> Pixels:
    """Keep the luminance of `spread`, and the chromaticity of `before` as far as `color` leaves it."""
    table = LINEAR.astype(np.float32)
    light, wanted = table[before], table[spread]
    weights = LUMA.astype(np.float32)
    ratio = (wanted @ weights) / np.maximum(light @ weights, 1e-4)
    held = light * ratio[..., None]
    mixed = held + np.float32(color) * (wanted - held)
    return np.round(to_srgb(mixed) * 255).astype(np.uint8)
