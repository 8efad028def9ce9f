"""A lens out of focus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.kernels import convolve, disk, gaussian
from compression.degradations.light import strength, viewing_scale

RADIUS_PX = (0.6, 1.0, 1.5, 2.2, 3.4, 6.5)


def defocus(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Blur with the disk of a wide aperture, or the gaussian of a small one; both of one variance."""
    radius = strength(severity, RADIUS_PX) * viewing_scale(image)
    return convolve(image, disk(radius) if rng.random() < 0.6 else gaussian(radius / 2))
