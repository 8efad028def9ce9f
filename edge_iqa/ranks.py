"""Medians and quantiles of short arrays: numpy's own take longer to check what they were given than to find them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def find_median(values: NDArray[Any]) -> float:
    """Median of values (n,), n > 0; finite ones."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    ordered = np.partition(values, (low, high))
    return (float(ordered[low]) + float(ordered[high])) / 2


def find_quantile(values: NDArray[Any], share: float) -> float:
    """The value that `share` (0 to 1) of the values (n,), n > 0, stay below; linear between neighbors, as in numpy."""
    return float(find_quantiles(values[None], share)[0])


def find_quantiles(rows: NDArray[Any], share: float) -> NDArray[np.float64]:
    """The same of each of the rows (m, n): (m,)."""
    at = share * (rows.shape[1] - 1)
    low, high = math.floor(at), math.ceil(at)
    ordered = np.partition(rows, (low, high))
    below, above = ordered[:, low].astype(np.float64), ordered[:, high]
    quantiles: NDArray[np.float64] = below + (at - low) * (above - below)
    return quantiles


def find_median_level(levels: NDArray[np.uint8]) -> float:
    """Median of 8-bit levels (n,), n > 0, by counting."""
    below = np.bincount(levels, minlength=256).cumsum()
    low, high = np.searchsorted(below, ((len(levels) - 1) // 2, len(levels) // 2), side="right").tolist()
    return float(low + high) / 2
