"""A drift of the rounds is told where there is one, and rarely where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drift import LEAST_SHARE, find_drift


def draw(rng: np.random.Generator, variants: int, rounds: int) -> np.ndarray:
    """Skewed times with outliers, as real ones are: milliseconds (variants, rounds)."""
    slow = np.where(rng.random((variants, rounds)) < 0.05, 1.5, 1.0)
    return 40 * rng.lognormal(0, 0.03, (variants, rounds)) * slow


@pytest.mark.parametrize(("variants", "rounds"), [(1, 8), (1, 40), (4, 40), (2, 150)])
def test_a_drift_is_told_where_there_is_one_and_rarely_where_there_is_none(
    variants: int, rounds: int
) -> None:
    rng = np.random.default_rng(20240607)
    draws = [draw(rng, variants, rounds) for _ in range(200)]
    ramp = np.linspace(1, 1.1, rounds)
    assert np.mean([find_drift(each).told for each in draws]) <= 0.05
    assert np.mean([find_drift(each * ramp).told for each in draws]) >= (0.95 if rounds > 8 else 0.3)
    assert np.mean([find_drift(each / ramp).told for each in draws]) >= (0.95 if rounds > 8 else 0.3)


def test_a_drift_too_small_to_matter_is_none_however_clear() -> None:
    small = np.linspace(1, 1 + 0.9 * LEAST_SHARE, 100)
    assert not find_drift([small]).told and find_drift([small**2]).told


def test_the_slope_and_its_interval_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    for rounds in (9, 60, 300):
        times = draw(rng, 1, rounds)[0] * np.linspace(1, 1.05, rounds)
        share = find_drift([times]).share
        assert share is not None
        found = stats.theilslopes(times / np.median(times), np.arange(rounds), 0.95)
        expected = np.array([found.slope, found.low_slope, found.high_slope]) * (rounds - 1)
        assert share.value == pytest.approx(expected[0], abs=1e-12)
        # ranks are rounded outwards here, and to the nearest there
        assert share.low <= expected[1] + 1e-12 and share.high >= expected[2] - 1e-12
        if rounds > 9:
            assert [share.low, share.high] == pytest.approx(expected[1:].tolist(), abs=0.002)


def test_rounds_by_the_thousand_are_no_burden() -> None:
    drift = find_drift([draw(np.random.default_rng(0), 1, 20_000)[0] * np.linspace(1, 1.1, 20_000)])
    assert drift.told and drift.share is not None
    assert drift.share.value == pytest.approx(0.1 / 1.05, abs=0.01)
