"""Compression by whatever apps the photo passed through."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength
from edge_iqa import opencv

QUALITY = (70.0, 42.0, 26.0, 16.0, 9.0, 4.0)


def jpeg(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Encode and decode as JPEG, quality 70 (severity 0) down to 4 (severity 1)."""
    return _pass(image, round(strength(severity, QUALITY)))


def recompression(
    image: NDArray[np.float32], severity: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Two to four passes, each on a grid of its own: a photo handed from chat to chat."""
    quality = strength(severity, QUALITY) * 1.2
    for _ in range(int(rng.integers(2, 5))):
        row, column = rng.integers(0, 8, 2)
        padded = np.pad(image, ((row, 0), (column, 0), (0, 0)), mode="edge")
        image = _pass(padded, round(float(np.clip(quality * rng.uniform(1.0, 1.4), 4, 95))))[row:, column:]
    return image


def _pass(image: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
    cv2 = opencv.load()
    pixels = np.round(image[..., ::-1] * 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: NDArray[np.uint8] = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]
    return decoded.astype(np.float32) / 255
