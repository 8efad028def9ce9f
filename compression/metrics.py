"""Agreement and order, with intervals: the one home of SRCC, pair order and their uncertainty.

Intervals resample whole groups (a sender, a scene): photos of one group are no independent
evidence. Shares also get the exact binomial interval (Clopper & Pearson 1934), percentiles that from order
statistics (`edge_iqa.timing`), and the wider counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from edge_iqa.timing import percentile

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95 % interval and the number of observations behind it."""

    value: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, float | int]:
        return asdict(self)


def srcc(x: Floats, y: Floats) -> float:
    """Spearman's rank correlation, -1 to 1; 0 where one side is constant (no order to agree with)."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    # the correlation of ranks: scipy's spearmanr says the same at ten times the cost, and the
    # bootstrap asks a thousand times
    return float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])


def estimate_srcc(
    x: Floats, y: Floats, groups: Sequence[str], seed: int = 0, resamples: int = 1000
) -> Estimate:
    """SRCC with a bootstrap interval over groups."""
    low, high = bootstrap(lambda index: srcc(x[index], y[index]), groups, seed, resamples)
    return Estimate(srcc(x, y), low, high, len(x))


def estimate_share(
    hits: NDArray[np.bool_] | Floats, groups: Sequence[str], seed: int = 0, resamples: int = 1000
) -> Estimate:
    """Share of true values, with the wider of the group bootstrap and the exact binomial interval.

    Args:
        hits: (n,) true or false; or 0 to 1, where a tie counts half.
    """
    low, high = bootstrap(lambda index: float(hits[index].mean()), groups, seed, resamples)
    return _widen(hits, low, high)


def estimate_pair_share(
    hits: NDArray[np.bool_],
    first: Sequence[str],
    second: Sequence[str],
    seed: int = 0,
    resamples: int = 1000,
) -> Estimate:
    """Share of true values among pairs of two groups, each pair as often as both were drawn together.

    Args:
        hits: (n,) one value a pair.
        first, second: the groups of its two members.
    """
    rng = np.random.default_rng(seed)
    names, codes = np.unique([first, second], return_inverse=True)
    one, two = codes.reshape(2, -1)
    shares = []
    for _ in range(resamples):
        drawn = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        weights = drawn[one] * drawn[two]
        if weights.any():
            shares.append(np.average(hits, weights=weights))
    low, high = np.quantile(shares, (0.025, 0.975))
    return _widen(hits, float(low), float(high))


def _widen(hits: NDArray[np.bool_] | Floats, low: float, high: float) -> Estimate:
    """A share whose interval is no narrower than the exact binomial one; half a hit is none below, one above."""
    least, most = (
        stats.binomtest(int(end(hits.sum())), len(hits)).proportion_ci(0.95, "exact")
        for end in (np.floor, np.ceil)
    )
    return Estimate(float(hits.mean()), min(low, least.low), max(high, most.high), len(hits))


def f1(true: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Harmonic mean of precision and recall, 0 to 1; 0 where nothing is true and said."""
    hits = float((true & said).sum())
    return 2 * hits / max(1.0, float(true.sum() + said.sum()))


def auc(true: NDArray[np.bool_], x: Floats) -> float:
    """Share of pairs, one true and one not, whose true one has the larger x; ties count half, 0.5 without pairs."""
    ranks = stats.rankdata(x)
    trues, others = int(true.sum()), int((~true).sum())
    if not trues or not others:
        return 0.5
    return float((ranks[true].sum() - trues * (trues + 1) / 2) / (trues * others))


def estimate(
    statistic: Callable[[NDArray[np.intp]], float],
    groups: Sequence[str],
    seed: int = 0,
    resamples: int = 1000,
) -> Estimate:
    """Any statistic of the indices of a sample, with a bootstrap interval over groups."""
    low, high = bootstrap(statistic, groups, seed, resamples)
    return Estimate(statistic(np.arange(len(groups))), low, high, len(groups))


def estimate_percentile(
    values: Floats, share: float, groups: Sequence[str], seed: int = 0, resamples: int = 1000
) -> Estimate | None:
    """The value that `share` of all stay below, with the wider of the group bootstrap and the exact interval.

    Returns:
        None where the values are too few for the exact interval (`edge_iqa.timing.fewest`): 368 for a share of 0.99.
    """
    exact = percentile(values, share)
    if exact is None:
        return None
    low, high = bootstrap(lambda index: float(np.quantile(values[index], share)), groups, seed, resamples)
    return Estimate(exact.value, min(low, exact.low), max(high, exact.high), len(values))


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float], groups: Sequence[str], seed: int, resamples: int = 1000
) -> tuple[float, float]:
    """95 % percentile interval of a statistic under resampling of whole groups.

    Args:
        statistic: takes the indices of a resample, with repeats.
        groups: the group of every observation.
    """
    rng = np.random.default_rng(seed)
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    values = []
    for _ in range(resamples):
        picked = rng.integers(0, len(members), len(members))
        values.append(statistic(np.concatenate([members[i] for i in picked])))
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
