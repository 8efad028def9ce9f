"""The closing pass that every image gets, clean ones too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv


def finish(image: NDArray[np.float32], rng: np.random.Generator) -> bytes:
    """Dither by half a level, round to 8 bits, encode as a phone would (JPEG, quality 88-96).

    The dither and the JPEG fill the histogram's gaps that brightening an 8-bit image leaves.

    Args:
        image: float32 HxWx3 RGB, 0-1.
    """
    cv2 = opencv.load()
    dithered = image * 255 + rng.uniform(-0.5, 0.5, image.shape)
    pixels = np.clip(np.round(dithered), 0, 255).astype(np.uint8)
    quality = int(rng.integers(88, 97))
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(encoded)
