"""Figures of the accuracy bench against rows whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks import figures
from benchmarks.accuracy import main
from compression.degradations import FAULTS
from tests.benchmarks.found import one

Row = dict[str, Any]


def row(photo: str, name: str = "clean", severity: float = 0.0, score: float = 1.0, **more: Any) -> Row:
    about = {"photo": photo, "group": photo, "name": name, "severity": severity, "score": score}
    faults = 0 if name == "clean" else name.count("+") + 1
    verdict = "accept" if score >= 0.6 else "retake"
    return {**about, "faults": faults, "label": score, "verdict": verdict, "cause": None, **more}


def test_pairs_are_clean_against_spoiled_and_two_severities_of_one_fault() -> None:
    rows = [
        row("a"),
        row("a", "jpeg", 0.4, 0.7),
        row("a", "jpeg", 0.7, 0.8),  # stronger, yet scored higher: one pair out of order
        row("a", "noise", 0.1, 1.0),  # too mild to count
        row("a", "noise+jpeg", 0.9, 0.2),
    ]
    found = figures.order_within(rows)
    everything = one(found, "pairs of one source in order").estimate
    assert everything is not None and (everything.n, everything.value) == (4, 0.75)
    jpeg = one(found, "pairs of one source in order: jpeg").estimate
    assert jpeg is not None and (jpeg.n, jpeg.value) == (3, pytest.approx(2 / 3))
    assert one(found, "pairs of one source in order: noise").estimate is None
    assert one(found, "pairs of one source in order: mixture").held is False  # one pair proves little


def test_a_tie_is_out_of_order() -> None:
    found = figures.order_within([row("a"), row("a", "jpeg", 0.4, 1.0)])
    assert one(found, "pairs of one source in order: jpeg").estimate.value == 0  # type: ignore[union-attr]


def test_pairs_across_photos_never_pair_a_photo_with_itself() -> None:
    rng = np.random.default_rng(0)
    rows = []
    for photo in range(30):  # within a photo the order is wrong, across photos it is right
        label = rng.uniform()
        rows += [row(str(photo), score=label), row(str(photo), "jpeg", 0.5, label - 1e-3, label=label)]
    assert figures.order_across(rows).estimate.value == 1  # type: ignore[union-attr]


def test_the_cause_must_be_the_attribute_that_the_fault_lowers() -> None:
    rows = [row(str(i), name, 0.5, 0.4, cause=FAULTS[name].attribute) for i, name in enumerate(FAULTS)]
    rows += [row("x", "jpeg", 0.2, 0.4, cause="noise")]  # too mild to count
    assert one(figures.causes(rows), "the cause named first is the fault").estimate.value == 1  # type: ignore[union-attr]
    rows[0]["cause"] = None
    found = one(figures.causes(rows), "the cause named first is the fault").estimate
    assert found is not None and found.value == pytest.approx(1 - 1 / len(FAULTS))


def test_verdicts_count_clear_labels_alone() -> None:
    rows = [row(str(i), score=0.9) for i in range(6)] + [row(str(i), "jpeg", 0.9, 0.3) for i in range(6)]
    rows += [row("between", "jpeg", 0.4, 0.6, verdict="retake"), row("no label", score=0.1, label=None)]
    rows[0]["verdict"] = "review"  # good, but not accepted
    found = figures.verdicts(rows)
    expected = {"F1": 12 / 13, "accuracy": 11 / 12, "precision": 6 / 7, "recall": 1.0}
    for name, value in expected.items():
        estimate = one(found, f'"not accept": {name}').estimate
        assert estimate is not None and (estimate.n, estimate.value) == (12, pytest.approx(value))
    assert one(found, "left to review").estimate.value == pytest.approx(1 / 13)  # type: ignore[union-attr]


def test_opinions_are_ranked_over_all_and_within_scenes() -> None:
    rng = np.random.default_rng(1)
    rows = [{"group": f"scene {i % 4}", "opinion": float(rng.uniform(1, 5)) + i % 4} for i in range(32)]
    for each in rows:
        each["score"] = each["opinion"] + rng.normal(0, 0.5)
    overall, within = figures.opinions(rows)
    x, y = [each["score"] for each in rows], [each["opinion"] for each in rows]
    assert overall.estimate is not None and overall.estimate.value == pytest.approx(stats.spearmanr(x, y)[0])
    mean = np.mean([stats.spearmanr(x[at::4], y[at::4])[0] for at in range(4)])
    assert within.estimate is not None and within.estimate.value == pytest.approx(mean)


@pytest.mark.parametrize(
    ("at_least", "point", "held"), [(True, False, False), (True, True, True), (False, False, False)]
)
def test_a_bound_holds_for_the_worse_end_unless_it_says_point(
    at_least: bool, point: bool, held: bool
) -> None:
    estimate = figures.Estimate(0.95, 0.90, 0.99, 100)
    bound = 0.93 if at_least else 0.97
    assert figures.Figure("x", estimate, bound, at_least, point).held is held


def test_a_share_out_of_range_is_refused_with_what_came(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", "photos.csv", "--share", "1.5"])
    assert "1.5" in capsys.readouterr().err
