"""Products exposed wrongly, with a known share that is burnt out or drowned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import to_linear, to_srgb
from compression.listings.truth import BURNT

_LEVELS = np.arange(256, dtype=np.float32) / 255
_MOST_STOPS = 5.0


def over_expose(
    rng: np.random.Generator, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Brighten until 6 to 60 % of the product are burnt out; what was white stays white."""
    goal = float(rng.uniform(0.06, 0.6))
    darkest = np.sort(pixels[mask > 127].min(1))  # a pixel is burnt once its darkest channel is
    turning = int(darkest[int((1 - goal) * (len(darkest) - 1))])
    stops = np.log2(to_linear(np.float32((BURNT + 0.5) / 255)) / to_linear(np.float32(max(turning, 1) / 255)))
    return _expose(rng, pixels, mask, float(np.clip(stops, 0.3, _MOST_STOPS)))


def under_expose(
    rng: np.random.Generator, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Darken until the product's middle has 6 to 16 % of full level; a white ground may stay as it is."""
    goal = float(rng.uniform(0.06, 0.16))
    middle = float(np.median(pixels[mask > 127].mean(1))) / 255
    stops = np.log2(to_linear(np.float32(goal)) / to_linear(np.float32(max(middle, 1 / 255))))
    return _expose(rng, pixels, mask, float(np.clip(stops, -_MOST_STOPS, -0.7)))


def _expose(
    rng: np.random.Generator, pixels: NDArray[np.uint8], mask: NDArray[np.uint8], stops: float
) -> NDArray[np.uint8]:
    """Change the light of all of the photo, or of the product alone, as where an editor made the ground."""
    alone = rng.random() < 0.6
    curve = np.clip(to_srgb(to_linear(_LEVELS) * np.float32(2.0**stops)), 0, 1) * 255
    changed = curve[pixels] + rng.uniform(-0.5, 0.5, pixels.shape)
    cover = mask[..., None] / np.float32(255) if alone else np.float32(1)
    kept = pixels == 255 if not alone and stops > 0 else np.zeros((1, 1, 1), bool)
    mixed = np.where(kept, 255, pixels + (changed - pixels) * cover)
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)
