"""From scores to verdicts: bounds fitted on `val`, stored in the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compression.data import ACCEPT_LABEL, REJECT_LABEL
from compression.labels import Sample

Floats = NDArray[np.floating[Any]]

FAULTY = (0.80, 0.92)
"""An attribute's label up to the first is a fault that is worth a word, one from the second up is none."""

_DARK_BELOW = 0.4
"""Luma that parts too dark from too bright where `val` shows no example of one of them."""

_REVIEW_SHARE = 0.06
"""Share of photos of `val` that may be left to review; 0.10 is the limit on any others, with its interval."""


def fit_thresholds(
    scores: Floats, samples: Sequence[Sample], attributes: Sequence[str], luma: Floats
) -> dict[str, Any]:
    """Fit all bounds of the manifest's `thresholds`.

    Args:
        scores: (n, 1+A) of the model in use.
        luma: (n,) mean luma of every photo, 0-1, as the device measures it.

    Returns:
        `accept`, the score that parts good from bad best; `reject` below it, as far as the review
        share allows; for each attribute the score that parts faulty from sound best;
        `dark_below`, the luma that parts too dark from too bright.
    """
    truth = np.array([sample.target for sample in samples])
    cut = best_cut(scores[:, 0], truth[:, 0], REJECT_LABEL, ACCEPT_LABEL)
    return {
        "accept": cut,
        "reject": lower_end(scores[:, 0], cut),
        "attributes": {
            name: best_cut(scores[:, index], truth[:, index], *FAULTY)
            for index, name in enumerate(attributes, 1)
        },
        "dark_below": _fit_dark(samples, luma),
    }


def best_cut(scores: Floats, truth: Floats, low: float, high: float) -> float:
    """The score that parts labels of at least `high` from labels of at most `low` best: highest F1 of the low.

    Where one kind does not occur, nothing can be fitted: the middle between them, as scores are on the labels' scale.
    """
    counted = (truth >= high) | (truth <= low)
    values, bad = scores[counted], truth[counted] <= low
    if not bad.any() or bad.all():
        return (low + high) / 2
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, 401)))
    middle = (cuts[1:] + cuts[:-1]) / 2 if len(cuts) > 1 else cuts
    return float(max(middle, key=lambda cut: f1(values < cut, bad)))


def f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Harmonic mean of precision and recall, 0-1."""
    hits = float((predicted & truth).sum())
    return 2 * hits / max(1.0, float(predicted.sum() + truth.sum()))


def lower_end(scores: Floats, cut: float) -> float:
    """The lower end of the review band: it holds `_REVIEW_SHARE` of all scores, those just below the cut.

    Below, not around it: what is accepted needs no second look, what nearly was does.
    """
    below = np.sort(scores[scores < cut])
    count = min(len(below), round(_REVIEW_SHARE * len(scores)))
    return float(below[-count]) if count else cut


def _fit_dark(samples: Sequence[Sample], luma: Floats) -> float:
    """The mean luma that parts under- from over-exposed photos with the fewest errors."""
    faults = np.array([sample.variant.fault or "" for sample in samples])
    dark, bright = luma[faults == "under_exposure"], luma[faults == "over_exposure"]
    if not len(dark) or not len(bright):
        return _DARK_BELOW
    cuts = np.linspace(0.05, 0.95, 181)
    return float(min(cuts, key=lambda cut: (dark >= cut).mean() + (bright < cut).mean()))
