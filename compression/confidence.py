"""How sure a score is: logistic curves fitted on `val`, stored in the bundle, read by `edge_iqa.calibration`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from compression.data import ACCEPT_LABEL, REJECT_LABEL
from compression.labels import Sample
from compression.thresholds import FAULTY
from edge_iqa.calibration import Curve

Floats = NDArray[np.floating[Any]]

_MIDPOINTS = (-1.0, 2.0)
_TEMPERATURES = (1e-3, 10.0)
"""What a manifest may hold; a curve steeper than a thousandth of the scale tells no more than its cut does."""


def fit_calibration(
    scores: Floats, samples: Sequence[Sample], attributes: Sequence[str]
) -> dict[str, Any] | None:
    """Fit all curves of the manifest's `calibration`.

    Args:
        scores: (n, 1+A) of the model in use.

    Returns:
        `overall`, and `attributes` by name, those alone that have labels of both kinds; None where the overall
        labels are all good or all bad, as nothing can be told from them.
    """
    truth = np.array([sample.target for sample in samples])
    overall = _fit_column(scores, truth, 0)
    if overall is None:
        return None
    curves = {name: _fit_column(scores, truth, index) for index, name in enumerate(attributes, 1)}
    return {
        "overall": asdict(overall),
        "attributes": {name: asdict(curve) for name, curve in curves.items() if curve is not None},
    }


def _fit_column(scores: Floats, truth: Floats, index: int) -> Curve | None:
    counted, good = tell_truth(truth[:, index], index)
    return fit_curve(scores[counted, index], good[counted])


def tell_truth(labels: Floats, index: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which labels count, and which are good: those between good and bad are neither.

    Args:
        labels: (n,) of one score.
        index: its column: 0 is the overall score.
    """
    bad, good = (REJECT_LABEL, ACCEPT_LABEL) if index == 0 else FAULTY
    return (labels <= bad) | (labels >= good), labels >= good


def fit_curve(scores: Floats, good: NDArray[np.bool_]) -> Curve | None:
    """Fit the chance of good by maximum likelihood; None where all are good, or none is.

    The truths are smoothed as in J. Platt, "Probabilistic outputs for support vector machines" (1999): one of n good
    ones counts as (n + 1) / (n + 2), so that scores that part the two perfectly do not make it infinitely sure.

    Args:
        scores: (n,) 0-1.
        good: (n,) the truth.
    """
    many, few = int(good.sum()), int((~good).sum())
    if not many or not few:
        return None
    target = np.where(good, (many + 1) / (many + 2), 1 / (few + 2))

    def lose(at: NDArray[np.float64]) -> float:
        logit = (scores - at[0]) * np.exp(-at[1])
        return float(np.mean(np.logaddexp(0, logit) - target * logit))

    steepness = np.log(_TEMPERATURES)
    begin = (float(np.median(scores[good]) + np.median(scores[~good])) / 2, np.log(0.1))
    found = optimize.minimize(lose, begin, method="L-BFGS-B", bounds=(_MIDPOINTS, tuple(steepness)))
    midpoint, logarithm = found.x
    return Curve(float(midpoint), float(np.clip(np.exp(logarithm), *_TEMPERATURES)))
