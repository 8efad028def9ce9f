"""Whole-photo measurements that need no model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa.frame import Frame

_SAMPLES = 256
"""Rows and columns that are looked at. Picked pixels, not averaged ones: averaging would turn fine
fabric into one flat color."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32) / 255
"""Weights of R, G and B (ITU-R BT.601)."""


@dataclass(frozen=True)
class Measured:
    """Light of a photo; luma runs from 0 (black) to 1 (white).

    Attributes:
        luma_mean: average luma.
        luma_std: standard deviation of luma; 0 is one flat color.
    """

    luma_mean: float
    luma_std: float


def measure(frame: Frame) -> Measured:
    """Measure the light of a photo on an even sample of its pixels."""
    height, width = frame.pixels.shape[:2]
    sample = frame.pixels[:: -(-height // _SAMPLES), :: -(-width // _SAMPLES)]
    luma = sample @ _LUMA
    return Measured(
        luma_mean=float(luma.mean()),
        luma_std=float(luma.std()),
    )
