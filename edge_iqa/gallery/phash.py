"""A perceptual hash: 64 bits that stay nearly the same where a photo is coded again, resized or brightened.

The signs, against their median, of the lowest frequencies of the discrete cosine transform (C. Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010, section 3.2.1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

_SIDE_PX = 32
_KEPT = 8
_ONES = np.array([bin(value).count("1") for value in range(256)], np.uint8)
"""Number of bits that are set, by byte; numpy counts them itself only since 2."""


def hash_gray(gray: NDArray[np.uint8]) -> int:
    """The hash of a gray photo, uint8 HxW, as an integer of 64 bits."""
    cv2 = opencv.load()
    small = cv2.resize(gray, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:_KEPT, :_KEPT].ravel()
    bits = low > np.median(low[1:])  # the first is the mean light, which says nothing of shapes
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def count_differences(hashes: NDArray[np.uint64], phash: int) -> NDArray[np.int_]:
    """Bits (0 to 64) in which each of the hashes, uint64 (n,), differs from one."""
    differing = np.ascontiguousarray(hashes ^ np.uint64(phash))
    counts: NDArray[np.int_] = _ONES[differing.view(np.uint8).reshape(-1, 8)].sum(1, dtype=np.int_)
    return counts
