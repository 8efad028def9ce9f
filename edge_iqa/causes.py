"""Scores, measurements and rules → the causes of a verdict, the first the one to tell a seller.

Scores see that something is wrong and how much it matters; measurements say what it is and where; rules say what a
marketplace refuses whatever the scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edge_iqa.calibration import Calibration
from edge_iqa.fixable import can_repair
from edge_iqa.luma import Luma
from edge_iqa.manifest import Thresholds
from edge_iqa.measure import Measurements
from edge_iqa.measurement import Box
from edge_iqa.naming import name_exposure, name_fault
from edge_iqa.policy import Policy
from edge_iqa.report import Issue, RuleResult, Verdict
from edge_iqa.rule import Rule
from edge_iqa.verdict import Fault, Judgement, judge
from edge_iqa.words import Words

_FILE = (
    "format", "width_px", "height_px", "long_side_px", "short_side_px", "pixels", "aspect_ratio", "file_bytes",
)  # fmt: skip
"""Facts, not estimates."""

_BY_OUTLINE = (
    "products", "fill", "fill_area", "off_center", "cut_off", "skew",
    "brightness", "clipped_bright", "blown", "clipped_dark", "contrast", "cast", "saturation",
    "background_white", "background_brightness", "background_color", "background_uneven",
)  # fmt: skip
"""As right as the product's place is."""

UNCHECKED = "UNCHECKED"
"""The cause where a `must` asks for something of `_BY_OUTLINE` that could not be measured: what the photo hides from
the device, a marketplace may see. Others do not count: large JPEGs, decoded small, never show an enlargement."""

_SEEN_IN = {
    "BLUR": "blur",
    "BLUR_DEFOCUS": "blur",
    "BLUR_MOTION": "motion",
    "NOISE": "noise",
    "TOO_DARK": "brightness",
    "TOO_BRIGHT": "clipped_bright",
    "LOW_CONTRAST": "contrast",
    "COLOR_CAST": "cast",
    "LOW_DETAIL": "true_long_side_px",
    "UPSCALED": "upscaled",
}
"""Code that scores raise → the measurement whose box shows it."""


@dataclass(frozen=True)
class Scored:
    """What the model says of one photo: the overall score and those of attributes, 0-1."""

    overall: float
    attributes: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Case:
    """One photo, as the model, measurements and a policy see it.

    Attributes:
        scored: what the model says.
        luma: light of the whole photo.
        measured: what was measured.
        thresholds: bounds of scores, those of the policy where they are tighter.
        calibration: how sure scores are; None where the bundle does not say.
        policy: what is asked of the photo.
        results: how its rules came out.
    """

    scored: Scored
    luma: Luma
    measured: Measurements
    thresholds: Thresholds
    calibration: Calibration | None
    policy: Policy
    results: tuple[RuleResult, ...]


@dataclass(frozen=True)
class Diagnosis:
    """Verdict and causes of a photo.

    Attributes:
        verdict: what to do.
        issues: causes and hints, the first the one to tell.
        overall: score (0-1) that agrees with the verdict of the scores.
        confidence: chance that the side of that verdict, good or not, is right; None without calibration.
    """

    verdict: Verdict
    issues: tuple[Issue, ...]
    overall: float
    confidence: float | None


@dataclass(frozen=True)
class _Cause:
    """An issue that has no words yet."""

    code: str
    severity: float
    confidence: float | None
    box: Box | None
    gain: float
    blocking: bool

    @property
    def rank(self) -> tuple[bool, float, float]:
        """The largest comes first."""
        return self.blocking, self.gain, self.severity


def diagnose(case: Case, words: Words) -> Diagnosis:
    """Find the causes of one photo, and decide what to do.

    Causes are attributes below their bound, which block unless the scores accept the photo, and broken rules, which
    block where the marketplace refuses the photo (`must`); the others are hints. A `must` that could not be checked, as
    no outline was found, is a cause too, `UNCHECKED`. Each code comes once. A photo of one flat color has one cause,
    `EMPTY`.
    """
    judgement = _judge(case)
    causes = [cause for fault in judgement.faults for cause in _explain_fault(fault, judgement, case)]
    if judgement.faults[:1] != (_EMPTY,):
        causes += _explain_rules(case)
    rules = _index_rules(case.policy)
    issues = tuple(_say(cause, case, rules, words) for cause in _rank(causes))
    return Diagnosis(
        decide(judgement.verdict, issues, case.results),
        issues,
        judgement.overall,
        _weigh_verdict(judgement, case.calibration),
    )


def decide(by_scores: Verdict, issues: Sequence[Issue], results: Sequence[RuleResult]) -> Verdict:
    """Decide what to do.

    Args:
        by_scores: what the scores alone say.
        issues: causes and hints.
        results: how the rules of the policy came out.

    Returns:
        Accept where nothing blocks; review where no marketplace refuses the photo, but the scores are too close to
        call or a rule that must hold could not be checked; fix where the device can repair all that is known to
        block; else retake.
    """
    blocking = [issue for issue in issues if issue.blocking]
    known = [issue for issue in blocking if issue.code != UNCHECKED]
    if not blocking:
        return Verdict.ACCEPT
    refused = any(each.status == "broken" and each.severity == "must" for each in results)
    if not known or (by_scores is Verdict.REVIEW and not refused):
        return Verdict.REVIEW
    return Verdict.FIX if all(issue.fixable for issue in known) else Verdict.RETAKE


_EMPTY = Fault("EMPTY", None, 1.0)


def _judge(case: Case) -> Judgement:
    """Judge the scores; an exposure that no measurement of the product confirms is not to blame."""
    overall, attributes = case.scored.overall, case.scored.attributes
    judgement = judge(overall, attributes, case.luma, case.thresholds)
    exposure = next((fault for fault in judgement.faults if fault.attribute == "exposure"), None)
    if exposure is None or len(attributes) == 1 or name_exposure(exposure.code, case.measured) is not None:
        return judgement
    others = {name: value for name, value in attributes.items() if name != "exposure"}
    return judge(overall, others, case.luma, case.thresholds)


def _explain_fault(fault: Fault, judgement: Judgement, case: Case) -> list[_Cause]:
    """The causes behind one attribute below its bound."""
    blocking = judgement.verdict is not Verdict.ACCEPT
    if fault.attribute is None:
        return [_Cause(fault.code, fault.severity, 1.0, None, 0.0, blocking)]
    confidence = _weigh_attribute(fault.attribute, case)
    gain = _gain(fault.attribute, judgement, case)
    return [
        _Cause(code, fault.severity, confidence, _find_box(code, case.measured), gain, blocking)
        for code in name_fault(fault, case.measured)
    ]


def _gain(attribute: str, judgement: Judgement, case: Case) -> float:
    """Points that the overall score, a product of attributes, would win if this one reached its bound.

    Where none is below its bound, what is missing of an overall score that is accepted.
    """
    value, bound = case.scored.attributes[attribute], case.thresholds.attributes[attribute]
    most = 100 * (1 - judgement.overall)
    if value >= bound:
        return 100 * (case.thresholds.accept - judgement.overall)
    return min(most, 100 * judgement.overall * (bound / max(value, 1e-6) - 1))


def _find_box(code: str, measured: Measurements) -> Box | None:
    found = measured.values.get(_SEEN_IN[code])
    return None if found is None else found.box


def _explain_rules(case: Case) -> list[_Cause]:
    rules = _index_rules(case.policy)
    causes = []
    for each in case.results:
        if each.status == "broken":
            measured = case.measured.values.get(each.measure)
            causes.append(
                _Cause(
                    each.code,
                    rules[each.rule].miss(each.value),
                    _weigh_measure(each.measure, case.measured),
                    None if measured is None else measured.box,
                    0.0,
                    each.severity == "must",
                )
            )
        elif each.severity == "must" and _hides(each, case.measured):
            causes.append(_Cause(UNCHECKED, 0.0, None, None, 0.0, True))
    return causes


def _hides(result: RuleResult, measured: Measurements) -> bool:
    """Whether a rule could not be checked as no outline was found. A product that was found, and has no straight edge
    to lean by, breaks no rule about leaning."""
    return result.status == "not measured" and result.measure in _BY_OUTLINE and not measured.mask.is_found


def _index_rules(policy: Policy) -> dict[str, Rule]:
    return {f"{policy.name}/{rule.id}": rule for rule in policy.rules}


def _rank(causes: Sequence[_Cause]) -> list[_Cause]:
    """Each code once, as its strongest; what blocks comes first, then what the score would win most without."""
    strongest: dict[str, _Cause] = {}
    for cause in sorted(causes, key=lambda cause: cause.rank, reverse=True):
        kept = strongest.setdefault(cause.code, cause)
        strongest[cause.code] = replace(
            kept, gain=max(kept.gain, cause.gain), severity=max(kept.severity, cause.severity)
        )
    return sorted(strongest.values(), key=lambda cause: cause.rank, reverse=True)


def _say(cause: _Cause, case: Case, rules: Mapping[str, Rule], words: Words) -> Issue:
    said = words.causes[cause.code]
    return Issue(
        code=cause.code,
        severity=cause.severity,
        confidence=cause.confidence,
        box=cause.box,
        fixable=can_repair(cause.code, cause.severity, case.measured, rules, case.results),
        gain=cause.gain,
        message=said.what,
        advice=said.advice,
        blocking=cause.blocking,
    )


def _weigh_attribute(attribute: str, case: Case) -> float | None:
    """Chance that an attribute is bad, by the curve of the bundle where it has one."""
    curve = None if case.calibration is None else case.calibration.attributes.get(attribute)
    return None if curve is None else 1 - curve.chance(case.scored.attributes[attribute])


def _weigh_measure(measure: str, measured: Measurements) -> float | None:
    """How sure a measurement is; None where nothing tells."""
    if measure in _FILE:
        return 1.0
    if measure == "product":
        return 1 - measured.mask.place
    if measure == "background_white" and not measured.mask.is_found:  # told by the rim of the photo
        return None
    return measured.mask.place if measure in _BY_OUTLINE else None


def _weigh_verdict(judgement: Judgement, calibration: Calibration | None) -> float | None:
    if calibration is None:
        return None
    if judgement.verdict is Verdict.REVIEW:
        return calibration.overall.confidence(judgement.overall)
    chance = calibration.overall.chance(judgement.overall)
    return chance if judgement.verdict is Verdict.ACCEPT else 1 - chance
