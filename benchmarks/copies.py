"""Copies of a photo as they come back to a seller's folder: coded again, resized, brightened, cropped, mirrored."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

Pixels = NDArray[np.uint8]
Copy = Callable[[Pixels, np.random.Generator], bytes]
"""uint8 HxWx3, RGB → a JPEG file."""

CROP = 0.15
"""Most of the width, and of the height, that a crop takes away: together up to 28 % of the area."""

_SAVED = 90
"""JPEG quality of copies whose fault is another one."""


def encode(pixels: Pixels, quality: int = _SAVED) -> bytes:
    """RGB pixels → a JPEG file."""
    cv2 = opencv.load()
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)


def recompress(pixels: Pixels, rng: np.random.Generator) -> bytes:
    """Coded again, quality 30 to 80."""
    return encode(pixels, int(rng.integers(30, 81)))


def resize(pixels: Pixels, rng: np.random.Generator) -> bytes:
    """At 0.3 to 0.9 of its size; no side under 48 px."""
    cv2 = opencv.load()
    scale = max(float(rng.uniform(0.3, 0.9)), 48 / min(pixels.shape[:2]))
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return encode(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def brighten(pixels: Pixels, rng: np.random.Generator) -> bytes:
    """Values times 0.75 to 1.25, at least 5 % away from 1; what goes beyond 255 is clipped."""
    factor = 1 + float(rng.choice((-1, 1))) * float(rng.uniform(0.05, 0.25))
    return encode(np.clip(pixels * factor + 0.5, 0, 255).astype(np.uint8))


def brighten_by_gamma(pixels: Pixels, rng: np.random.Generator) -> bytes:
    """Values, as parts of 255, to the power of 1.1 to 1.5 or its inverse: dark ones change most, white stays white."""
    power = float(rng.uniform(1.1, 1.5)) ** float(rng.choice((-1, 1)))
    return encode((255 * (np.arange(256) / 255) ** power + 0.5).astype(np.uint8)[pixels])


def crop_most(pixels: Pixels, rng: np.random.Generator) -> bytes:
    """15 % of the width and 15 % of the height taken away, on any sides."""
    return encode(_crop(pixels, rng, (CROP, CROP)))


def crop(pixels: Pixels, rng: np.random.Generator) -> bytes:
    """Up to 15 % of the width and of the height taken away, each by itself."""
    return encode(_crop(pixels, rng, rng.uniform(0, CROP, 2)))


def mix(pixels: Pixels, rng: np.random.Generator) -> bytes:
    """Cropped by up to 10 %, then brightened, resized and coded again, as a chat program may do."""
    cv2 = opencv.load()
    cut = _crop(pixels, rng, rng.uniform(0, 0.10, 2))
    bright = np.clip(cut * float(rng.uniform(0.85, 1.15)) + 0.5, 0, 255).astype(np.uint8)
    scale = max(float(rng.uniform(0.4, 1)), 48 / min(bright.shape[:2]))
    size = round(bright.shape[1] * scale), round(bright.shape[0] * scale)
    return encode(cv2.resize(bright, size, interpolation=cv2.INTER_AREA), int(rng.integers(40, 81)))


def mirror(pixels: Pixels, rng: np.random.Generator) -> bytes:
    """Left and right changed, coded again."""
    return encode(pixels[:, ::-1], int(rng.integers(60, 91)))


COPIES: Mapping[str, Copy] = {
    "re-compressed": recompress,
    "resized": resize,
    "brightened": brighten,
    "cropped 15 %": crop_most,
    "cropped up to 15 %": crop,
    "several at once": mix,
    "mirrored": mirror,
}

CURVES: Mapping[str, Copy] = {"brightened by gamma": brighten_by_gamma}
"""Beyond what a gallery promises to find; reported apart."""


def _crop(
    pixels: Pixels, rng: np.random.Generator, shares: tuple[float, float] | NDArray[np.float64]
) -> Pixels:
    size = np.array(pixels.shape[:2])
    kept = np.round(size * (1 - np.asarray(shares))).astype(int)
    top, left = rng.integers(0, size - kept + 1)
    return pixels[top : top + kept[0], left : left + kept[1]]
