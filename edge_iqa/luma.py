"""The light of a whole photo, which verdicts of scores take into account: how bright, how even."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa.frame import Frame

_SAMPLES = 256
"""Rows and columns that are looked at. Picked pixels, not averaged ones: averaging would turn fine
fabric into one flat color."""

_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32) / 255
"""Weights of R, G and B (ITU-R BT.601)."""


@dataclass(frozen=True)
class Luma:
    """Light of a photo; luma runs from 0 (black) to 1 (white).

    Attributes:
        mean: average luma.
        std: standard deviation of luma; 0 is one flat color.
    """

    mean: float
    std: float


def measure_luma(frame: Frame) -> Luma:
    """Measure the light of a photo on an even sample of its pixels."""
    height, width = frame.pixels.shape[:2]
    sample = frame.pixels[:: -(-height // _SAMPLES), :: -(-width // _SAMPLES)]
    luma = sample @ _WEIGHTS
    return Luma(
        mean=float(luma.mean()),
        std=float(luma.std()),
    )
