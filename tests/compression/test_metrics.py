"""Agreement and intervals, against scipy, hand calculations and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from compression.metrics import estimate_share, estimate_srcc, srcc


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
