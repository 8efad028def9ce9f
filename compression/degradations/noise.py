"""Sensor noise: shot and read noise of a Bayer sensor, in linear light, then demosaicing and tone curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength, to_linear, to_srgb, viewing_scale
from edge_iqa import opencv

AMOUNT = (0.012, 0.06, 0.14, 0.28, 0.52, 1.0)
_MAX_SHOT = 0.020
_MAX_READ = 0.040
_CROSS = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
_SQUARE = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4


def noise(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add the noise of high gain: Poisson-Gaussian (Foi et al. 2008, doi:10.1109/TIP.2008.2001399).

    Variance is `shot * light + read**2`. The noise, not the picture, goes through the bilinear
    demosaicing: so it gets its color blotches while the picture stays as sharp as it was.
    """
    light = to_linear(image)
    amount = strength(severity, AMOUNT)
    deviation = np.sqrt(_MAX_SHOT * amount * light + (_MAX_READ * amount) ** 2)
    return to_srgb(light + _demosaic(_field(light.shape, rng, rng.random() < 0.4) * deviation))


def _field(shape: tuple[int, ...], rng: np.random.Generator, wide: bool) -> NDArray[np.float32]:
    """Normal noise, deviation 1; `wide` grains span pixels, and span what is looked at in large photos."""
    field = rng.standard_normal(shape, np.float32)
    reach = viewing_scale(field) - 1 + (rng.uniform(0.4, 1.1) if wide else 0.0)
    if reach < 0.35:
        return field
    field = opencv.load().GaussianBlur(field, (0, 0), reach)
    return field / max(float(field.std()), 1e-6)


def _demosaic(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep one color a pixel (RGGB) and fill the others by bilinear interpolation."""
    cv2 = opencv.load()
    mosaic = np.zeros_like(field)
    mosaic[0::2, 0::2, 0] = field[0::2, 0::2, 0]
    mosaic[0::2, 1::2, 1] = field[0::2, 1::2, 1]
    mosaic[1::2, 0::2, 1] = field[1::2, 0::2, 1]
    mosaic[1::2, 1::2, 2] = field[1::2, 1::2, 2]
    kernels = (_SQUARE, _CROSS, _SQUARE)
    return np.dstack([cv2.filter2D(np.ascontiguousarray(mosaic[..., c]), -1, kernels[c]) for c in range(3)])
