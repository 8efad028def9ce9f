"""Figures of the measurements: on made-up cases whose answer is known, and on listings measured by an oracle."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import measured, measuring
from benchmarks.cases import Case, Task, look, overlap, plan
from compression import listings
from compression.metrics import auc, f1
from tests.benchmarks.found import one, value

CALLS = measuring.CALLS
NOTHING: dict[str, Any] = {
    "fault": None, "kind": "", "background": "white", "border": 0.0, "overlay": 0.0, "panels": 1, "screenshot": 0.0,
    "cut_off": 0.0, "products": 1, "fill": 0.5, "skew_deg": None, "upscaled": 1.0, "exposure": "",
}  # fmt: skip


def case(
    part: str,
    values: dict[str, float] | None = None,
    iou: float = 0.95,
    sure: float = 0.9,
    codes: tuple[str, ...] = (),
    **truth: Any,
) -> Case:
    case.count = getattr(case, "count", 0) + 1  # type: ignore[attr-defined]
    return Case(
        part, str(case.count), {**NOTHING, **truth}, values or {}, frozenset(codes), iou, sure, "light"
    )  # type: ignore[attr-defined]


def test_a_drawn_inset_is_told_as_a_collage() -> None:
    found = look(Task("collage", 700_003, "collage"))
    assert found.truth["kind"] == "inset"
    assert CALLS["collage"](found) and found.values["collage"] == found.truth["panels"]


def test_outlines_are_averaged_on_plain_backgrounds_and_their_confidence_ranked_on_all() -> None:
    cases = [
        case("white", iou=0.8),
        case("plain", iou=1.0, background="sweep"),
        case("any", iou=0.2, sure=0.95, background="room"),
        case("border", iou=0.0),
    ]
    found = measured.outlines(cases)
    assert value(found, "product mask, mean IoU on plain backgrounds") == pytest.approx(0.9)
    assert value(found, "product mask, mean IoU on sweep") == 1
    # one good mask (0.9 sure) against two bad ones (0.9 and 0.95 sure): half a pair of two in order
    assert value(found, "confidence of the mask separates IoU >= 0.9, AUC") == 0.25
    assert value(found, "masks with IoU >= 0.9 among sure ones") == pytest.approx(1 / 3)


def test_a_fill_that_was_not_measured_on_a_plain_background_is_wrong() -> None:
    cases = [
        case("white", {"fill": 0.54}),
        case("white", {"fill": 0.44}),
        case("plain"),
        case("any", {"fill": 0.5}),
    ]
    found = measured.fills(cases)
    assert value(found, "fill within 5 points, plain backgrounds") == pytest.approx(1 / 3)
    assert value(found, "fill within 5 points where measured") == 1


def test_calls_of_additions_are_counted_against_photos_without_a_fault() -> None:
    cases = [
        case("any"),
        case("any", codes=("BORDER",)),  # a false alarm
        case("border", codes=("BORDER",), fault="border", border=0.03, kind="even"),
        case("border", codes=("OVERLAY",), fault="border", border=0.01, kind="bar"),  # not found
        case("skew", codes=("BORDER",), fault="skew"),
        case("screenshot", codes=("BORDER",), fault="screenshot", screenshot=0.4),
    ]
    found = measured.additions(cases, CALLS)
    assert value(found, "border found: F1") == pytest.approx(0.5)
    assert value(found, "border found: precision") == value(found, "border found: recall") == 0.5
    assert value(found, "border found: even") == 1 and value(found, "border found: bar") == 0
    assert one(found, "border called on photos with another fault").estimate.n == 1  # type: ignore[union-attr]
    assert one(found, "border found: F1").bound == 0.9 and one(found, "border found: F1").held is False


def test_alarms_on_legal_white_must_be_none() -> None:
    quiet = [case("white", codes=("FILL_LOW",)) for _ in range(30)]
    what = "exposure alarms on legal white backgrounds"
    assert one(measured.exposures(quiet, CALLS), what).held is True
    loud = [*quiet, case("white", codes=("TOO_BRIGHT",))]
    assert one(measured.exposures(loud, CALLS), what).held is False


def test_enlarged_photos_and_originals_are_told_apart_drawn_and_real() -> None:
    cases = [
        case("upscaled", codes=("UPSCALED",), fault="upscaled", upscaled=2.1, kind="cubic"),
        case("upscaled", fault="upscaled", upscaled=3.0, kind="linear"),
        case("any"),
        case("photos, original", codes=("UPSCALED",), upscaled=1.0),
        case("photos, enlarged", codes=("UPSCALED",), upscaled=1.9),
    ]
    found = measured.resolutions(cases, CALLS)
    assert value(found, "enlarged >= 1.5x called so, drawn") == 0.5
    assert value(found, "enlarged, linear, drawn") == 0
    assert value(found, "sharp originals called enlarged, drawn") == 0
    assert (
        value(found, "sharp originals called enlarged, real")
        == value(found, "enlarged >= 1.5x called so, real")
        == 1
    )


def test_leans_are_compared_with_their_sign() -> None:
    cases = [case("skew", {"skew": angle}, skew_deg=6.0) for angle in (5.0, 6.5, -6.0)]
    found = measured.leans([*cases, case("skew", {}, skew_deg=3.0)])
    assert value(found, "lean, median error in degrees") == 1
    assert value(found, "lean within 2 degrees where measured") == pytest.approx(2 / 3)
    assert value(found, "lean measured on leaning products") == 0.75


def test_figures_without_cases_are_empty_and_hold_nothing() -> None:
    for figure in measuring.judge([], CALLS):
        assert figure.estimate is None and figure.held is None, figure.what


def test_f1_and_auc_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    true, said = rng.random((2, 50)) < 0.5
    precision, recall = true[said].mean(), said[true].mean()
    assert f1(true, said) == pytest.approx(2 * precision * recall / (precision + recall))
    x = rng.integers(0, 9, 50).astype(float)
    pairs = x[true][:, None] - x[~true]
    assert auc(true, x) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    assert auc(np.ones(3, bool), np.arange(3.0)) == 0.5 and f1(np.zeros(2, bool), np.zeros(2, bool)) == 0


# from drawing to figures


def test_no_two_tasks_of_a_plan_share_a_seed_and_every_fault_is_asked() -> None:
    tasks = plan(6, listings.seeds("held out"))
    assert len({task.seed for task in tasks}) == len(tasks)
    assert {task.fault for task in tasks} == {None, *listings.FAULTS}
    assert sum(task.part == "white" for task in tasks) == 6
    assert {task.background for task in tasks if task.part == "plain"} == {"gray", "sweep"}


def inspect_perfectly(task: Task) -> Case:
    """Look at a listing with an oracle for an inspector: it says the truth."""
    _, truth = listings.render(task.seed, task.fault, background=task.background)
    names = {"collage": "panels", "skew": "skew_deg"}
    keys = ("products", "fill", "skew")
    known = {key: getattr(truth, names.get(key, key)) for key in keys}
    values = {key: SimpleNamespace(value=float(told)) for key, told in known.items() if told is not None}
    faults = {
        "BORDER": truth.border > 0,
        "OVERLAY": truth.overlay > 0,
        "COLLAGE": truth.panels > 1,
        "SCREENSHOT": truth.screenshot > 0,
        "CUT_OFF": truth.cut_off > 0,
        "UPSCALED": truth.upscaled > 1,
        "TOO_BRIGHT": truth.exposure == "over",
        "TOO_DARK": truth.exposure == "under",
    }

    def oracle(jpeg: bytes) -> Any:
        assert jpeg[:2] == b"\xff\xd8"
        mask = SimpleNamespace(product=truth.mask > 127, background="light", confidence=1.0)
        issues = [SimpleNamespace(code=code) for code, true in faults.items() if true]
        return SimpleNamespace(measurements=values, mask=mask, issues=issues)

    return look(task, oracle)


def test_an_oracle_holds_every_bound_on_the_value_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "SIZES", ((240, 320), (320, 240)))
    cases = [inspect_perfectly(task) for task in plan(2, listings.seeds("development"))]
    assert all(case.iou > 0.97 for case in cases)
    for figure in measuring.judge(cases, CALLS):
        if figure.bound is None or figure.estimate is None or "AUC" in figure.what:
            continue
        right = (
            figure.estimate.value >= figure.bound
            if figure.at_least
            else figure.estimate.value <= figure.bound
        )
        assert right, (figure.what, figure.estimate)


def test_overlap_is_that_of_the_areas_whatever_the_size_of_the_mask_found() -> None:
    true = np.zeros((100, 200), np.uint8)
    true[20:60, 40:120] = 255
    found = np.zeros((50, 100), bool)
    found[10:30, 40:80] = True
    assert overlap(true, found) == pytest.approx(1 / 3)
    assert overlap(true, np.zeros((50, 100), bool)) == 0


def test_help_tells_what_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        measuring.main(["--help"])
    assert "known truth" in capsys.readouterr().out
