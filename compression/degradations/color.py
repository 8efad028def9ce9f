"""The wrong white, two kinds of light at once, too much or too little color."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength, to_linear, to_srgb
from edge_iqa import opencv

CAST = (0.08, 0.17, 0.28, 0.42, 0.62, 0.95)
"""Natural logarithm of the gain between the strongest and the weakest channel, halved."""
FADE = (0.15, 0.30, 0.45, 0.62, 0.80, 1.0)
"""Share of the color that is lost."""
BOOST = (1.25, 1.5, 1.8, 2.2, 2.9, 4.5)
"""Factor on the color."""
_LUMA = np.array((0.2126, 0.7152, 0.0722), np.float32)
_AXES = np.array([(1, 0.15, -1), (0.6, -1, 0.6)], np.float32)
"""Warm to blue (lamps, shade) and magenta to green (fluorescent tubes)."""


def cast(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Balance for the wrong white: one gain a channel, in linear light."""
    return _gain(image, _direction(rng) * np.float32(strength(severity, CAST)))


def mixed_light(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Light of one color from one side, of the opposite color from the other."""
    cv2 = opencv.load()
    angle = rng.uniform(0, 2 * np.pi)
    across = np.add.outer(np.linspace(-1, 1, 5) * np.sin(angle), np.linspace(-1, 1, 5) * np.cos(angle))
    side = np.clip(across + rng.normal(0, 0.15, across.shape), -1, 1).astype(np.float32)
    side = cv2.resize(side, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return _gain(image, side[..., None] * _direction(rng) * np.float32(1.1 * strength(severity, CAST)))


def saturation(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Fade the color, or push it until channels clip."""
    factor = 1 - strength(severity, FADE) if rng.random() < 0.5 else strength(severity, BOOST)
    gray = (image @ _LUMA)[..., None]
    return np.clip(gray + (image - gray) * np.float32(factor), 0, 1)


def _direction(rng: np.random.Generator) -> NDArray[np.float32]:
    """Log-gains of a cast: mostly along the colors of lamps, a little of the other axis."""
    main, other = (0, 1) if rng.random() < 0.7 else (1, 0)
    mixed = _AXES[main] * rng.choice((-1, 1)) + _AXES[other] * np.float32(rng.uniform(-0.3, 0.3))
    return np.asarray(mixed, np.float32)


def _gain(image: NDArray[np.float32], log_gain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Apply gains that leave the brightness of gray as it is."""
    gain = np.exp(log_gain)
    return to_srgb(to_linear(image) * (gain / (gain @ _LUMA)[..., None]).astype(np.float32))
