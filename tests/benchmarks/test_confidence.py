"""Figures of the confidence bench against rows whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import confidence
from compression.metrics import Estimate
from edge_iqa.calibration import Calibration, Curve

Row = dict[str, Any]
CURVE = Curve(0.6, 0.1)


def row(score: float, label: float, verdict: str = "accept", group: str = "a", **attributes: Any) -> Row:
    labels = [label, *[attributes.pop("sharp", 1.0)], *[1.0] * 5]
    told = dict.fromkeys(confidence.ATTRIBUTES, 1.0) | attributes
    return {"group": group, "labels": labels, "score": score, "verdict": verdict, "attributes": told}


def find(figures: list[Any], what: str) -> Estimate:
    return next(figure.estimate for figure in figures if figure.what == what)


def test_the_side_of_a_verdict_is_as_sure_as_its_chance_and_right_where_the_label_is_on_it() -> None:
    rows = [row(0.7, 0.9), row(0.7, 0.4, group="b"), row(0.5, 0.1), row(0.5, 0.8), row(0.9, 0.6)]
    told = confidence.judge_sides(rows, CURVE, accept=0.55)
    assert told.right.tolist() == [True, False, True, False]  # a label of 0.6 is neither
    assert told.confidence == pytest.approx([1 / (1 + np.exp(-1))] * 4)
    assert told.groups == ["a", "b", "a", "a"]


def test_between_the_curves_midpoint_and_the_bound_a_side_is_less_likely_than_not() -> None:
    told = confidence.judge_sides([row(0.58, 0.9)], CURVE, accept=0.55)
    assert told.confidence[0] < 0.5 and told.right[0]


def test_errors_among_the_least_sure_are_gone_at_nine_tenths() -> None:
    scores = np.concatenate([np.full(100, 0.6), np.full(900, 0.99)])
    right = np.concatenate([np.arange(100) % 2 == 0, np.ones(900, bool)])
    groups = [f"g{at % 50}" for at in range(1000)]
    told = confidence.Told(np.array([CURVE.chance(score) for score in scores]), right, groups)
    figures = confidence.measure(told)
    assert find(figures, "error at 100 % coverage").value == pytest.approx(0.05)
    assert find(figures, "error at 90 % coverage").value == 0
    assert [figure.held for figure in figures[:2]] == [True, True]
    assert find(figures, "expected calibration error of the confidence").value == pytest.approx(
        0.018, abs=1e-3
    )


def test_a_confidence_that_ranks_nothing_misses_the_bound() -> None:
    rng = np.random.default_rng(0)
    told = confidence.Told(rng.uniform(0.5, 1, 2000), rng.uniform(0, 1, 2000) < 0.8, ["a", "b"] * 1000)
    calibration, ratio = confidence.measure(told)[:2]
    assert calibration.held is False and ratio.held is False


def test_each_attribute_has_its_own_truth_and_one_without_a_curve_no_figure() -> None:
    """A third faulty, at odds of 1 to e^3 that are never taken: five of fifteen bins, and ten of sound ones."""
    sound = [at % 3 > 0 for at in range(90)]
    rows = [
        row(0.9, 0.9, sharp=float(good), sharpness=0.8 if good else 0.2, group=f"g{at % 9}")
        for at, good in enumerate(sound)
    ]
    (figure,) = confidence.measure_attributes(rows, Calibration(CURVE, {"sharpness": Curve(0.5, 0.1)}))
    assert figure.what == "expected calibration error: sharpness" and figure.bound is None
    assert figure.estimate is not None and figure.estimate.n == 90
    assert figure.estimate.value == pytest.approx(1 / (1 + np.exp(3)), abs=1e-6)


def test_verdicts_are_counted_among_all_and_errors_among_what_counts() -> None:
    rows = [
        *(row(0.9, 0.9) for _ in range(8)),
        row(0.9, 0.2),
        row(0.9, 0.6),  # neither good nor bad
        *(row(0.1, 0.1, "retake") for _ in range(3)),
        row(0.1, 0.9, "retake"),
        *(row(0.55, 0.8, "review") for _ in range(2)),
    ]
    figures = confidence.measure_verdicts(rows)
    assert find(figures, "left to review").value == pytest.approx(2 / 16)
    assert find(figures, "bad ones among the accepted").value == pytest.approx(1 / 9)
    assert find(figures, "good ones among those to take again").value == pytest.approx(1 / 4)
    assert find(figures, "good ones among those left to review").value == 1


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    bins = [{"confidence": sure, "right": sure, "n": 9} for sure in (0.6, 0.9)]
    curve = {"coverage": [0.5, 1.0], "error": [0.0, 0.1]}
    path = confidence.plot(tmp_path / "deeper" / "a.png", {"bins": bins, "risk_coverage": curve})
    assert path.read_bytes().startswith(b"\x89PNG")
