"""Small helpers of the tests of faults."""

from __future__ import annotations

import cv2
import numpy as np

from compression.degradations import apply


def spoil(pixels: np.ndarray, fault: str, severity: float, seed: int = 0) -> np.ndarray:
    """One fault without the closing pass; float32 RGB, 0-1."""
    return apply(pixels, [(fault, severity)], np.random.default_rng(seed))


def decode(encoded: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def flat(code: int, height: int = 64, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), code, np.uint8)
