"""A hand that moves during the exposure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.kernels import FINE, average_down, convolve
from compression.degradations.light import strength, viewing_scale
from edge_iqa import opencv

LENGTH_PX = (1.4, 3.0, 5.0, 8.0, 13.0, 26.0)


def motion(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Blur along a curved path."""
    return convolve(image, _path(strength(severity, LENGTH_PX) * viewing_scale(image), rng))


def _path(length: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a path of the given length whose direction drifts, as dwell time per pixel."""
    steps = 256
    turn = rng.normal(0, 1.2) * np.linspace(0, 1, steps) + rng.normal(0, 0.3, steps).cumsum() / np.sqrt(steps)
    angle = rng.uniform(0, 2 * np.pi) + turn
    x, y = np.cos(angle).cumsum() * length / steps, np.sin(angle).cumsum() * length / steps
    x, y = x - x.mean(), y - y.mean()
    half = int(np.ceil(max(np.abs(x).max(), np.abs(y).max()))) + 1
    edges = np.linspace(-half - 0.5, half + 0.5, (2 * half + 1) * FINE + 1)
    drawn, _, _ = np.histogram2d(y, x, bins=[edges, edges])
    return average_down(opencv.load().GaussianBlur(drawn.astype(np.float32), (0, 0), 0.4 * FINE))
