"""Fake resolution: a small photo enlarged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import strength, viewing_scale
from edge_iqa import opencv

FACTOR = (1.15, 1.5, 2.0, 2.9, 4.3, 8.0)


def scaling(image: NDArray[np.float32], severity: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Shrink by 1.15 to 8 and enlarge again, with the kernels that apps use; half were coded while small."""
    cv2 = opencv.load()
    height, width = image.shape[:2]
    factor = strength(severity, FACTOR) * viewing_scale(image)
    size = max(8, round(width / factor)), max(8, round(height / factor))
    down = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_CUBIC
    if down == cv2.INTER_CUBIC:  # a cubic that shrinks must not alias: blur first
        image = cv2.GaussianBlur(image, (0, 0), max(0.3, 0.35 * factor))
    small = cv2.resize(image, size, interpolation=down)
    if rng.random() < 0.5:
        quality = int(rng.integers(55, 95))
        levels = np.round(np.clip(small[..., ::-1], 0, 1) * 255).astype(np.uint8)
        _, encoded = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        small = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255
    up = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
    kernel = up[int(rng.integers(len(up)))]
    if kernel == cv2.INTER_NEAREST and factor < 1.8 * viewing_scale(image):
        kernel = cv2.INTER_LINEAR  # doubled pixels here and there are no mild fault
    large = cv2.resize(small, (width, height), interpolation=kernel)
    return np.clip(large, 0, 1)
