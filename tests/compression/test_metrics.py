"""Agreement and intervals, against scipy, hand calculations and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from compression.metrics import estimate_pair_share, estimate_percentile, estimate_share, estimate_srcc, srcc
from edge_iqa.timing import percentile


def test_srcc_of_a_textbook_example() -> None:
    """Ranks 1-5 against 2, 1, 4, 3, 5: 1 - 6 * 4 / (5 * 24) = 0.8."""
    assert srcc(np.arange(5.0), np.array([2.0, 1, 4, 3, 5])) == pytest.approx(0.8)


@given(st.lists(st.integers(-100, 100), min_size=3, max_size=30, unique=True))
@settings(max_examples=50)
def test_srcc_ignores_any_rising_map(values: list[int]) -> None:
    x = np.array(values, float)
    y = np.random.default_rng(0).permutation(x)
    assert srcc(x, y) == pytest.approx(srcc(3 * x + 7, y))


def test_srcc_agrees_with_scipy_also_with_ties() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 8, 60).astype(float), rng.integers(0, 8, 60).astype(float)
    assert srcc(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_srcc_of_a_constant_is_zero() -> None:
    assert srcc(np.ones(5), np.arange(5.0)) == 0


def test_intervals_of_few_groups_are_wider_than_of_many() -> None:
    """Copies of a photo are no further evidence."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    y = x + rng.normal(size=60)
    few = np.repeat(np.arange(60), 5)
    grouped = estimate_srcc(x[few], y[few], [str(g) for g in few])
    pretended = estimate_srcc(x[few], y[few], [str(i) for i in range(300)])
    assert grouped.high - grouped.low > 1.5 * (pretended.high - pretended.low)
    assert grouped.low <= grouped.value <= grouped.high and grouped.n == 300


def test_share_interval_is_never_narrower_than_the_exact_binomial() -> None:
    """All of 20 right: Clopper-Pearson says at least 0.8316, the bootstrap would say 1."""
    share = estimate_share(np.ones(20, bool), [str(i) for i in range(20)])
    assert (share.value, share.high) == (1.0, 1.0)
    assert share.low == pytest.approx(0.8316, abs=1e-4)


def test_interval_holds_the_true_value_about_95_times_in_100() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for trial in range(60):
        groups = np.repeat(np.arange(30), 4)
        shift = rng.normal(0, 0.15, 30)[groups]
        hits = rng.random(120) < np.clip(0.7 + shift, 0, 1)
        share = estimate_share(hits, [str(g) for g in groups], trial, 200)
        inside += share.low <= 0.7 <= share.high
    assert inside >= 52


def test_pairs_of_two_groups_are_as_uncertain_as_both() -> None:
    """One bad group spoils every pair that it is in, on either side."""
    names = [str(i) for i in range(12)]
    first, second = zip(*[(a, b) for a in names for b in names if a != b], strict=True)
    hits = np.array(["0" not in pair for pair in zip(first, second, strict=True)])
    both = estimate_pair_share(hits, first, second)
    swapped = estimate_pair_share(hits, second, first)
    half = estimate_share(hits, first)
    assert both == swapped and both.value == half.value == pytest.approx(1 - 22 / 132)
    assert both.low <= half.low - 0.02


def test_interval_of_pairs_holds_the_true_value_about_95_times_in_100() -> None:
    """Two strengths a group, a pair in order where their sum with noise is positive; the truth from a large draw."""
    rng = np.random.default_rng(3)

    def draw(count: int) -> tuple[np.ndarray, list[str], list[str]]:
        strength = rng.normal(0.8, 0.6, count)
        one, two = (places.ravel() for places in np.triu_indices(count, 1))
        hits = strength[one] + strength[two] + rng.normal(0, 1, len(one)) > 0
        return hits, [str(i) for i in one], [str(i) for i in two]

    truth = draw(1500)[0].mean()
    found = [estimate_pair_share(*draw(25), resamples=200) for _ in range(60)]
    assert np.mean([each.low <= truth <= each.high for each in found]) >= 0.85


def test_a_percentile_has_the_wider_interval_and_is_missing_where_values_are_too_few() -> None:
    values = np.random.default_rng(0).exponential(size=1200)
    alone = [str(at) for at in range(1200)]
    found = estimate_percentile(values, 0.99, alone)
    exact = percentile(values, 0.99)
    assert found is not None and exact is not None
    assert found.value == np.quantile(values, 0.99) and found.n == 1200
    assert found.low <= exact.low < -np.log(0.01) < exact.high <= found.high
    # twelve groups, one of which holds all that is large: order statistics know nothing of it
    grouped = np.where(np.arange(1200) < 100, values + 10, values)
    wide = estimate_percentile(grouped, 0.99, [str(at // 100) for at in range(1200)])
    assert wide is not None and wide.low < 8 < 10 < wide.high
    assert estimate_percentile(values[:367], 0.99, alone[:367]) is None
    assert estimate_percentile(values[:368], 0.99, alone[:368]) is not None
