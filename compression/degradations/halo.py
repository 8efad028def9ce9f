"""Sharpening turned up until every edge has a bright line beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength, viewing_scale
from edge_iqa import opencv

AMOUNT = (0.3, 0.8, 1.5, 2.6, 4.5, 8.0)


def halo(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Unsharp masking with a radius of 1 to 3 px."""
    soft = opencv.load().GaussianBlur(image, (0, 0), float(rng.uniform(0.9, 2.5)) * viewing_scale(image))
    return np.clip(image + (image - soft) * np.float32(strength(severity, AMOUNT)), 0, 1)
