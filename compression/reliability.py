"""Is a confidence worth its name? Expected calibration error, and the error that is left where the unsure are left out.

C. Guo et al., "On calibration of modern neural networks" (2017); R. El-Yaniv and Y. Wiener, "On the foundations of
noise-free selective classification" (2010); Y. Geifman and R. El-Yaniv, "Selective classification for deep neural
networks" (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compression.metrics import Estimate, bootstrap

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

BINS = 15


def bin_confidences(confidence: Floats, right: Flags, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Parts of about equal size, the least sure first: mean confidence, share that was right, and how many.

    Args:
        confidence: (n,) 0-1.
        right: (n,) whether what was said is true.
        bins: at most so many; fewer where there are fewer observations.
    """
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(float(confidence[part].mean()), float(right[part].mean()), len(part)) for part in parts]


def calibration_error(confidence: Floats, right: Flags, bins: int = BINS) -> float:
    """Mean distance between confidence and share that was right, over bins of equal size; 0 is perfect.

    A finite sample never reaches 0: n observations of a perfect confidence give about sqrt(bins / n) / 3.
    """
    found = bin_confidences(confidence, right, bins)
    return sum(abs(sure - share) * count for sure, share, count in found) / len(confidence)


def estimate_calibration_error(
    confidence: Floats, right: Flags, groups: Sequence[str], seed: int = 0, resamples: int = 1000
) -> Estimate:
    """Expected calibration error with a bootstrap interval over groups."""
    low, high = bootstrap(lambda at: calibration_error(confidence[at], right[at]), groups, seed, resamples)
    return Estimate(calibration_error(confidence, right), low, high, len(confidence))


def selective_error(confidence: Floats, wrong: Flags, coverage: float) -> float:
    """Share of errors among the surest part of all.

    Args:
        coverage: that part, above 0 up to 1. Of those that are as sure as the last one taken, as many are taken as
            there is room for, and each counts alike.
    """
    room = max(1, round(coverage * len(confidence)))
    last = np.partition(confidence, len(confidence) - room)[len(confidence) - room]
    surer, as_sure = confidence > last, confidence == last
    errors = wrong[surer].sum() + (room - surer.sum()) * wrong[as_sure].mean()
    return float(errors / room)


def selective_ratio(confidence: Floats, wrong: Flags, coverage: float) -> float:
    """The error at a coverage as a share of the error over all; 1 where nothing was wrong."""
    everything = float(wrong.mean())
    return selective_error(confidence, wrong, coverage) / everything if everything else 1.0


def estimate_selective(
    confidence: Floats, wrong: Flags, groups: Sequence[str], coverage: float, resamples: int = 1000
) -> tuple[Estimate, Estimate]:
    """Selective error at a coverage, and its ratio to the error over all, with bootstrap intervals over groups."""

    def estimate(measure: Any) -> Estimate:
        low, high = bootstrap(lambda at: measure(confidence[at], wrong[at], coverage), groups, 0, resamples)
        return Estimate(measure(confidence, wrong, coverage), low, high, len(confidence))

    return estimate(selective_error), estimate(selective_ratio)


def risk_coverage(confidence: Floats, wrong: Flags, coverages: Sequence[float]) -> list[float]:
    """The risk-coverage curve: the error among the surest, at each coverage."""
    return [selective_error(confidence, wrong, each) for each in coverages]
