"""Logistic regression for the small tables that the device carries; `scripts/fit_*.py` make them with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.floating[Any]]


def fit_logistic(terms: Floats, good: NDArray[np.bool_], ridge: float) -> Floats:
    """Fit weights by maximum likelihood.

    Args:
        terms: (n, k), the first column 1: its weight is the bias, on which there is no ridge.
        good: (n,), what the chance is of.
        ridge: strength of the penalty on the square of all other weights.

    Returns:
        k weights.
    """
    penalty = ridge * np.r_[0.0, np.ones(terms.shape[1] - 1)]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total = terms @ weights
        value = np.logaddexp(0, -total * (2 * good - 1)).sum() + penalty @ weights**2 / 2
        return value, terms.T @ (1 / (1 + np.exp(-total)) - good) + penalty * weights

    weights: Floats = minimize(loss, np.zeros(terms.shape[1]), jac=True, method="L-BFGS-B").x
    return weights
