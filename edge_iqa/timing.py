"""The one timing loop: warm up, repeat, take variants in turn, and claim no more than was seen.

A mean hides the slow tail that users feel, so what is reported is percentiles. Each comes with an
interval from order statistics, which assumes nothing about the shape of the distribution (latency
is skewed and has outliers): the number of repeats below the true percentile is binomial, so two
ranks of the sorted repeats bracket it. See H. A. David and H. N. Nagaraja, *Order Statistics*,
3rd edition (2003), section 7.1. A percentile whose interval would reach past the fastest or the
slowest repeat is `None`, never a number: at 95 % the p50 needs 6 repeats, p90 36 and p99 368.

Repeats are taken as independent; on a machine that speeds up or slows down as it runs the
intervals come out too narrow.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Result = TypeVar("Result")
Clock = Callable[[], int]
"""Returns nanoseconds that never go back."""

CONFIDENCE = 0.95
"""How often an interval holds the true value."""

_MS_PER_NS = 1e-6


@dataclass(frozen=True)
class Estimate:
    """A measured value and the interval that holds the true one, `low` ≤ `value` ≤ `high`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Timing:
    """What `n` repeats tell: percentiles in milliseconds, `None` where they are too few for one."""

    n: int
    p50_ms: Estimate | None
    p90_ms: Estimate | None
    p99_ms: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values: `{"n": 40, "p50_ms": {"value", "low", "high"}, ..., "p99_ms": null}`."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Recording:
    """The raw repeats of one variant, in the order they ran.

    Attributes:
        whole_ms: float64 (n,), each repeat from call to return.
        stages_ms: float64 (n,) per stage, where the task tells its stages; else empty.
        warmup_ms: float64 (w,), rounds before those, all variants of a round together; not counted.
        steady: whether the warm-up became steady; `None` where that was not asked.
    """

    whole_ms: NDArray[np.float64]
    stages_ms: dict[str, NDArray[np.float64]]
    warmup_ms: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    steady: bool | None = None

    @property
    def timing(self) -> Timing:
        """Percentiles of the whole."""
        return summarize(self.whole_ms)


@dataclass(frozen=True)
class Steady:
    """When a warm-up is over: the last rounds are as long as those before them.

    Attributes:
        window: rounds whose median is compared with that of as many before.
        tolerance: share by which the two may differ.
        at_most: rounds after which the warm-up ends all the same.
    """

    window: int = 5
    tolerance: float = 0.02
    at_most: int = 60

    def is_reached(self, rounds_ms: Sequence[float]) -> bool:
        """Whether these rounds end steadily."""
        if len(rounds_ms) < 2 * self.window:
            return False
        last, before = rounds_ms[-self.window :], rounds_ms[-2 * self.window : -self.window]
        return bool(abs(np.median(last) - np.median(before)) <= self.tolerance * np.median(before))


def measure(task: Callable[[], object], *, warmup: int, repeats: int) -> Timing:
    """Time one task.

    Raises:
        ValueError: `warmup` below 0 or `repeats` below 1. What the task raises goes through.
    """
    return measure_interleaved({"task": task}, warmup=warmup, repeats=repeats)["task"].timing


def measure_interleaved(
    tasks: Mapping[str, Callable[[], Result]],
    *,
    warmup: int,
    repeats: int,
    read_stages: Callable[[Result], Mapping[str, float]] | None = None,
    on_round: Callable[[int], None] | None = None,
    steady: Steady | None = None,
    clock: Clock = time.perf_counter_ns,
) -> dict[str, Recording]:
    """Time several variants in rounds, so that a machine that drifts is as unkind to all of them.

    A round runs every variant once, in an order shuffled (from a fixed seed) for each round: with
    a fixed order one variant would always find the caches as the same other one left them.

    Args:
        tasks: what to time, by name.
        warmup: rounds that run first and are not kept.
        repeats: rounds that are kept; sample i of every variant is from round i.
        read_stages: takes milliseconds per stage out of a task's result; not timed.
        on_round: told the number of rounds done, warm-up included; not timed.
        steady: goes on warming up until the rounds are, or are too many; each `Recording` tells which.
        clock: for tests.

    Raises:
        ValueError: no tasks, `warmup` below 0, `repeats` below 1, or `steady` ends before `warmup` or before it
            can be reached. What a task raises goes through.
    """
    _check_rounds(len(tasks), warmup, repeats, steady)
    names = list(tasks)
    shuffle = np.random.default_rng(0)
    whole: dict[str, list[float]] = {name: [] for name in names}
    stages: dict[str, list[Mapping[str, float]]] = {name: [] for name in names}
    warm_ms: list[float] = []
    done, kept, reached = 0, 0, None
    while kept < repeats:
        warming = len(warm_ms) < warmup
        if steady is not None and not kept and not warming:
            reached = steady.is_reached(warm_ms)
            warming = not reached and len(warm_ms) < steady.at_most
        round_ms = 0.0
        for index in shuffle.permutation(len(names)):
            name = names[index]
            start_ns = clock()
            result = tasks[name]()
            elapsed_ms = (clock() - start_ns) * _MS_PER_NS
            round_ms += elapsed_ms
            if not warming:
                whole[name].append(elapsed_ms)
                if read_stages is not None:
                    stages[name].append(read_stages(result))
        if warming:
            warm_ms.append(round_ms)
        else:
            kept += 1
        done += 1
        if on_round is not None:
            on_round(done)
    warm = np.array(warm_ms, np.float64)
    return {name: Recording(np.array(whole[name]), _columns(stages[name]), warm, reached) for name in names}


def summarize(samples_ms: ArrayLike) -> Timing:
    """Turn repeats into percentiles.

    Raises:
        ValueError: no samples, or one that is not finite.
    """
    samples = _check(samples_ms)
    p50, p90, p99 = (percentile(samples, share) for share in (0.50, 0.90, 0.99))
    return Timing(samples.size, p50, p90, p99)


def percentile(samples: ArrayLike, share: float, confidence: float = CONFIDENCE) -> Estimate | None:
    """Estimate the value that `share` of all repeats stay below.

    Returns:
        The sample percentile (linear between neighbours, as numpy has it) within two order
        statistics that hold the true one at least `confidence` of the time; `None` where the
        samples are fewer than `fewest(share, confidence)`.

    Raises:
        ValueError: no samples, one that is not finite, or a share or confidence not within (0, 1).
    """
    ordered = np.sort(_check(samples))
    ranks = _ranks(ordered.size, share, confidence)
    if ranks is None:
        return None
    low, high = (float(ordered[rank]) for rank in ranks)
    return Estimate(float(np.quantile(ordered, share)), low, high)


def ratio(numerator: ArrayLike, denominator: ArrayLike, confidence: float = CONFIDENCE) -> Estimate | None:
    """Estimate how many times slower one variant is than another of the same run.

    Sample i of both is from round i, so a disturbance that spans a round cancels out: the median of
    the ratios within rounds, with its interval. `None` where the rounds are too few for one.

    Raises:
        ValueError: samples of unequal number, or a denominator that is not above 0.
    """
    above, below = _check(numerator), _check(denominator)
    if above.size != below.size or not (below > 0).all():
        raise ValueError(
            "expected as many samples above as below, and those below greater than 0, "
            f"got {above.size} and {below.size}, the least {below.min()}"
        )
    return percentile(above / below, 0.5, confidence)


def fewest(share: float, confidence: float = CONFIDENCE) -> int:
    """The least number of samples for which `percentile` gives a number.

    The interval exists once the chance that all samples fall on one side of the true percentile
    is at most (1 - confidence) / 2.
    """
    _check_shares(share, confidence)
    tail = (1 - confidence) / 2
    return max(1, math.ceil(math.log(tail) / math.log(max(share, 1 - share))))


def _ranks(n: int, share: float, confidence: float) -> tuple[int, int] | None:
    """Zero-based ranks of the sorted samples that bracket the percentile; `None` if n is too small."""
    if n < fewest(share, confidence):
        return None
    tail = (1 - confidence) / 2
    below = _binomial_cdf(n, share)
    # a rank r is too high if the true value lies under it: at most r samples below the true value
    low = int(np.searchsorted(below, tail, side="right")) - 1
    high = int(np.searchsorted(below, 1 - tail, side="left"))
    return (low, high) if low >= 0 and high < n else None


def _binomial_cdf(n: int, share: float) -> NDArray[np.float64]:
    """P(B ≤ k) for k = 0..n, B binomial; summed from logarithms, which do not underflow."""
    k = np.arange(1, n + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((n - k + 1) / k))])
    counts = np.arange(n + 1)
    mass = np.exp(log_choose + counts * math.log(share) + (n - counts) * math.log1p(-share))
    cumulative: NDArray[np.float64] = np.cumsum(mass)
    return cumulative


def _check_rounds(tasks: int, warmup: int, repeats: int, steady: Steady | None) -> None:
    if not tasks or warmup < 0 or repeats < 1:
        raise ValueError(
            "expected at least one task, warmup >= 0 and repeats >= 1, "
            f"got {tasks} tasks, warmup {warmup} and repeats {repeats}"
        )
    if steady is not None and (steady.window < 1 or steady.at_most < max(warmup, 2 * steady.window)):
        raise ValueError(
            "steady: expected window >= 1 and at_most >= warmup and >= twice the window, "
            f"got {steady} with warmup {warmup}"
        )


def _columns(rows: list[Mapping[str, float]]) -> dict[str, NDArray[np.float64]]:
    return {stage: np.array([row[stage] for row in rows], np.float64) for stage in (rows[0] if rows else ())}


def _check(samples: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(samples, np.float64).reshape(-1)
    if not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected finite samples, at least one, got {values.size}: {values[:8]}")
    return values


def _check_shares(*shares: float) -> None:
    if not all(0 < share < 1 for share in shares):
        raise ValueError(f"expected a share and a confidence between 0 and 1, got {shares}")
