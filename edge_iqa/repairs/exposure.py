"""Exposure: a gain in linear light, with a curve at the top that keeps highlights from burning out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.light import LINEAR, Levels, apply_curve, to_srgb

_KNEE = 0.6
"""Light above this is bent where the gain would push it over 1."""
_WHITE_POWER = 8
"""How close to the end the curve returns to white where a photo is darkened and white shall stay white."""


@dataclass(frozen=True)
class Exposure:
    """More or less light.

    Attributes:
        stops: of light to add; negative takes light away.
        brightest: light, 0-1, of the brightest that must not burn out.
        keep_white: white stays white when light is taken away (a white background, a burnt-out lamp).
    """

    stops: float
    brightest: float = 1.0
    keep_white: bool = False

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Multiply the light. Strength 1 takes all stops, 0 none."""
        del context
        if not strength:
            return pixels
        return apply_curve(pixels, to_srgb(self.curve(strength)))

    def curve(self, strength: float = 1.0) -> Levels:
        """Light that comes out, for each of the 256 levels."""
        gain = 2.0 ** (strength * self.stops)
        light = LINEAR * gain
        if gain < 1:
            return np.asarray(light + (1 - gain) * LINEAR**_WHITE_POWER if self.keep_white else light)
        top = gain * self.brightest
        if top <= 1:
            return np.asarray(np.minimum(light, 1))
        return _bend(light, top)


def _bend(light: Levels, top: float) -> Levels:
    """Squeeze `_KNEE`..`top` into `_KNEE`..1, by a hyperbola of slope 1 at the knee."""
    over = np.maximum(light - _KNEE, 0)
    steep = 1 / (1 - _KNEE) - 1 / (top - _KNEE)
    return np.where(light <= _KNEE, light, np.minimum(_KNEE + over / (1 + steep * over), 1))
