"""Changes that leave a photo as good as it was, and hardly show: each as a pair of files that differ in it alone.

Both of a pair are saved alike, as JPEG of quality 95 (but for the change of that quality), and from the same part of
the photo: what a crop or another save does to the score is no part of the change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.copies import encode
from edge_iqa import opencv
from edge_iqa.repairs.straighten import inner_share

Pixels = NDArray[np.uint8]
Pair = tuple[Pixels, Pixels]
"""Pixels without and with the change, uint8 HxWx3, RGB."""

SAVED = 95
COARSER = 90
"""JPEG quality of all files, and of the file that is saved a little worse."""
DEGREES = 1.0
GAMMA = 1.05
SIGMA = 1.0
SCALE = 0.9


def shift(pixels: Pixels, rng: np.random.Generator) -> Pair:
    """The frame stands one pixel lower and farther right: it loses its first row and column, and gains a last."""
    return _base(pixels), pixels[1:, 1:]


def save_coarser(pixels: Pixels, rng: np.random.Generator) -> Pair:
    """The pixels stay; `encode_pair` saves the second at quality 90."""
    return _base(pixels), _base(pixels)


def resize(pixels: Pixels, rng: np.random.Generator) -> Pair:
    """At 0.9 of its size, area averaged."""
    cv2 = opencv.load()
    base = _base(pixels)
    height, width = (round(side * SCALE) for side in base.shape[:2])
    return base, cv2.resize(np.ascontiguousarray(base), (width, height), interpolation=cv2.INTER_AREA)


def rotate(pixels: Pixels, rng: np.random.Generator) -> Pair:
    """Turned by 1 degree, either way, about the middle, cubic; both are cropped to what a turn leaves whole."""
    cv2 = opencv.load()
    height, width = pixels.shape[:2]
    degrees = DEGREES * float(rng.choice((-1, 1)))
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    turned = cv2.warpAffine(
        pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    share = inner_share(width, height, degrees)
    rows, columns = math.floor(height * share), math.floor(width * share)
    top, left = (height - rows) // 2, (width - columns) // 2
    part = np.s_[top : top + rows, left : left + columns]
    return pixels[part], turned[part]


def darken(pixels: Pixels, rng: np.random.Generator) -> Pair:
    """Values, as parts of 255, to the power of 1.05: middle gray falls by 4 levels."""
    base = _base(pixels)
    return base, (255 * (np.arange(256) / 255) ** GAMMA + 0.5).astype(np.uint8)[base]


def add_noise(pixels: Pixels, rng: np.random.Generator) -> Pair:
    """Gaussian noise of one level in every channel of every pixel, independent, rounded."""
    base = _base(pixels)
    noisy = base + SIGMA * rng.standard_normal(base.shape, np.float32)
    return base, np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def set_pixel(pixels: Pixels, rng: np.random.Generator) -> Pair:
    """One pixel, anywhere, black or white, whichever is farther."""
    base = _base(pixels)
    changed = base.copy()
    row, column = (int(rng.integers(side)) for side in base.shape[:2])
    changed[row, column] = 255 if changed[row, column].mean() < 128 else 0
    return base, changed


CHANGES: Mapping[str, Callable[[Pixels, np.random.Generator], Pair]] = {
    "shifted by 1 px": shift,
    f"JPEG quality {COARSER} for {SAVED}": save_coarser,
    f"resized to {SCALE:g}": resize,
    f"turned by {DEGREES:g} degree": rotate,
    f"gamma {GAMMA:g}": darken,
    f"noise of sigma {SIGMA:g}": add_noise,
    "one pixel": set_pixel,
}
"""What a change is called in results → the change."""


def encode_pair(name: str, pixels: Pixels, rng: np.random.Generator) -> tuple[bytes, bytes]:
    """A photo without and with one of `CHANGES`, as JPEG files.

    Args:
        pixels: uint8 HxWx3, RGB.
        rng: draws what the change leaves open.
    """
    change = CHANGES[name]
    base, changed = change(pixels, rng)
    return encode(base, SAVED), encode(changed, COARSER if change is save_coarser else SAVED)


def _base(pixels: Pixels) -> Pixels:
    """All but the last row and column, so that a shifted frame of the same size is within the photo."""
    return pixels[:-1, :-1]
