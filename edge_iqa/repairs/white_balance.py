"""White balance: one gain a channel, in linear light, that leaves the brightness of gray as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.light import LINEAR, LUMA, apply_curve, to_srgb

AXES = np.array([(1, 0.15, -1), (0.6, -1, 0.6)])
"""Log-gains of R, G and B, from blue to warm (shade, lamps) and from green to magenta (tubes)."""


@dataclass(frozen=True)
class WhiteBalance:
    """Gains against a cast.

    Attributes:
        warmer: along the first of `AXES`; negative is cooler.
        pinker: along the second; negative is greener.
    """

    warmer: float
    pinker: float

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Multiply the channels. Strength 1 takes the whole gain, 0 none."""
        del context
        if not strength:
            return pixels
        return apply_curve(pixels, to_srgb(LINEAR[:, None] * self.gain(strength)))

    def gain(self, strength: float = 1.0) -> NDArray[np.float64]:
        """Linear gains of R, G and B."""
        gain = np.exp(strength * (self.warmer * AXES[0] + self.pinker * AXES[1]))
        return np.asarray(gain / (gain @ LUMA))
