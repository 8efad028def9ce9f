"""A fitted curve is the one that the truths were drawn from, and nothing makes it infinitely sure."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special

from compression.calibrate import add_calibration, check_thresholds
from compression.confidence import fit_calibration, fit_curve, tell_truth
from compression.labels import Sample
from compression.scoring import Split
from compression.variants import Variant
from edge_iqa.calibration import Curve
from edge_iqa.errors import GateError
from edge_iqa.fields import Field
from edge_iqa.manifest import read_calibration


def draw(curve: Curve, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and truths drawn with the chances that a curve gives them."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 1, count)
    return scores, rng.uniform(0, 1, count) < [curve.chance(score) for score in scores]


@pytest.mark.parametrize("curve", [Curve(0.6, 0.05), Curve(0.85, 0.02), Curve(0.3, 0.4)])
def test_a_known_curve_is_recovered(curve: Curve) -> None:
    found = fit_curve(*draw(curve, 20_000))
    assert found is not None
    assert found.midpoint == pytest.approx(curve.midpoint, abs=0.03)
    assert found.temperature == pytest.approx(curve.temperature, rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_line_of_logits_is_likelier(seed: int) -> None:
    """Against a search over slope and intercept by another method, with truths smoothed as Platt has them."""
    scores, good = draw(Curve(0.5, 0.1), 300, seed)
    target = np.where(good, (good.sum() + 1) / (good.sum() + 2), 1 / ((~good).sum() + 2))

    def lose(line: np.ndarray) -> float:
        chance = np.clip(special.expit(line[0] * scores + line[1]), 1e-12, 1 - 1e-12)
        return float(-np.mean(target * np.log(chance) + (1 - target) * np.log(1 - chance)))

    best = optimize.minimize(lose, (5.0, -2.0), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12})
    found = fit_curve(scores, good)
    assert found is not None
    slope = 1 / found.temperature
    assert lose(np.array((slope, -slope * found.midpoint))) == pytest.approx(best.fun, abs=1e-6)


def test_the_chance_rises_with_the_score() -> None:
    found = fit_curve(*draw(Curve(0.6, 0.1), 500))
    assert found is not None
    chances = [found.chance(score) for score in np.linspace(0, 1, 50)]
    assert np.all(np.diff(chances) > 0)


@pytest.mark.parametrize("count", [4, 40, 4000])
def test_scores_that_part_the_two_perfectly_give_a_finite_curve_between_them(count: int) -> None:
    scores = np.linspace(0, 1, count)
    found = fit_curve(scores, scores > 0.5)
    assert found is not None
    assert found.midpoint == pytest.approx(0.5, abs=0.01)
    assert 1e-3 <= found.temperature <= 10
    few = fit_curve(scores[:: count // 4], scores[:: count // 4] > 0.5)
    assert few is not None and few.confidence(0.9) <= found.confidence(0.9)  # fewer photos prove less


def test_scores_that_are_all_the_same_say_no_more_than_how_often() -> None:
    good = np.arange(400) % 4 > 0
    found = fit_curve(np.full(400, 0.8), good)
    assert found is not None and found.chance(0.8) == pytest.approx(0.75, abs=0.01)


def test_scores_that_run_against_the_truth_do_not_turn_the_curve_round() -> None:
    scores = np.linspace(0, 1, 400)
    found = fit_curve(scores, scores < 0.5)
    assert found is not None and found.temperature == pytest.approx(10)
    assert found.chance(1.0) - found.chance(0.0) < 0.03


@pytest.mark.parametrize("good", [True, False])
def test_where_one_kind_does_not_occur_there_is_no_curve(good: bool) -> None:
    assert fit_curve(np.linspace(0, 1, 50), np.full(50, good)) is None


def make_samples(targets: np.ndarray) -> list[Sample]:
    return [Sample(Path("x.jpg"), at, Variant(()), target) for at, target in enumerate(targets)]


def test_labels_between_good_and_bad_do_not_count() -> None:
    counted, good = tell_truth(np.array([0.5, 0.55, 0.69, 0.7]), 0)
    assert counted.tolist() == [True, False, False, True] and good.tolist() == [False, False, False, True]
    counted, good = tell_truth(np.array([0.8, 0.81, 0.91, 0.92]), 3)
    assert counted.tolist() == [True, False, False, True] and good.tolist() == [False, False, False, True]


def test_fitted_curves_are_what_a_device_reads_and_each_is_of_its_own_score() -> None:
    rng = np.random.default_rng(0)
    targets = rng.uniform(0, 1, (600, 3)).astype(np.float32)
    targets[:, 2] = 1  # an attribute that nothing is wrong with
    scores = np.clip(targets * (1, 0.5, 1) + rng.normal(0, 0.05, targets.shape), 0, 1)
    fitted = fit_calibration(scores, make_samples(targets), ("noise", "color"))
    read = read_calibration(Field(fitted, "calibration"), ("noise", "color"))
    assert read is not None and list(read.attributes) == ["noise"]
    assert read.overall.midpoint == pytest.approx(0.6, abs=0.03)
    assert read.attributes["noise"].midpoint == pytest.approx(0.43, abs=0.03)


def test_without_both_kinds_of_overall_labels_there_is_no_calibration() -> None:
    targets = np.full((20, 2), 0.9, np.float32)
    assert fit_calibration(targets, make_samples(targets), ("noise",)) is None


def test_a_report_gets_its_calibration_and_a_lineage_that_says_when() -> None:
    content = (
        b'{"schema": 2, "thresholds": {"accept": 0.5}, "lineage": {"recipe": {"scenes": 4}}, "gates": []}'
    )
    val = Split(make_samples(np.zeros((3, 2))), ["a", "b", "b"], {}, np.zeros(3), {})
    told = add_calibration(content, {"overall": {}}, val, "model.int8.onnx")
    assert list(told) == ["schema", "thresholds", "calibration", "lineage", "gates"]
    recipe = told["lineage"]["recipe"]
    assert recipe["scenes"] == 4 and "after the gates" in recipe["calibration"]["made"]
    assert (recipe["calibration"]["samples"], recipe["calibration"]["groups"]) == (3, 2)


@pytest.mark.parametrize(("name", "refused"), [("accept", True), ("noise", True), ("none", False)])
def test_thresholds_that_do_not_come_out_again_are_refused_by_name(name: str, refused: bool) -> None:
    told = {"accept": 0.6, "reject": 0.5, "dark_below": 0.4, "attributes": {"noise": 0.8}}
    again = {**told, "attributes": dict(told["attributes"])}
    for part in (again, again["attributes"]):
        if name in part:
            part[name] += 0.01
    if not refused:
        check_thresholds(told, again)
        return
    with pytest.raises(GateError, match=rf"thresholds\.{name}: expected 0\.\d, as in the report"):
        check_thresholds(told, again)


def test_a_curve_of_the_device_and_of_the_fit_mean_the_same() -> None:
    assert Curve(0.6, 0.05).chance(0.65) == pytest.approx(1 / (1 + math.exp(-1)))
