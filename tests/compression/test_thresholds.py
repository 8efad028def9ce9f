"""Thresholds part good from bad where they can be parted, and leave to review only what they may."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compression.labels import Sample
from compression.thresholds import best_cut, f1, fit_thresholds, review_band
from compression.variants import Variant


def test_scores_that_part_good_from_bad_get_a_cut_between_them() -> None:
    truth = np.array([0.1, 0.3, 0.5, 0.6, 0.7, 0.9, 1.0])
    scores = np.array([0.2, 0.1, 0.35, 0.0, 0.45, 0.6, 0.8])  # 0.6 is between, and not counted
    assert 0.35 < best_cut(scores, truth) <= 0.45


def test_f1_of_a_hand_calculation() -> None:
    """2 hits, 1 false alarm, 1 miss: precision 2/3, recall 2/3."""
    predicted = np.array([True, True, True, False, False])
    truth = np.array([True, True, False, True, False])
    assert f1(predicted, truth) == pytest.approx(2 / 3)


def test_the_review_band_holds_the_cut_and_at_most_a_tenth() -> None:
    scores = np.random.default_rng(0).uniform(0, 1, 2000)
    low, high = review_band(scores, 0.6)
    assert low < 0.6 < high
    assert 0.05 < ((scores >= low) & (scores < high)).mean() < 0.10


def test_fitted_thresholds_have_the_manifests_form_and_part_dark_from_bright() -> None:
    rng = np.random.default_rng(0)
    samples, luma = [], []
    for index in range(300):
        fault = (None, "under_exposure", "over_exposure")[index % 3]
        overall = 1.0 if fault is None else float(rng.uniform(0, 1))
        target = np.array([overall, overall], np.float32)
        samples.append(Sample(Path("x.jpg"), index, Variant(fault, 1 - overall), target))
        luma.append({None: 0.5, "under_exposure": 0.2, "over_exposure": 0.8}[fault])
    scores = np.stack([sample.target for sample in samples])
    fitted = fit_thresholds(scores, samples, ("exposure",), np.array(luma))
    assert set(fitted) == {"accept", "reject", "attributes", "dark_below"}
    assert 0.4 < fitted["reject"] <= fitted["accept"] < 0.8
    assert 0.5 <= fitted["attributes"]["exposure"] <= 0.7
    assert 0.2 < fitted["dark_below"] <= 0.8
