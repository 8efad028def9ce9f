"""Photos enlarged by a known factor, as apps and marketplaces do with what is too small, and sharp originals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

KERNELS = ("linear", "cubic", "lanczos")
LEAST, MOST = 1.5, 4.0


def choose_factor(rng: np.random.Generator) -> float:
    """A factor from 1.5 to 4, small ones as often as large ones."""
    return float(np.exp(rng.uniform(np.log(LEAST), np.log(MOST))))


def shrink_size(height_px: int, width_px: int, factor: float) -> tuple[int, int]:
    """Height and width of the photo to enlarge."""
    return max(64, round(height_px / factor)), max(64, round(width_px / factor))


def enlarge(
    rng: np.random.Generator, pixels: NDArray[np.uint8], height_px: int, width_px: int
) -> tuple[NDArray[np.uint8], str]:
    """Enlarge uint8 HxW or HxWx3 and name the kernel; half were coded as JPEG while small."""
    cv2 = opencv.load()
    kernel = str(rng.choice(KERNELS))
    coded, quality = rng.random() < 0.5, int(rng.integers(70, 96))
    if coded and pixels.ndim == 3:
        pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)
    flag = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}[kernel]
    return cv2.resize(pixels, (width_px, height_px), interpolation=flag), kernel


def take(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """What a good camera makes of a drawn photo: a blur of up to 0.6 px, half of them sharpened after it.

    Returns:
        Pixels, and the blur's deviation in pixels.
    """
    cv2 = opencv.load()
    sigma_px = float(rng.uniform(0.3, 0.6)) if rng.random() < 0.6 else 0.0
    amount = float(rng.uniform(0.2, 0.7)) if rng.random() < 0.5 else 0.0
    if not sigma_px:
        return pixels, 0.0
    soft = cv2.GaussianBlur(pixels, (0, 0), sigma_px).astype(np.float32)
    if amount:
        soft += amount * (soft - cv2.GaussianBlur(soft, (0, 0), 1.0))
    return np.clip(soft + 0.5, 0, 255).astype(np.uint8), sigma_px


def make_original(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A real photo shrunk by 1.6, so that what is left is sharp down to the pixel whatever its camera did."""
    cv2 = opencv.load()
    height, width = pixels.shape[:2]
    return cv2.resize(pixels, (round(width / 1.6), round(height / 1.6)), interpolation=cv2.INTER_AREA)
