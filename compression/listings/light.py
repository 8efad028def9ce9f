"""Products exposed wrongly, with a known share that is burnt out or drowned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import to_linear, to_srgb
from compression.listings.truth import BURNT

_MOST_STOPS = 9.0
_SPILL = 0.35
"""Share of the light beyond full level that spills into the other channels, as cameras turn bright colors white."""
_SAMPLE = 20_000


def over_expose(
    rng: np.random.Generator, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Brighten until 6 to 60 % of the product are burnt out; what was white stays white."""
    goal = float(rng.uniform(0.06, 0.6))
    product = pixels[mask > 127]
    product = product[:: max(1, len(product) // _SAMPLE)]
    low, high = 0.3, _MOST_STOPS
    for _ in range(14):
        stops = (low + high) / 2
        burnt = (_brighten(product, stops).min(-1) >= BURNT + 0.5).mean()
        low, high = (low, stops) if burnt >= goal else (stops, high)
    return _expose(rng, pixels, mask, high)


def under_expose(
    rng: np.random.Generator, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Darken until the product's middle has 6 to 16 % of full level; a white ground may stay as it is."""
    goal = float(rng.uniform(0.06, 0.16))
    middle = float(np.median(pixels[mask > 127].mean(1))) / 255
    stops = np.log2(to_linear(np.float32(goal)) / to_linear(np.float32(max(middle, 1 / 255))))
    return _expose(rng, pixels, mask, float(np.clip(stops, -5.0, -0.7)))


def _brighten(pixels: NDArray[np.uint8], stops: float) -> NDArray[np.float32]:
    """Levels (0 to 255, float32) under more or less light."""
    light = _LINEAR[pixels] * np.float32(2.0**stops)
    if stops > 0:
        light += _SPILL * np.maximum(light - 1, 0).mean(-1, keepdims=True)
    return to_srgb(light) * 255


def _expose(
    rng: np.random.Generator, pixels: NDArray[np.uint8], mask: NDArray[np.uint8], stops: float
) -> NDArray[np.uint8]:
    """Change the light of all of the photo, or of the product alone, as where an editor made the ground."""
    alone = rng.random() < 0.6
    changed = _brighten(pixels, stops) + rng.uniform(-0.5, 0.5, pixels.shape).astype(np.float32)
    cover = mask[..., None] / np.float32(255) if alone else np.float32(1)
    mixed = pixels + (changed - pixels) * cover
    if stops > 0:
        mixed[(pixels == 255).all(-1)] = 255
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)


_LINEAR = to_linear(np.arange(256, dtype=np.float32) / 255)
