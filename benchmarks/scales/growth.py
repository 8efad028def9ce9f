"""How does a cost grow? cost ~ size^exponent, and the cost of a unit at one size over that at another.

Both from the same times: of some series of photos, at some sizes, in some rounds. Intervals resample series and then
rounds (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 6), so they hold what another photo and
another round would have given. A few series say little of all photos.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Measured
from edge_iqa.timing import CONFIDENCE

Floats = NDArray[np.floating[Any]]
_RESAMPLES = 1000


def find_exponent(sizes: Floats, times: Floats) -> Measured:
    """The slope of log(time) over log(size), by least squares: 1 is "as the size", 0 "not at all".

    Args:
        sizes: float (series, sizes), such as pixels; at least two that differ.
        times: float (series, sizes, rounds), above 0.

    Raises:
        ValueError: of other shapes, or not above 0.
    """
    _check(sizes, times)

    def slope(logs: Floats, at: NDArray[np.intp]) -> float:
        x = np.log(sizes[at])
        x = x - x.mean(axis=1, keepdims=True)  # a photo that is dearer at every size moves nothing
        return float((x * logs).sum() / (x * x).sum())

    return _estimate(slope, times)


def compare_units(sizes: Floats, times: Floats, large: int, small: int) -> Measured:
    """What a unit costs at one size over what it costs at another: below 1 the cost grows slower than the size.

    Args:
        sizes, times: see `find_exponent`.
        large, small: places among the sizes.

    Raises:
        ValueError: see `find_exponent`.
    """
    _check(sizes, times)

    def ratio(logs: Floats, at: NDArray[np.intp]) -> float:
        units = logs - np.log(sizes[at])
        return float(np.exp((units[:, large] - units[:, small]).mean()))

    return _estimate(ratio, times)


def _estimate(statistic: Callable[[Floats, NDArray[np.intp]], float], times: Floats) -> Measured:
    """A statistic of log medians (series, sizes) and the series that they are of."""
    series, _, rounds = times.shape
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(_RESAMPLES):
        at, when = rng.integers(0, series, series), rng.integers(0, rounds, rounds)
        drawn.append(statistic(np.log(np.median(times[at][:, :, when], axis=2)), at))
    low, high = np.quantile(drawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    value = statistic(np.log(np.median(times, axis=2)), np.arange(series))
    return Measured(value, min(float(low), value), max(float(high), value), series * rounds)


def _check(sizes: Floats, times: Floats) -> None:
    if (
        times.ndim != 3
        or sizes.shape != times.shape[:2]
        or not times.size
        or not ((sizes > 0).all() and (times > 0).all())
        or np.ptp(sizes, axis=1).min() == 0
    ):
        raise ValueError(
            "expected sizes (series, sizes), at least two that differ, and times (series, sizes, rounds), all above "
            f"0; got shapes {sizes.shape} and {times.shape}"
        )
