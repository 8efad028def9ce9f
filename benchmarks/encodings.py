"""Pixels as the files that costs are measured on: JPEG as phones write it, progressive JPEG, PNG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

FORMATS = ("baseline.jpg", "progressive.jpg", "png")


def encode(pixels: NDArray[np.uint8], name: str, quality: int) -> bytes:
    """RGB pixels as one of `FORMATS`.

    Args:
        pixels: uint8 (H, W, 3).
        quality: of JPEG, 1 to 100.

    Raises:
        ValueError: another format.
    """
    cv2 = opencv.load()
    if name not in FORMATS:
        raise ValueError(f"expected one of {', '.join(FORMATS)}, got {name!r}")
    options = [cv2.IMWRITE_PNG_COMPRESSION, 6]
    if name != "png":
        options = [
            *(cv2.IMWRITE_JPEG_QUALITY, quality),
            *(cv2.IMWRITE_JPEG_PROGRESSIVE, int(name == "progressive.jpg")),
        ]
    _, coded = cv2.imencode(f".{name.rpartition('.')[2]}", pixels[..., ::-1], options)
    return bytes(coded.tobytes())
