"""Scores, measurements and rules become causes: which, in which order, and what verdict they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge_iqa.calibration import Calibration, Curve
from edge_iqa.causes import Case, Diagnosis, Scored, decide, diagnose
from edge_iqa.codes import CODES, name_by_scores
from edge_iqa.luma import Luma
from edge_iqa.manifest import ATTRIBUTES, Thresholds
from edge_iqa.mask import Mask
from edge_iqa.measure import Measurements
from edge_iqa.measurement import MEASURES, Measurement
from edge_iqa.policy import Policy, parse_policy
from edge_iqa.report import Issue, Verdict
from edge_iqa.verdict import judge
from edge_iqa.words import open_words

BOUNDS = Thresholds(accept=0.64, reject=0.58, attributes=dict.fromkeys(ATTRIBUTES, 0.6), dark_below=0.42)
FINE = dict.fromkeys(ATTRIBUTES, 0.9)
DAYLIGHT = Luma(mean=0.5, std=0.2)
GRAY = {"brightness": 57.0, "clipped_bright": 0.0}
"""Light of a product that is neither dark nor bright."""
NO_RULES = Policy("none", "no rules", (), {})
WORDS = open_words()
share = st.floats(0, 1)


def _mask(confidence: float) -> Mask:
    return Mask(np.ones((4, 4), bool), "plain", confidence, confidence)


def _measure(mask: float = 0.9, **values: float) -> Measurements:
    box = (0.25, 0.25, 0.5, 0.5)
    found = {name: Measurement(value, MEASURES[name].unit, box) for name, value in values.items()}
    return Measurements(found, _mask(mask))


def _policy(*rules: str) -> Policy:
    text = "\n".join(f"[[rules]]\nid = 'r{number}'\n{rule}" for number, rule in enumerate(rules))
    return parse_policy(text.encode(), "ours")


def _diagnose(
    overall: float = 0.9,
    attributes: Mapping[str, float] = FINE,
    measured: Measurements | None = None,
    policy: Policy = NO_RULES,
    luma: Luma = DAYLIGHT,
    **more: Any,
) -> Diagnosis:
    seen = _measure() if measured is None else measured
    results = policy.check(seen.values, "jpeg")
    calibration = more.pop("calibration", None)
    return diagnose(
        Case(Scored(overall, attributes), luma, seen, BOUNDS, calibration, policy, results), WORDS
    )


def _codes(found: Diagnosis) -> list[str]:
    return [issue.code for issue in found.issues]


def _only(found: Diagnosis, code: str) -> Issue:
    (issue,) = [issue for issue in found.issues if issue.code == code]
    return issue


# what a fault is called


@pytest.mark.parametrize(
    ("motion", "code"), [(0.0, "BLUR_DEFOCUS"), (0.49, "BLUR_DEFOCUS"), (0.5, "BLUR_MOTION"), (None, "BLUR")]
)
def test_a_blur_is_of_motion_where_it_spreads_in_one_direction(motion: float | None, code: str) -> None:
    measured = _measure() if motion is None else _measure(motion=motion, blur=6)
    found = _diagnose(0.3, {**FINE, "sharpness": 0.2}, measured)
    assert (_codes(found), found.verdict) == ([code], Verdict.RETAKE)
    assert found.issues[0].box == (None if motion is None else (0.25, 0.25, 0.5, 0.5))


def test_a_photo_without_detail_is_called_enlarged_beside_where_it_was() -> None:
    soft = {**FINE, "detail": 0.2}
    assert _codes(_diagnose(0.3, soft, _measure(upscaled=1.6))) == ["UPSCALED", "LOW_DETAIL"]
    assert _codes(_diagnose(0.3, soft, _measure(upscaled=1.1))) == ["LOW_DETAIL"]
    assert _codes(_diagnose(0.9, FINE, _measure(upscaled=3))) == [], "the scores see nothing wrong"


@pytest.mark.parametrize(
    ("brightness", "clipped", "luma", "codes"),
    [
        (20, 0.0, 0.9, ["TOO_DARK"]),  # a dark product on white paper
        (95, 0.0, 0.1, ["TOO_BRIGHT"]),  # a bright product on black cloth
        (50, 0.05, 0.9, ["TOO_BRIGHT"]),  # dark, with burnt places
        (57, 0.0, 0.9, ["LOW_CONTRAST"]),  # neither: what is to blame is another attribute
        (57, 0.0, 0.1, ["LOW_CONTRAST"]),
    ],
)
def test_exposure_is_that_of_the_product_not_of_its_background(
    brightness: float, clipped: float, luma: float, codes: list[str]
) -> None:
    measured = _measure(brightness=brightness, clipped_bright=clipped)
    attributes = {**FINE, "exposure": 0.1, "contrast": 0.7}
    assert _codes(_diagnose(0.3, attributes, measured, luma=Luma(luma, 0.2))) == codes


@pytest.mark.parametrize(
    ("brightness", "clipped", "codes"),
    [
        (12, 0.0, ["TOO_DARK"]),
        (28, 0.14, []),  # a black product, well exposed, with some of the paper taken for it
        (85, 0.01, []),  # a white product, well exposed
        (91, 0.0, ["TOO_BRIGHT"]),
        (66, 0.04, ["TOO_BRIGHT"]),
    ],
)
@pytest.mark.parametrize("luma", [0.3, 0.9])
def test_on_white_paper_only_a_product_that_surely_is_too_dark_or_bright_is_called_so(
    brightness: float, clipped: float, codes: list[str], luma: float
) -> None:
    measured = _measure(brightness=brightness, clipped_bright=clipped)
    white = Measurements(measured.values, Mask(measured.mask.product, "light", 0.9, 0.9))
    assert _codes(_diagnose(0.9, {**FINE, "exposure": 0.5}, white, luma=Luma(luma, 0.2))) == codes


@pytest.mark.parametrize(("luma", "code"), [(0.41, "TOO_DARK"), (0.42, "TOO_BRIGHT")])
def test_where_no_product_was_found_the_whole_photo_tells(luma: float, code: str) -> None:
    measured = _measure(0.3, **GRAY)
    assert _codes(_diagnose(0.3, {**FINE, "exposure": 0.1}, measured, luma=Luma(luma, 0.2))) == [code]


def test_a_model_of_exposure_alone_names_it_whatever_is_measured() -> None:
    found = _diagnose(0.3, {"exposure": 0.1}, _measure(**GRAY))
    assert _codes(found) == ["TOO_BRIGHT"]


def test_an_unconfirmed_exposure_is_no_hint_either() -> None:
    assert _codes(_diagnose(0.9, {**FINE, "exposure": 0.5}, _measure(**GRAY))) == []


# order, gain, confidence


@given(share, st.fixed_dictionaries(dict.fromkeys(ATTRIBUTES, share)), share)
def test_attributes_come_in_the_order_in_which_scores_alone_put_them(
    overall: float, attributes: dict[str, float], luma: float
) -> None:
    """Gains rise with shortfalls, so that refining a cause never changes which is told first."""
    light = Luma(luma, 0.2)
    by_scores = judge(overall, attributes, light, BOUNDS)
    assume(len({round(fault.severity, 9) for fault in by_scores.faults}) == len(by_scores.faults))
    found = _diagnose(overall, attributes, Measurements({}, _mask(0.0)), luma=light)
    assert _codes(found) == [fault.code for fault in by_scores.faults]
    assert all(0 <= issue.gain <= 100 for issue in found.issues)
    gains = [issue.gain for issue in found.issues]
    assert gains == sorted(gains, reverse=True)


def test_gain_is_what_the_product_of_attributes_would_win() -> None:
    """A model whose overall score is the product of its attributes, as ours are."""
    attributes = {**dict.fromkeys(ATTRIBUTES, 1.0), "sharpness": 0.3, "noise": 0.5}
    found = _diagnose(0.3 * 0.5, attributes, _measure(motion=0.0))
    assert _codes(found) == ["BLUR_DEFOCUS", "NOISE"]
    assert [issue.gain for issue in found.issues] == pytest.approx(
        [100 * (0.6 * 0.5 - 0.15), 100 * (0.3 * 0.6 - 0.15)]
    )
    lost = _diagnose(0.5, {**FINE, "sharpness": 0.0}, _measure(motion=0.0)).issues[0]
    assert (lost.gain, lost.severity) == (50, 1), "no score wins more than there is to win"


def test_a_photo_refused_without_a_cause_wins_what_it_lacks_of_being_accepted() -> None:
    issue = _diagnose(0.3, {**FINE, "detail": 0.61}).issues[0]
    assert (issue.code, issue.gain) == ("LOW_DETAIL", pytest.approx(34))


def test_confidence_of_an_attribute_is_the_chance_that_it_is_bad() -> None:
    calibration = Calibration(Curve(0.6, 0.1), {"noise": Curve(0.6, 0.1)})
    found = _diagnose(0.3, {**FINE, "noise": 0.5, "color": 0.5}, calibration=calibration)
    assert _only(found, "NOISE").confidence == pytest.approx(1 / (1 + np.exp(-1)))
    assert _only(found, "COLOR_CAST").confidence is None


@pytest.mark.parametrize(
    ("overall", "expected"),
    [(0.8, 1 / (1 + np.exp(-2))), (0.4, 1 / (1 + np.exp(-2))), (0.59, 1 / (1 + np.exp(-0.1)))],
    ids=["accept", "retake", "review"],
)
def test_confidence_of_a_verdict_is_that_of_its_side(overall: float, expected: float) -> None:
    found = _diagnose(overall, calibration=Calibration(Curve(0.6, 0.1)))
    assert found.confidence == pytest.approx(expected)
    assert _diagnose(overall).confidence is None


def test_confidence_of_rules_is_sure_of_files_and_that_of_the_outline_for_framing() -> None:
    policy = _policy(
        'measure = "long_side_px"\nat_least = 1000',
        'measure = "fill"\nat_least = 0.9',
        'measure = "upscaled"\nat_most = 1.5',
        'measure = "product"\nat_least = 0.99',
    )
    found = _diagnose(
        measured=_measure(0.7, long_side_px=500, fill=0.3, upscaled=2, product=0.7), policy=policy
    )
    confidence = {issue.code: issue.confidence for issue in found.issues}
    assert confidence == {"TOO_SMALL": 1, "FILL_LOW": 0.7, "UPSCALED": None, "NO_PRODUCT": pytest.approx(0.3)}


# rules


def test_a_must_blocks_a_should_hints_and_what_is_held_or_unknown_is_silent() -> None:
    policy = _policy(
        'measure = "border"\nat_most = 0.01',
        'measure = "overlay"\nat_most = 0.01\nseverity = "should"',
        'measure = "collage"\nat_most = 1',
        'measure = "screenshot"\nat_most = 0.01',
        'measure = "off_center"\nat_most = 0.1\nstarts = 2999-01-01',
    )
    measured = _measure(border=0.1, overlay=0.2, collage=1, off_center=0.5)
    found = _diagnose(measured=measured, policy=policy)
    assert [(issue.code, issue.blocking) for issue in found.issues] == [("BORDER", True), ("OVERLAY", False)]
    assert found.verdict is Verdict.RETAKE
    assert _only(found, "BORDER").box == (0.25, 0.25, 0.5, 0.5)
    assert {issue.gain for issue in found.issues} == {0}, "no score sees it"


def test_hints_leave_a_photo_accepted() -> None:
    policy = _policy('measure = "fill"\nat_least = 0.9\nseverity = "should"')
    found = _diagnose(measured=_measure(fill=0.3), policy=policy)
    assert (found.verdict, _codes(found)) == (Verdict.ACCEPT, ["FILL_LOW"])


def test_each_code_comes_once_with_the_strongest_of_what_raised_it() -> None:
    policy = _policy(
        'measure = "blur"\nat_most = 3',
        'measure = "long_side_px"\nat_least = 1000\nseverity = "should"',
        'measure = "short_side_px"\nat_least = 900',
    )
    measured = _measure(blur=12, motion=0.0, long_side_px=250, short_side_px=450)
    found = _diagnose(0.9, {**FINE, "sharpness": 0.5}, measured, policy)
    assert sorted(_codes(found)) == ["BLUR_DEFOCUS", "TOO_SMALL"]
    blur, small = _only(found, "BLUR_DEFOCUS"), _only(found, "TOO_SMALL")
    assert (blur.blocking, blur.severity, blur.gain > 0) == (True, 0.75, True)
    assert (small.blocking, small.severity) == (True, 0.75)


@pytest.mark.parametrize(
    ("rule", "value", "severity"),
    [
        ("at_least = 1000", 500, 0.5),
        ("at_least = 1000", 0, 1),
        ("at_most = 100", 400, 0.75),
        ("at_least = 200\nat_most = 400", 100, 0.5),
        ("at_least = 200\nat_most = 400", 800, 0.5),
    ],
)
def test_a_rule_is_missed_by_a_share_of_its_bound_or_of_the_value(
    rule: str, value: float, severity: float
) -> None:
    found = _diagnose(
        measured=_measure(long_side_px=value), policy=_policy(f'measure = "long_side_px"\n{rule}')
    )
    assert found.issues[0].severity == pytest.approx(severity)


def test_a_format_that_is_not_taken_is_missed_altogether() -> None:
    found = _diagnose(policy=_policy('measure = "format"\none_of = ["png"]'))
    (issue,) = found.issues
    assert (issue.code, issue.severity, issue.confidence, issue.box) == ("FORMAT", 1, 1, None)


def test_a_photo_of_one_flat_color_is_empty_and_nothing_else() -> None:
    policy = _policy('measure = "border"\nat_most = 0.01')
    found = _diagnose(0.9, measured=_measure(border=0.5), policy=policy, luma=Luma(0.5, 0.001))
    assert (found.verdict, _codes(found), found.overall) == (Verdict.RETAKE, ["EMPTY"], 0)
    assert not found.issues[0].fixable


# what the device can repair


@pytest.mark.parametrize(
    ("attributes", "measured", "verdict"),
    [
        ({"exposure": 0.1}, _measure(brightness=20, clipped_bright=0.0), Verdict.FIX),
        ({"exposure": 0.1}, _measure(brightness=90, clipped_bright=0.02), Verdict.FIX),
        ({"exposure": 0.1}, _measure(brightness=90, clipped_bright=0.021), Verdict.RETAKE),
        ({"noise": 0.3}, _measure(), Verdict.FIX),  # half of its bound
        ({"noise": 0.29}, _measure(), Verdict.RETAKE),
        ({"contrast": 0.1}, _measure(), Verdict.FIX),
        ({"color": 0.1}, _measure(), Verdict.FIX),
        ({"detail": 0.5}, _measure(), Verdict.RETAKE),
        ({"sharpness": 0.5}, _measure(), Verdict.RETAKE),
        ({"color": 0.1, "sharpness": 0.5}, _measure(), Verdict.RETAKE),  # one that cannot be repaired decides
        ({"color": 0.1, "contrast": 0.3}, _measure(), Verdict.FIX),
    ],
    ids=str,
)
def test_a_photo_is_to_fix_where_every_cause_can_be_repaired(
    attributes: dict[str, float], measured: Measurements, verdict: Verdict
) -> None:
    assert _diagnose(0.3, {**FINE, **attributes}, measured).verdict is verdict


def test_a_hint_that_cannot_be_repaired_does_not_stand_in_the_way() -> None:
    policy = _policy('measure = "cut_off"\nat_most = 0\nseverity = "should"')
    assert _diagnose(0.3, {**FINE, "color": 0.1}, _measure(cut_off=0.4), policy).verdict is Verdict.FIX


@pytest.mark.parametrize(
    ("fill", "short_side_px", "verdict"),
    [
        (0.4, 2000, Verdict.FIX),
        (0.4, 1999, Verdict.RETAKE),
        (0.2, 2000, Verdict.RETAKE),
        (0.2, 4000, Verdict.FIX),
    ],
)
def test_a_small_product_is_to_fix_where_a_closer_crop_keeps_enough_pixels(
    fill: float, short_side_px: float, verdict: Verdict
) -> None:
    policy = _policy('measure = "fill"\nat_least = 0.8', 'measure = "short_side_px"\nat_least = 1000')
    assert (
        _diagnose(measured=_measure(fill=fill, short_side_px=short_side_px), policy=policy).verdict is verdict
    )


def test_pixels_and_area_go_with_the_square_of_the_crop() -> None:
    pixels = 'measure = "pixels"\nat_least = 1_000_000'
    by_area = _policy('measure = "fill_area"\nat_least = 0.4', pixels)
    assert (
        _diagnose(measured=_measure(fill_area=0.1, pixels=4_000_000), policy=by_area).verdict is Verdict.FIX
    )
    assert (
        _diagnose(measured=_measure(fill_area=0.1, pixels=3_990_000), policy=by_area).verdict
        is Verdict.RETAKE
    )
    by_side = _policy('measure = "fill"\nat_least = 0.8', pixels)
    assert _diagnose(measured=_measure(fill=0.4, pixels=4_000_000), policy=by_side).verdict is Verdict.FIX
    assert _diagnose(measured=_measure(fill=0.4, pixels=3_990_000), policy=by_side).verdict is Verdict.RETAKE


@pytest.mark.parametrize(("confidence", "verdict"), [(0.79, Verdict.RETAKE), (0.8, Verdict.FIX)])
def test_a_background_is_to_fix_where_the_outline_is_sure(confidence: float, verdict: Verdict) -> None:
    policy = _policy('measure = "background_white"\nat_least = 0.95')
    assert _diagnose(measured=_measure(confidence, background_white=0.1), policy=policy).verdict is verdict


# what could not be checked


@pytest.mark.parametrize(
    ("rule", "overall", "verdict", "codes"),
    [
        ('measure = "background_white"\nat_least = 0.9', 0.9, Verdict.REVIEW, ["UNCHECKED"]),
        ('measure = "background_white"\nat_least = 0.9', 0.3, Verdict.RETAKE, ["BLUR", "UNCHECKED"]),
        ('measure = "background_white"\nat_least = 0.9\nseverity = "should"', 0.9, Verdict.ACCEPT, []),
        ('measure = "upscaled"\nat_most = 1.5', 0.9, Verdict.ACCEPT, []),  # a large JPEG never shows it
    ],
)
def test_a_must_that_waits_for_an_outline_is_never_taken_for_held(
    rule: str, overall: float, verdict: Verdict, codes: list[str]
) -> None:
    attributes = FINE if overall > 0.5 else {**FINE, "sharpness": 0.2}
    found = _diagnose(overall, attributes, _measure(0.3), _policy(rule))
    assert (found.verdict, _codes(found)) == (verdict, codes)


@pytest.mark.parametrize(("confidence", "verdict"), [(0.9, Verdict.ACCEPT), (0.3, Verdict.REVIEW)])
def test_a_product_without_a_straight_edge_breaks_no_rule_about_leaning(
    confidence: float, verdict: Verdict
) -> None:
    policy = _policy('measure = "skew"\nat_least = -2\nat_most = 2')
    assert _diagnose(measured=_measure(confidence), policy=policy).verdict is verdict


def test_what_can_be_repaired_is_repaired_first_and_checked_then() -> None:
    rules = ('measure = "background_white"\nat_least = 0.9', 'measure = "skew"\nat_least = -2\nat_most = 2')
    found = _diagnose(measured=_measure(0.3, skew=9), policy=_policy(*rules))
    assert (found.verdict, _codes(found)) == (Verdict.FIX, ["SKEW", "UNCHECKED"])


# the verdict


@given(
    st.sampled_from((Verdict.ACCEPT, Verdict.REVIEW, Verdict.RETAKE)),
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=4),
    st.booleans(),
)
def test_every_decision_is_sound(by_scores: Verdict, causes: list[tuple[bool, bool]], refused: bool) -> None:
    issues = [
        Issue("NOISE", 0.5, None, None, fixable, 0, "what", "advice", blocking)
        for fixable, blocking in causes
    ]
    policy = _policy('measure = "border"\nat_most = 0.01')
    results = policy.check(_measure(border=0.5 if refused else 0.0).values, None)
    verdict = decide(by_scores, issues, results)
    blocking = [fixable for fixable, blocks in causes if blocks]
    assert (verdict is Verdict.ACCEPT) is (not blocking)
    close = bool(blocking) and by_scores is Verdict.REVIEW and not refused
    assert (verdict is Verdict.REVIEW) is close
    assert (verdict is Verdict.FIX) is (bool(blocking) and all(blocking) and not close)


def test_too_close_to_call_is_for_review_unless_the_marketplace_refuses_the_photo() -> None:
    soft, policy = {**FINE, "detail": 0.5}, _policy('measure = "border"\nat_most = 0.01')
    assert _diagnose(0.6, soft, _measure(border=0.0), policy).verdict is Verdict.REVIEW
    assert _diagnose(0.6, soft, _measure(border=0.1), policy).verdict is Verdict.RETAKE
    assert _diagnose(0.6, {**FINE, "color": 0.5}, _measure(border=0.0), policy).verdict is Verdict.REVIEW


@given(
    share,
    st.fixed_dictionaries(dict.fromkeys(ATTRIBUTES, share)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("motion", "clipped_bright", "border", "fill"), share)),
    st.floats(0, 100),
    share,
)
def test_every_diagnosis_is_sound(
    overall: float, attributes: dict[str, float], values: dict[str, float], brightness: float, mask: float
) -> None:
    policy = _policy(
        'measure = "border"\nat_most = 0.1', 'measure = "fill"\nat_least = 0.5\nseverity = "should"'
    )
    found = _diagnose(overall, attributes, _measure(mask, brightness=brightness, **values), policy)
    codes = _codes(found)
    assert len(set(codes)) == len(codes) and set(codes) <= set(CODES)
    assert any(issue.blocking for issue in found.issues) is (found.verdict is not Verdict.ACCEPT)
    assert [issue.blocking for issue in found.issues] == sorted(
        (issue.blocking for issue in found.issues), reverse=True
    )
    for issue in found.issues:
        assert 0 <= issue.severity <= 1 and 0 <= issue.gain <= 100
        said = WORDS.causes[issue.code]
        assert (issue.message, issue.advice) == (said.what, said.advice)


def test_scores_alone_call_every_refined_code_by_one_of_theirs() -> None:
    assert {code: name_by_scores(code) for code in ("BLUR_MOTION", "BLUR_DEFOCUS", "UPSCALED")} == {
        "BLUR_MOTION": "BLUR",
        "BLUR_DEFOCUS": "BLUR",
        "UPSCALED": "LOW_DETAIL",
    }
    for code in ("TOO_DARK", "TOO_BRIGHT", "EMPTY", "CUT_OFF", "NOISE"):
        assert name_by_scores(code) == code
