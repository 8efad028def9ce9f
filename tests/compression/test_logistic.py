"""The logistic fit of the device's tables finds the curve that made the data."""

from __future__ import annotations

import numpy as np
import pytest

from compression.logistic import fit_logistic


def test_the_curve_that_made_the_data_is_found() -> None:
    rng = np.random.default_rng(0)
    terms = np.c_[np.ones(20_000), rng.normal(0, 1, (20_000, 2))]
    truth = np.array([-0.5, 1.5, -2.0])
    good = rng.random(20_000) < 1 / (1 + np.exp(-terms @ truth))
    assert fit_logistic(terms, good, 0.0) == pytest.approx(truth, abs=0.1)


def test_a_ridge_holds_weights_of_separable_data_and_spares_the_bias() -> None:
    terms = np.c_[np.ones(40), np.linspace(-1, 1, 40)]
    good = terms[:, 1] > 0
    strong, weak = (abs(fit_logistic(terms, good, ridge)[1]) for ridge in (10.0, 0.1))
    assert strong < weak < 100
    assert fit_logistic(terms, np.arange(40) < 30, 1e6)[0] == pytest.approx(np.log(3), abs=0.01)
