"""Did a machine get slower or faster while it was measured? From the rounds themselves.

The slope is the median of the slopes between all pairs of rounds (Theil 1950; Sen 1968, "Estimates of the regression
coefficient based on Kendall's tau", JASA 63, whose section 5 has the interval), so a few slow rounds move it little.
A drift is told where it is large enough to matter and clear enough to be one: over `LEAST_SHARE` from the first round
to the last, with an interval that does not hold 0. Where rounds could stand in any order, that is rarer than
1 - confidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_iqa.timing import CONFIDENCE, Estimate

LEAST_SHARE = 0.03
"""Of the median. Below it other doubts are larger."""
FEWEST = 8
"""Rounds; with fewer even a steady climb may be chance."""
_MOST_POINTS = 500
"""More rounds are taken together, as pairs grow with the square."""


@dataclass(frozen=True)
class Drift:
    """How much longer the last round takes than the first, as a share of the median, and whether that is told.

    Attributes:
        share: 0.1 is 10 % slower at the end; `None` where the rounds are too few.
        told: it is a drift.
    """

    share: Estimate | None
    told: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_drift(samples_ms: Sequence[ArrayLike], confidence: float = CONFIDENCE) -> Drift:
    """Look for a drift in the rounds of one photo.

    Args:
        samples_ms: of each variant (n,) milliseconds, all in the order of the rounds. The median of the variants
            counts: a machine that drifts does so for all.

    Raises:
        ValueError: no variants, or of unequal number of rounds.
    """
    rows = np.array([_relative(each) for each in samples_ms])
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"expected rounds of at least one variant, got an array of shape {rows.shape}")
    rounds = np.median(rows, axis=0)
    if rounds.size < FEWEST:
        return Drift(None, False)
    share = _theil_sen(_thin(rounds), confidence)
    if share is None:
        return Drift(None, False)
    told = abs(share.value) > LEAST_SHARE and not share.low <= 0 <= share.high
    return Drift(share, told)


def _relative(samples_ms: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(samples_ms, np.float64)
    return values / np.median(values)


def _thin(rounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Medians of neighbours, where there are too many rounds."""
    parts = np.array_split(rounds, min(rounds.size, _MOST_POINTS))
    return np.array([np.median(part) for part in parts])


def _theil_sen(points: NDArray[np.float64], confidence: float) -> Estimate | None:
    """Rise from the first point to the last, with its interval; `None` where the points are too few for one."""
    n = points.size
    first, second = np.triu_indices(n, 1)
    slopes = np.sort((points[second] - points[first]) / (second - first)) * (n - 1)
    half = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low, high = math.floor((slopes.size - half) / 2) - 1, math.ceil((slopes.size + half) / 2)
    if low < 0 or high >= slopes.size:
        return None
    return Estimate(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))
