"""Light that never touched the product: a greasy lens, fog, a lamp in the corner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength, to_linear, to_srgb
from edge_iqa import opencv

VEIL = (0.02, 0.07, 0.13, 0.22, 0.36, 0.65)
"""Share of the light that is veil."""


def haze(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Mix in a veil of light, uneven in space (Koschmieder 1924: light * t + air * (1 - t))."""
    share = strength(severity, VEIL) * _smooth(image.shape[:2], rng, 0.35)
    air = np.float32(rng.uniform(0.55, 0.9)) * _tint(rng)
    return to_srgb(to_linear(image) * (1 - share) + air * share)


def flare(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add the glare of a lamp at or beyond an edge: a bright spot and a veil that falls off from it."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    x, y = (0.5 + 0.6 * np.cos(angle)) * width, (0.5 + 0.6 * np.sin(angle)) * height
    rows, columns = np.ogrid[:height, :width]
    far = np.sqrt((columns - x) ** 2 + (rows - y) ** 2).astype(np.float32) / np.hypot(height, width)
    spread = float(rng.uniform(0.35, 0.6))
    glare = np.exp(-((far / spread) ** 2)) + 1.5 * np.exp(-((far / 0.1) ** 2))
    light = to_linear(image)
    return to_srgb(light + glare[..., None] * _tint(rng) * np.float32(1.4 * strength(severity, VEIL)))


def _tint(rng: np.random.Generator) -> NDArray[np.float32]:
    return (1 + rng.normal(0, 0.04, 3)).astype(np.float32)


def _smooth(shape: tuple[int, int], rng: np.random.Generator, depth: float) -> NDArray[np.float32]:
    """A factor around 1, HxWx1, that changes slowly over the photo."""
    coarse = rng.uniform(1 - depth, 1 + depth, (3, 3)).astype(np.float32)
    cv2 = opencv.load()
    field: NDArray[np.float32] = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(field, 0.2, 1.4)[..., None]
