"""The timing loop: percentiles, intervals and ratios claim what the repeats support, and no more."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from edge_iqa import timing

SHARES = {"p50_ms": 0.50, "p90_ms": 0.90, "p99_ms": 0.99}


class DrawnClock:
    """A clock that only work moves, so that what the loop counts is known exactly."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def work_ms(self, milliseconds: float) -> None:
        self.now_ns += round(milliseconds * 1e6)


def latencies_ms(rng: np.random.Generator, n: int) -> np.ndarray:
    """Skewed, with a heavy tail, as real latencies are."""
    return 5 + rng.lognormal(0, 0.8, n)


def binomial_cdf(k: int, n: int, share: float) -> float:
    """P(B <= k) from the definition, in exact whole-number binomials."""
    return math.fsum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize("n", [400, 777, 5000])
def test_percentiles_are_numpys(n: int) -> None:
    samples = latencies_ms(np.random.default_rng(n), n)
    told = timing.summarize(samples).to_dict()
    assert told["n"] == n
    for name, share in SHARES.items():
        assert told[name]["value"] == pytest.approx(np.percentile(samples, 100 * share), rel=1e-12)


def test_a_hand_made_sample_has_the_percentile_and_the_bracket_of_the_textbook() -> None:
    # n = 20, median: P(B <= 5) = 0.0207, P(B <= 14) = 0.9793: the 6th and the 15th of the sorted samples
    samples = np.random.default_rng(3).permutation(np.arange(1, 21))
    assert timing.percentile(samples, 0.5) == timing.Estimate(value=10.5, low=6.0, high=15.0)


@pytest.mark.parametrize("share", SHARES.values())
@pytest.mark.parametrize("n", [6, 36, 40, 100, 368, 369, 500])
def test_the_bracket_is_the_tightest_that_leaves_each_tail_its_half(share: float, n: int) -> None:
    estimate = timing.percentile(np.arange(n), share)
    if estimate is None:
        assert n < timing.fewest(share)
        return
    low, high = int(estimate.low), int(estimate.high)
    assert binomial_cdf(low, n, share) <= 0.025 < binomial_cdf(low + 1, n, share)
    assert binomial_cdf(high, n, share) >= 0.975 > binomial_cdf(high - 1, n, share)
    assert low <= estimate.value <= high


@pytest.mark.parametrize(("share", "fewest"), [(0.50, 6), (0.90, 36), (0.99, 368)])
def test_a_percentile_without_enough_samples_is_none_and_never_a_number(share: float, fewest: int) -> None:
    assert timing.fewest(share) == fewest
    samples = latencies_ms(np.random.default_rng(0), fewest)
    assert timing.percentile(samples[:-1], share) is None
    assert timing.percentile(samples, share) is not None


def test_a_missing_percentile_is_null_in_json() -> None:
    told = json.loads(json.dumps(timing.summarize(np.arange(1.0, 41.0)).to_dict()))
    assert told["n"] == 40
    assert told["p90_ms"]["low"] <= told["p90_ms"]["value"] <= told["p90_ms"]["high"]
    assert told["p99_ms"] is None


@pytest.mark.parametrize(("share", "n"), [(0.50, 40), (0.90, 60), (0.99, 400)])
def test_intervals_hold_the_true_percentile_as_often_as_they_say(share: float, n: int) -> None:
    rng = np.random.default_rng(7)
    true = np.quantile(latencies_ms(np.random.default_rng(8), 2_000_000), share)
    trials = 1000
    held = sum(
        estimate is not None and estimate.low <= true <= estimate.high
        for estimate in (timing.percentile(latencies_ms(rng, n), share) for _ in range(trials))
    )
    # order statistics promise at least 95 %; 93.5 % is two standard errors below that
    assert held / trials >= 0.935


def test_a_narrower_confidence_gives_a_narrower_interval() -> None:
    samples = latencies_ms(np.random.default_rng(1), 200)
    wide, narrow = (timing.percentile(samples, 0.5, confidence) for confidence in (0.99, 0.80))
    assert wide is not None and narrow is not None
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_warm_up_is_run_and_not_counted() -> None:
    clock = DrawnClock()
    durations = itertools.chain([500.0] * 3, itertools.repeat(2.0))
    recorded = timing.measure_interleaved(
        {"only": lambda: clock.work_ms(next(durations))}, warmup=3, repeats=40, clock=clock
    )["only"]
    assert recorded.whole_ms.tolist() == [2.0] * 40
    assert recorded.timing.p50_ms == timing.Estimate(2.0, 2.0, 2.0)


def warm_up(durations_ms: list[float], warmup: int = 5, **steady: float) -> timing.Recording:
    """Time one task that takes these times, the last one again and again."""
    clock = DrawnClock()
    times = itertools.chain(durations_ms, itertools.repeat(durations_ms[-1]))
    return timing.measure_interleaved(
        {"only": lambda: clock.work_ms(next(times))},
        warmup=warmup,
        repeats=3,
        steady=timing.Steady(**steady),
        clock=clock,
    )["only"]


def test_warm_up_goes_on_until_the_rounds_are_steady() -> None:
    recorded = warm_up([30.0, 25.0, 20.0, 17.0, 15.0, 13.0, 12.0, 11.0, 10.0, 10.0, 10.0])
    assert recorded.steady is True
    assert recorded.whole_ms.tolist() == [10.0] * 3
    # of 16 the last five are 10, and of the five before (12, 11, 10, 10, 10) the median is 10 for the first time
    assert recorded.warmup_ms.size == 16
    assert warm_up([10.0]).warmup_ms.tolist() == [10.0] * 10, "no more than can be compared"
    assert warm_up([10.0], warmup=14).warmup_ms.size == 14, "and no fewer than asked for"


def test_a_warm_up_that_never_settles_ends_and_is_told() -> None:
    recorded = warm_up([100 * 0.95**n for n in range(100)], at_most=30)
    assert (recorded.steady, recorded.warmup_ms.size) == (False, 30)
    assert recorded.whole_ms[0] == pytest.approx(100 * 0.95**30)
    within = warm_up([100 * 0.998**n for n in range(100)], at_most=30)
    assert within.steady is True, "1 % between the medians is within 2 %"


def test_a_warm_up_that_was_not_asked_to_settle_says_so() -> None:
    clock = DrawnClock()
    recorded = timing.measure_interleaved(
        {"only": lambda: clock.work_ms(1)}, warmup=2, repeats=1, clock=clock
    )
    assert (recorded["only"].steady, recorded["only"].warmup_ms.tolist()) == (None, [1.0, 1.0])


@pytest.mark.parametrize(("window", "at_most"), [(0, 60), (5, 9), (2, 4)])
def test_a_warm_up_that_could_not_settle_is_refused(window: int, at_most: int) -> None:
    with pytest.raises(ValueError, match="at_most"):
        warm_up([1.0], window=window, at_most=at_most)


def test_every_round_runs_every_variant_once_and_none_always_first() -> None:
    ran: list[str] = []
    told: list[int] = []
    timing.measure_interleaved(
        {name: lambda name=name: ran.append(name) for name in "abc"},
        warmup=2,
        repeats=28,
        on_round=told.append,
    )
    rounds = [ran[start : start + 3] for start in range(0, len(ran), 3)]
    assert len(rounds) == 30 and all(sorted(names) == ["a", "b", "c"] for names in rounds)
    assert {names[0] for names in rounds} == {"a", "b", "c"}
    assert told == list(range(1, 31))


def test_neither_reading_the_stages_nor_showing_progress_is_timed() -> None:
    clock = DrawnClock()

    def task() -> dict[str, float]:
        clock.work_ms(4)
        return {"model": 3.0, "verdict": 1.0}

    def read_stages(result: dict[str, float]) -> dict[str, float]:
        clock.work_ms(100)
        return result

    recorded = timing.measure_interleaved(
        {"a": task, "b": task},
        warmup=0,
        repeats=6,
        read_stages=read_stages,
        on_round=lambda _: clock.work_ms(1000),
        clock=clock,
    )
    for recording in recorded.values():
        assert recording.whole_ms.tolist() == [4.0] * 6
        assert recording.stages_ms["model"].tolist() == [3.0] * 6
        assert (recording.stages_ms["model"] + recording.stages_ms["verdict"] <= recording.whole_ms).all()


def test_drift_that_doubles_the_times_leaves_the_ratio_right() -> None:
    clock = DrawnClock()
    slowness = itertools.chain.from_iterable(itertools.repeat(1 + i / 100, 2) for i in range(100))
    recorded = timing.measure_interleaved(
        {
            "float": lambda: clock.work_ms(6 * next(slowness)),
            "int8": lambda: clock.work_ms(2 * next(slowness)),
        },
        warmup=0,
        repeats=100,
        clock=clock,
    )
    p50_ms = recorded["float"].timing.p50_ms
    assert p50_ms is not None and p50_ms.high - p50_ms.low > 1  # the drift shows in each of them
    estimate = timing.ratio(recorded["float"].whole_ms, recorded["int8"].whole_ms)
    assert estimate is not None
    assert estimate.value == pytest.approx(3, abs=1e-4)
    assert estimate.high - estimate.low < 1e-3


def test_a_ratio_from_too_few_rounds_is_none() -> None:
    assert timing.ratio([2.0] * 5, [1.0] * 5) is None
    assert timing.ratio([2.0] * 6, [1.0] * 6) == timing.Estimate(2.0, 2.0, 2.0)


def test_what_a_task_raises_reaches_the_caller() -> None:
    def task() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        timing.measure(task, warmup=1, repeats=2)


def test_measure_times_a_real_task() -> None:
    measured = timing.measure(lambda: sum(range(1000)), warmup=2, repeats=36)
    assert measured.n == 36
    assert measured.p50_ms is not None and measured.p90_ms is not None and measured.p99_ms is None
    assert 0 < measured.p50_ms.value <= measured.p90_ms.value


@pytest.mark.parametrize(("warmup", "repeats"), [(-1, 5), (0, 0), (3, -2)])
def test_impossible_settings_are_refused(warmup: int, repeats: int) -> None:
    with pytest.raises(ValueError, match=f"warmup {warmup} and repeats {repeats}"):
        timing.measure(lambda: None, warmup=warmup, repeats=repeats)
    with pytest.raises(ValueError, match="0 tasks"):
        timing.measure_interleaved({}, warmup=0, repeats=1)


@pytest.mark.parametrize("samples", [[], [1.0, math.nan], [math.inf]])
def test_samples_that_are_none_or_no_numbers_are_refused(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="finite samples"):
        timing.summarize(samples)


@pytest.mark.parametrize("below", [[1.0, 2.0], [1.0, 0.0, 2.0]])
def test_a_ratio_needs_pairs_and_something_to_divide_by(below: list[float]) -> None:
    with pytest.raises(ValueError, match="as many samples above as below"):
        timing.ratio([1.0, 2.0, 3.0], below)


@pytest.mark.parametrize("share", [0.0, 1.0, 50.0])
def test_a_share_is_between_0_and_1(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        timing.percentile([1.0], share)
