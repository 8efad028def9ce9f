"""Light of one point spread over many pixels: a lens out of focus, a hand that moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import pixel_scale, to_linear, to_srgb
from edge_iqa import opencv

_MAX_DEFOCUS_PX = 7.0
_MAX_MOTION_PX = 26.0
_FINE = 4
"""Kernels are drawn this much larger, then averaged down: small radii change smoothly."""


def defocus(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Blur with the disk of a lens out of focus; at times with a gaussian, as small apertures give."""
    radius = (0.7 + (_MAX_DEFOCUS_PX - 0.7) * severity**1.4) * pixel_scale(image)
    kernel = _disk(radius) if rng.random() < 0.7 else _gaussian(0.6 * radius)
    return _convolve(image, kernel)


def motion(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Blur along the curved path of a hand-held camera during the exposure."""
    length = (2.0 + (_MAX_MOTION_PX - 2.0) * severity**1.4) * pixel_scale(image)
    return _convolve(image, _path(length, rng))


def _disk(radius: float) -> NDArray[np.float32]:
    half = int(np.ceil(radius)) + 1
    axis = (np.arange((2 * half + 1) * _FINE) + 0.5) / _FINE - (half + 0.5)
    inside = (axis[:, None] ** 2 + axis[None] ** 2 <= radius**2).astype(np.float32)
    return _average_down(inside)


def _gaussian(sigma: float) -> NDArray[np.float32]:
    half = int(np.ceil(3 * sigma)) + 1
    axis = np.arange(-half, half + 1)
    profile = np.exp(-(axis**2) / (2 * sigma**2))
    kernel = np.outer(profile, profile)
    return (kernel / kernel.sum()).astype(np.float32)


def _path(length: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a path of the given length whose direction drifts, drawn as dwell time per pixel."""
    steps = 256
    turn = rng.normal(0, 1.2) * np.linspace(0, 1, steps) + rng.normal(0, 0.3, steps).cumsum() / np.sqrt(steps)
    angle = rng.uniform(0, 2 * np.pi) + turn
    x, y = np.cos(angle).cumsum() * length / steps, np.sin(angle).cumsum() * length / steps
    x, y = x - x.mean(), y - y.mean()
    half = int(np.ceil(max(np.abs(x).max(), np.abs(y).max()))) + 1
    size = (2 * half + 1) * _FINE
    edges = np.linspace(-half - 0.5, half + 0.5, size + 1)
    drawn, _, _ = np.histogram2d(y, x, bins=[edges, edges])
    thick = opencv.load().GaussianBlur(drawn.astype(np.float32), (0, 0), 0.4 * _FINE)
    return _average_down(thick)


def _average_down(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    size = fine.shape[0] // _FINE
    kernel = fine.reshape(size, _FINE, size, _FINE).sum((1, 3))
    return (kernel / kernel.sum()).astype(np.float32)


def _convolve(image: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    cv2 = opencv.load()
    return to_srgb(cv2.filter2D(to_linear(image), -1, kernel, borderType=cv2.BORDER_REFLECT_101))
