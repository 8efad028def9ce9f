"""Thresholds part good from bad where they can be parted, and leave to review only what they may."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compression.data import ACCEPT_LABEL, REJECT_LABEL
from compression.labels import Sample
from compression.thresholds import _REVIEW_SHARE, best_cut, f1, fit_thresholds, lower_end
from compression.variants import Variant


def test_scores_that_part_good_from_bad_get_a_cut_between_them() -> None:
    truth = np.array([0.1, 0.3, 0.5, 0.6, 0.7, 0.9, 1.0])
    scores = np.array([0.2, 0.1, 0.35, 0.0, 0.45, 0.6, 0.8])  # 0.6 is between, and not counted
    assert 0.35 < best_cut(scores, truth, REJECT_LABEL, ACCEPT_LABEL) <= 0.45


@pytest.mark.parametrize("seed", range(20))
def test_a_perfect_cut_is_found_where_one_exists(seed: int) -> None:
    """Up to 200 scores however near to each other; the gap may be tiny beside the spread."""
    rng = np.random.default_rng(seed)
    bad, good = rng.integers(1, 100, 2)
    edge, gap = rng.uniform(0.2, 0.8), 10 ** rng.uniform(-6, -1)
    scores = np.concatenate([rng.uniform(0, edge, bad), rng.uniform(edge + gap, 1, good)])
    truth = np.concatenate([rng.uniform(0, 0.5, bad), rng.uniform(0.7, 1, good)])
    cut = best_cut(scores, truth, 0.5, 0.7)
    assert scores[:bad].max() < cut <= scores[bad:].min()


def test_a_perfect_cut_is_found_among_thousands_too() -> None:
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.uniform(0, 0.4, 2000), rng.uniform(0.5, 1, 5000)])
    truth = np.concatenate([rng.uniform(0, 0.5, 2000), rng.uniform(0.7, 1, 5000)])
    assert scores[:2000].max() < best_cut(scores, truth, 0.5, 0.7) <= scores[2000:].min()


def test_where_no_cut_is_perfect_none_is_better() -> None:
    """Against every cut there is, for 150 scores that overlap."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 1, 150)
    scores = np.clip(truth + rng.normal(0, 0.2, 150), 0, 1)
    counted = (truth <= 0.5) | (truth >= 0.7)

    def judge(cut: float) -> float:
        hits = sum((scores < cut) & (truth <= 0.5) & counted)
        wrong = sum((scores < cut) & (truth >= 0.7))
        missed = sum((scores >= cut) & (truth <= 0.5))
        return 2 * hits / (2 * hits + wrong + missed)

    best = max(judge(cut) for cut in [*scores[counted], 1.1])
    assert best < 1 and judge(best_cut(scores, truth, 0.5, 0.7)) == pytest.approx(best)


def test_scores_that_are_all_the_same_get_a_cut_and_no_crash() -> None:
    assert best_cut(np.full(9, 0.4), np.linspace(0, 1, 9), 0.5, 0.7) == pytest.approx(0.4)


@pytest.mark.parametrize("label", [0.1, 0.6, 0.95])
def test_where_one_kind_does_not_occur_the_cut_lies_in_the_middle(label: float) -> None:
    assert best_cut(np.linspace(0.2, 0.9, 50), np.full(50, label), 0.5, 0.7) == pytest.approx(0.6)


def test_f1_of_a_hand_calculation() -> None:
    """2 hits, 1 false alarm, 1 miss: precision 2/3, recall 2/3."""
    predicted = np.array([True, True, True, False, False])
    truth = np.array([True, True, False, True, False])
    assert f1(predicted, truth) == pytest.approx(2 / 3)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("count", [100, 2000])
def test_the_review_band_holds_the_asked_share_just_below_the_cut(count: int, cut: float) -> None:
    scores = np.random.default_rng(0).uniform(0, 1, count)
    low = lower_end(scores, cut)
    inside = (scores >= low) & (scores < cut)
    assert inside.sum() == round(_REVIEW_SHARE * count)
    assert 0.05 < inside.mean() < 0.10
    assert not ((scores > scores[inside].max()) & (scores < cut)).any()  # and no nearer one is left out


def test_the_review_band_ends_where_there_is_nothing_left_to_review() -> None:
    scores = np.concatenate([np.full(98, 0.9), [0.1, 0.2]])
    assert lower_end(scores, 0.5) == 0.1  # two are below: less than the share
    assert lower_end(scores[:98], 0.5) == 0.5  # none is


def test_fitted_thresholds_have_the_manifests_form_and_part_dark_from_bright() -> None:
    rng = np.random.default_rng(0)
    samples, luma = [], []
    for index in range(300):
        fault = (None, "under_exposure", "over_exposure")[index % 3]
        overall = 1.0 if fault is None else float(rng.uniform(0, 1))
        target = np.array([overall, overall], np.float32)
        steps = () if fault is None else ((fault, 1 - overall),)
        samples.append(Sample(Path("x.jpg"), index, Variant(steps), target))
        luma.append({None: 0.5, "under_exposure": 0.2, "over_exposure": 0.8}[fault])
    scores = np.stack([sample.target for sample in samples])
    fitted = fit_thresholds(scores, samples, ("exposure",), np.array(luma))
    assert set(fitted) == {"accept", "reject", "attributes", "dark_below"}
    assert 0.5 < fitted["accept"] <= 0.7
    assert fitted["reject"] < fitted["accept"]
    reviewed = (scores[:, 0] >= fitted["reject"]) & (scores[:, 0] < fitted["accept"])
    assert reviewed.sum() == round(_REVIEW_SHARE * 300)
    assert 0.8 < fitted["attributes"]["exposure"] <= 0.92
    assert 0.2 < fitted["dark_below"] <= 0.8


def test_every_attribute_gets_its_own_cut() -> None:
    rng = np.random.default_rng(0)
    targets = rng.uniform(0, 1, (200, 3)).astype(np.float32)
    faults = ("under_exposure", "over_exposure")
    samples = [
        Sample(Path("x.jpg"), index, Variant(((faults[index % 2], 0.5),)), target)
        for index, target in enumerate(targets)
    ]
    scores = targets * (1, 0.5, 0.1)
    fitted = fit_thresholds(scores, samples, ("noise", "color"), rng.uniform(0, 1, 200))["attributes"]
    assert list(fitted) == ["noise", "color"]
    assert 0.8 * 0.5 < fitted["noise"] <= 0.92 * 0.5 and 0.8 * 0.1 < fitted["color"] <= 0.92 * 0.1
