"""What repairs are told of a photo is what the report and the policy say, and accepted photos are left alone."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Frame, Inspector, Issue, Report, Verdict, image
from edge_iqa.enhance import Fixed
from edge_iqa.errors import OutputError
from edge_iqa.fix.photo import CLEARLY, fix_photo, make_scorer, may_try, to_diagnosis
from edge_iqa.page.repairing import repair_for_page
from edge_iqa.policy import open_policy, parse_policy
from edge_iqa.repairs.base import Step
from edge_iqa.repairs.exposure import Exposure
from tests.edge_iqa.pages import make_report, make_rule

POLICY = parse_policy(
    b"""
title = "Ours"
[thresholds]
noise = 0.99
[[rules]]
id = "fill"
measure = "fill"
at_least = 0.8
[[rules]]
id = "square"
measure = "aspect_ratio"
at_least = 0.9
at_most = 1.1
[[rules]]
id = "size"
measure = "long_side_px"
at_least = 1000
""",
    "ours.toml",
)


def _darken(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (255 * (pixels / 255.0) ** 2.2 * 0.6).astype(np.uint8)


def _break(*names: str, **changes: Any) -> Report:
    """A report on which these rules of the policy are broken, and the others held."""
    rules = tuple(
        dataclasses.replace(
            rule.check(0.5, datetime.date.today(), POLICY.name),
            status="broken" if rule.id in names else "held",
        )
        for rule in POLICY.rules
    )
    return dataclasses.replace(make_report(), rules=rules, policy=POLICY.name, **changes)


def test_causes_are_told_and_hints_are_not(inspector: Inspector) -> None:
    told = to_diagnosis(make_report(codes=("NOISE", "FILL_LOW")), POLICY, inspector)
    assert told.causes == ("NOISE",), "the second is a hint"
    assert told.context.values["noise"] == 0.75
    assert told.enough["noise"] == 99
    bounds = inspector.bundle.manifest.thresholds.attributes
    assert told.enough["sharpness"] == pytest.approx(100 * bounds["sharpness"])


def test_what_broken_rules_ask_for_is_wanted(inspector: Inspector) -> None:
    context = to_diagnosis(_break("fill"), POLICY, inspector).context
    assert 0.8 < context.fill <= 0.85 and context.aspect_ratio is None
    wide = to_diagnosis(_break("square", width_px=2000, height_px=1000), POLICY, inspector).context
    assert wide.aspect_ratio == 1.1 and wide.fill is None
    tall = to_diagnosis(_break("square", width_px=1000, height_px=2000), POLICY, inspector).context
    assert tall.aspect_ratio == 0.9


def test_a_crop_keeps_the_pixels_that_rules_ask_for(inspector: Inspector) -> None:
    assert to_diagnosis(_break("fill"), POLICY, inspector).context.shortest_px == 1000
    assert to_diagnosis(_break("fill"), POLICY, inspector, scale=0.5).context.shortest_px == 500
    too_small = to_diagnosis(_break("fill", "size"), POLICY, inspector)
    assert too_small.context.shortest_px < 1000, "a rule that is broken anyway hinders no crop"


def test_the_scorer_gives_what_an_inspection_gives(
    inspector: Inspector, good_photo: NDArray[np.uint8]
) -> None:
    report = inspector.inspect(good_photo)
    overall, attributes = make_scorer(inspector)(good_photo)
    assert overall == pytest.approx(report.score, abs=1e-3)
    assert attributes == pytest.approx(dict(report.attributes), abs=1e-3)


def test_an_accepted_photo_and_one_beyond_repair_are_left_alone(inspector: Inspector) -> None:
    issue = Issue("BLUR_MOTION", 0.9, None, None, False, 30.0, "blurry", "again")
    lost = dataclasses.replace(make_report(), issues=(issue,))
    fine = dataclasses.replace(
        make_report(verdict=Verdict.ACCEPT),
        issues=(dataclasses.replace(issue, fixable=True, blocking=False),),
    )
    frame = Frame(np.zeros((400, 400, 3), np.uint8), 400, 400)
    assert repair_for_page(frame, lost, inspector, POLICY) is None
    assert repair_for_page(frame, fine, inspector, POLICY) is None


@pytest.mark.parametrize("verdict", [Verdict.REVIEW, Verdict.RETAKE])
def test_a_repair_is_tried_where_the_scores_alone_doubt_the_photo(verdict: Verdict) -> None:
    dark = Issue("TOO_DARK", 0.5, None, None, True, 30.0, "dark", "light")
    shadow = Issue("LOW_DETAIL", 0.4, None, None, False, 10.0, "coarse", "nearer")
    hint = dataclasses.replace(dark, blocking=False)
    report = dataclasses.replace(make_report(verdict=verdict), rules=(), issues=(dark, shadow))
    assert may_try(report)
    assert not may_try(dataclasses.replace(report, issues=(shadow, hint)))
    assert not may_try(dataclasses.replace(report, issues=()))
    assert not may_try(
        dataclasses.replace(report, issues=(dark, dataclasses.replace(dark, code="COLOR_CAST")))
    )


def test_what_a_rule_refuses_and_no_repair_removes_is_not_tried() -> None:
    dark = Issue("TOO_DARK", 0.5, None, None, True, 30.0, "dark", "light")
    small = Issue("FILL_LOW", 0.5, None, None, False, 0.0, "small", "nearer")
    report = dataclasses.replace(make_report(), rules=(make_rule("fill", "broken"),), issues=(dark, small))
    assert not may_try(report)
    assert may_try(dataclasses.replace(report, rules=(make_rule("fill", "held"),)))


class _Doubter:
    """An inspector that doubts a photo, and what becomes of it too."""

    def __init__(self, inspector: Inspector, reports: list[Report]) -> None:
        self.bundle, self.backend, self.reports = inspector.bundle, inspector.backend, reports

    def inspect(self, photo: object, policy: object) -> Report:
        return self.reports.pop(0)


@pytest.mark.parametrize(
    ("gain", "end"), [(20.0, Verdict.REVIEW), (20.0, Verdict.ACCEPT), (11.0, Verdict.ACCEPT)]
)
def test_a_doubted_photo_is_changed_only_where_it_gains_clearly_and_is_accepted_then(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch, gain: float, end: Verdict
) -> None:
    stands = gain > CLEARLY and end is Verdict.ACCEPT
    dark = Issue("TOO_DARK", 0.5, None, None, True, 30.0, "dark", "light")
    report = dataclasses.replace(make_report(verdict=Verdict.REVIEW), rules=(), issues=(dark,))
    photo = np.full((80, 80, 3), 90, np.uint8)
    scores = (50.0, {"exposure": 50.0})
    after = (50.0 + gain, {"exposure": 50.0 + gain})
    made = Fixed(photo + 40, (Step("exposure", Exposure(1.0), 1.0),), scores, after, (), "")
    monkeypatch.setattr("edge_iqa.fix.photo.improve", lambda *_: made)
    judge = _Doubter(inspector, [report, dataclasses.replace(report, verdict=end)])
    fixed = fix_photo(judge, photo, POLICY)
    assert fixed.changed == stands
    assert (fixed.pixels == made.pixels).all() == stands
    assert fixed.after.verdict is (Verdict.ACCEPT if stands else Verdict.REVIEW)


@pytest.mark.slow
def test_a_dark_photo_is_repaired_and_judged_anew(
    inspector: Inspector, good_photo: NDArray[np.uint8]
) -> None:
    dark, policy = _darken(good_photo), open_policy("general")
    report = inspector.inspect(dark, policy)
    assert [issue.code for issue in report.issues if issue.blocking] == ["TOO_DARK"]
    repair = repair_for_page(Frame(dark, *dark.shape[1::-1]), report, inspector, policy)
    assert repair is not None and repair.pixels is not None and repair.steps
    assert repair.after[0] > repair.before[0] == pytest.approx(report.score, abs=1e-3)
    assert repair.verdict == inspector.inspect(repair.pixels, policy).verdict.value


@pytest.mark.slow
def test_the_verdict_of_a_smaller_copy_is_not_told(
    inspector: Inspector, good_photo: NDArray[np.uint8]
) -> None:
    dark, policy = _darken(good_photo), open_policy("general")
    height, width = dark.shape[:2]
    report = dataclasses.replace(inspector.inspect(dark, policy), width_px=2 * width, height_px=2 * height)
    repair = repair_for_page(Frame(dark, 2 * width, 2 * height), report, inspector, policy)
    assert repair is not None and repair.pixels is not None and repair.verdict is None


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.webp"])
def test_a_fixed_photo_is_saved_as_its_ending_says_and_never_over_another(
    inspector: Inspector, good_photo: NDArray[np.uint8], tmp_path: Path, name: str
) -> None:
    fixed = inspector.fix(good_photo)
    written = fixed.save(tmp_path / name)
    shown = image.read(written)
    assert shown.format == {"jpg": "jpeg"}.get(written.suffix[1:], written.suffix[1:])
    assert np.abs(shown.pixels.astype(int) - fixed.pixels).mean() < 3
    with pytest.raises(OutputError, match=name):
        fixed.save(tmp_path / name)
    assert fixed.save(tmp_path / name, replace=True) == written


def test_a_fixed_photo_is_not_saved_under_an_ending_that_means_nothing(
    inspector: Inspector, good_photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match=r"\.jpg"):
        inspector.fix(good_photo).save(tmp_path / "photo.tiff")
    assert list(tmp_path.iterdir()) == []
