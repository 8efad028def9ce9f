"""The closing pass that every image gets, clean ones too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv


def finish(image: NDArray[np.float32], rng: np.random.Generator) -> bytes:
    """Dither by half a level, round to 8 bits, encode as a phone would (JPEG, quality 86-98).

    The dither and the JPEG fill the histogram's gaps that brightening an 8-bit image leaves.

    Args:
        image: float32 HxWx3 RGB, 0-1.
    """
    cv2 = opencv.load()
    dithered = image * 255 + rng.uniform(-0.5, 0.5, image.shape)
    pixels = np.clip(np.round(dithered), 0, 255).astype(np.uint8)
    chroma = (
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if rng.random() < 0.3 else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    )
    options = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(86, 99)), cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma]
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], options)
    return bytes(encoded)
