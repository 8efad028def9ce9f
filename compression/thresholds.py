"""From scores to verdicts: bounds fitted on `val`, stored in the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compression.labels import Sample

Floats = NDArray[np.floating[Any]]

ACCEPT_LABEL = 0.7
REJECT_LABEL = 0.5
"""A label from 0.7 up is to be accepted, one up to 0.5 is not; between them it is not counted."""

_REVIEW_SHARE = 0.08
"""Share of photos of `val` that may be left to review; 0.10 is the limit on any others."""


def fit_thresholds(
    scores: Floats, samples: Sequence[Sample], attributes: Sequence[str], luma: Floats
) -> dict[str, Any]:
    """Fit all bounds of the manifest's `thresholds`.

    Args:
        scores: (n, 1+A) of the model in use.
        luma: (n,) mean luma of every photo, 0-1, as the device measures it.

    Returns:
        `accept` and `reject` around the score that parts good from bad best (F1), as far apart as
        the review share allows; for each attribute the score that parts faulty from sound best;
        `dark_below`, the luma that parts too dark from too bright.
    """
    truth = np.array([sample.target for sample in samples])
    reject, accept = review_band(scores[:, 0], best_cut(scores[:, 0], truth[:, 0]))
    return {
        "accept": accept,
        "reject": reject,
        "attributes": {
            name: best_cut(scores[:, index], truth[:, index]) for index, name in enumerate(attributes, 1)
        },
        "dark_below": _fit_dark(samples, luma),
    }


def best_cut(scores: Floats, truth: Floats) -> float:
    """The score that parts labels ≥ 0.7 from labels ≤ 0.5 with the highest F1 of the accepted."""
    counted = (truth >= ACCEPT_LABEL) | (truth <= REJECT_LABEL)
    values, good = scores[counted], truth[counted] >= ACCEPT_LABEL
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, 401)))
    middle = (cuts[1:] + cuts[:-1]) / 2 if len(cuts) > 1 else cuts
    return float(max(middle, key=lambda cut: f1(values >= cut, good)))


def f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Harmonic mean of precision and recall, 0-1."""
    hits = float((predicted & truth).sum())
    return 2 * hits / max(1.0, float(predicted.sum() + truth.sum()))


def review_band(scores: Floats, cut: float) -> tuple[float, float]:
    """Widen a cut to a band that holds `_REVIEW_SHARE` of the scores, the nearest ones."""
    reach = float(np.quantile(np.abs(scores - cut), _REVIEW_SHARE))
    return max(0.0, cut - reach), min(1.0, cut + reach)


def _fit_dark(samples: Sequence[Sample], luma: Floats) -> float:
    """The mean luma that parts under- from over-exposed photos with the fewest errors."""
    faults = np.array([sample.variant.fault or "" for sample in samples])
    dark, bright = luma[faults == "under_exposure"], luma[faults == "over_exposure"]
    cuts = np.linspace(0.05, 0.95, 181)
    return float(min(cuts, key=lambda cut: (dark >= cut).mean() + (bright < cut).mean()))
