"""The light of a whole photo, which verdicts of scores take into account: how bright, how even."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa import opencv
from edge_iqa.frame import Frame

_SAMPLES = 256
"""Rows and columns that are looked at. Picked pixels, not averaged ones: averaging would turn fine
fabric into one flat color."""


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
    cv2 = opencv.load()
    size = [-(-side // -(-side // _SAMPLES)) for side in (width, height)]
    sample = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_NEAREST)
    luma = cv2.cvtColor(sample.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2GRAY)  # ITU-R BT.601
    mean, std = cv2.meanStdDev(luma)
    return Luma(float(mean[0, 0]), float(std[0, 0]))
