"""Calibration and abstention, against hand calculations, a second implementation and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from compression.reliability import (
    bin_confidences,
    calibration_error,
    estimate_calibration_error,
    estimate_selective,
    risk_coverage,
    selective_error,
    selective_ratio,
)


def test_a_hand_calculation_of_the_calibration_error() -> None:
    """Two bins: 0.6 sure and half right, 0.9 sure and all right: (0.1 + 0.1) / 2."""
    confidence = np.array([0.9, 0.6, 0.9, 0.6])
    right = np.array([True, True, True, False])
    assert bin_confidences(confidence, right, 2) == [(0.6, 0.5, 2), (0.9, 1.0, 2)]
    assert calibration_error(confidence, right, 2) == pytest.approx(0.1)


def test_the_calibration_error_agrees_with_a_second_implementation() -> None:
    """Bins by quantile edges instead of by order; 900 different values in 15 bins of 60."""
    rng = np.random.default_rng(0)
    confidence = rng.permutation(np.linspace(0.5, 1, 900))
    right = rng.uniform(0, 1, 900) < confidence**2
    edges = np.quantile(confidence, np.linspace(0, 1, 16))
    places = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, 14)
    expected = 0.0
    for place in range(15):
        inside = places == place
        expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert calibration_error(confidence, right) == pytest.approx(expected, abs=1e-12)


def test_a_true_confidence_errs_only_by_chance_and_an_overdone_one_by_what_it_overdoes() -> None:
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.5, 1, 50_000)
    right = rng.uniform(0, 1, 50_000) < chance
    assert calibration_error(chance, right) < 0.01
    assert calibration_error(np.minimum(1, chance + 0.1), right) == pytest.approx(0.09, abs=0.01)


def test_fewer_observations_than_bins_are_bins_of_one() -> None:
    confidence, right = np.array([0.5, 1.0]), np.array([True, True])
    assert calibration_error(confidence, right) == pytest.approx(0.25)


def test_a_hand_calculation_of_the_error_among_the_surest() -> None:
    confidence = np.array([0.9, 0.5, 0.8, 0.7, 0.6])
    wrong = np.array([False, True, False, True, False])
    expected = {1.0: 2 / 5, 0.8: 1 / 4, 0.6: 1 / 3, 0.4: 0.0, 0.2: 0.0}
    for coverage, error in expected.items():
        assert selective_error(confidence, wrong, coverage) == pytest.approx(error)
    assert risk_coverage(confidence, wrong, list(expected)) == pytest.approx(list(expected.values()))
    assert selective_ratio(confidence, wrong, 0.8) == pytest.approx(5 / 8)


@pytest.mark.parametrize("seed", range(5))
def test_of_the_equally_sure_none_is_preferred(seed: int) -> None:
    """Against the mean over shuffled orders of those that are as sure as the last one taken."""
    rng = np.random.default_rng(seed)
    confidence, wrong = rng.integers(0, 4, 40) / 4, rng.uniform(0, 1, 40) < 0.3
    drawn = []
    for _ in range(4000):
        order = rng.permutation(40)
        surest = order[np.argsort(-confidence[order], kind="stable")][:30]
        drawn.append(wrong[surest].mean())
    assert selective_error(confidence, wrong, 0.75) == pytest.approx(np.mean(drawn), abs=0.005)


def test_a_confidence_that_knows_nothing_leaves_the_error_as_it_is() -> None:
    wrong = np.arange(1000) % 10 == 0
    assert selective_ratio(np.full(1000, 0.7), wrong, 0.9) == pytest.approx(1)
    assert selective_ratio(np.full(1000, 0.7), np.zeros(1000, bool), 0.9) == 1


def test_a_confidence_that_knows_its_errors_leaves_none() -> None:
    wrong = np.arange(1000) % 10 == 0
    assert selective_error(np.where(wrong, 0.5, 0.9), wrong, 0.9) == 0


def test_intervals_widen_where_observations_come_in_groups() -> None:
    rng = np.random.default_rng(0)
    groups = [f"g{at // 50}" for at in range(1000)]
    confidence = rng.uniform(0.5, 1, 1000)
    wrong = np.repeat(rng.uniform(0, 1, 20) < 0.3, 50)
    alone = [str(at) for at in range(1000)]
    grouped, single = (estimate_selective(confidence, wrong, each, 0.9, 200) for each in (groups, alone))
    for one, other in zip(grouped, single, strict=True):
        assert one.value == other.value and one.n == 1000
    assert grouped[0].high - grouped[0].low > 2 * (single[0].high - single[0].low)
    error = estimate_calibration_error(confidence, ~wrong, groups, resamples=200)
    assert error.low <= error.value <= error.high and error.n == 1000
