"""Point spread functions: how the light of one point is spread over pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import to_linear, to_srgb
from edge_iqa import opencv

FINE = 4
"""Kernels are drawn this much larger, then averaged down: small radii change smoothly."""


def disk(radius: float) -> NDArray[np.float32]:
    """A lens out of focus: a disk of that radius in pixels, sum 1."""
    half = int(np.ceil(radius)) + 1
    fine = 4 * FINE  # a small disk's rim is most of it
    axis = (np.arange((2 * half + 1) * fine) + 0.5) / fine - (half + 0.5)
    return average_down((axis[:, None] ** 2 + axis[None] ** 2 <= radius**2).astype(np.float32), fine)


def gaussian(sigma: float) -> NDArray[np.float32]:
    """A gaussian of that deviation in pixels, sum 1."""
    half = int(np.ceil(3 * sigma)) + 1
    axis = np.arange(-half, half + 1)
    profile = np.exp(-(axis**2) / (2 * sigma**2))
    kernel = np.outer(profile, profile)
    return (kernel / kernel.sum()).astype(np.float32)


def average_down(drawn: NDArray[np.float32], fine: int = FINE) -> NDArray[np.float32]:
    """Bring a kernel drawn `fine` times too large to size, sum 1."""
    size = drawn.shape[0] // fine
    kernel = drawn.reshape(size, fine, size, fine).sum((1, 3))
    return (kernel / kernel.sum()).astype(np.float32)


def convolve(image: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spread the light of an sRGB-encoded image (HxWx3, 0-1) by a kernel."""
    cv2 = opencv.load()
    return to_srgb(cv2.filter2D(to_linear(image), -1, kernel, borderType=cv2.BORDER_REFLECT_101))
