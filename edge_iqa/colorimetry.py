"""sRGB in linear light and in CIE XYZ (IEC 61966-2-1), for measurements and repairs alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TO_XYZ = np.array(
    ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
)
"""Linear sRGB → XYZ."""


def to_linear(encoded: NDArray[np.floating]) -> NDArray[np.float64]:
    """Decode sRGB 0-1 to linear light 0-1."""
    encoded = np.asarray(encoded, np.float64)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0) + 0.055) / 1.055) ** 2.4)
