"""Compression by whatever app the photo passed through."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

_BEST_QUALITY = 45
_WORST_QUALITY = 5


def jpeg(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Encode and decode as JPEG, quality 45 (severity 0) down to 5 (severity 1)."""
    cv2 = opencv.load()
    quality = round(_BEST_QUALITY + (_WORST_QUALITY - _BEST_QUALITY) * severity**0.5)
    pixels = np.round(image[..., ::-1] * 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: NDArray[np.uint8] = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]
    return decoded.astype(np.float32) / 255
