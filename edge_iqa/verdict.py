"""Scores and bounds → verdict and issues, in words that a seller can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_iqa.luma import Luma
from edge_iqa.manifest import Thresholds
from edge_iqa.report import Issue, Verdict

_FLAT_STD = 2 / 255
"""A photo whose luma varies less than this shows nothing: a covered lens, a blank wall."""

_CODES = {
    "sharpness": "BLUR",
    "contrast": "LOW_CONTRAST",
    "color": "COLOR_CAST",
    "noise": "NOISE",
    "detail": "LOW_DETAIL",
}
"""Attribute → code; exposure has two, by the side that it fails on."""

WORDS = {
    "BLUR": ("The photo is blurry.", "Hold the phone still, tap the product to focus, and take it again."),
    "NOISE": ("The photo is grainy.", "Add light or move to a window, and take it again."),
    "TOO_DARK": ("The photo is too dark.", "Turn on a lamp or move to a window, and take it again."),
    "TOO_BRIGHT": (
        "The photo is too bright.",
        "Move out of direct light, tap the brightest part of the product, and take it again.",
    ),
    "LOW_DETAIL": (
        "Fine detail is missing.",
        "Use the original from the camera, not a screenshot or a copy from a chat, and do not enlarge it.",
    ),
    "LOW_CONTRAST": (
        "Light and dark look wrong: hazy or flat, or too harsh.",
        "Wipe the lens, turn away from bright light, use no filter, and take it again.",
    ),
    "COLOR_CAST": ("The colors are off.", "Use daylight or one kind of lamp only, and take it again."),
    "EMPTY": ("Nothing can be seen in the photo.", "Check that nothing covers the lens, and take it again."),
}
"""Code → message and advice."""


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reasons, and the overall score (0-1) that agrees with it."""

    verdict: Verdict
    issues: tuple[Issue, ...]
    overall: float


def judge(overall: float, attributes: Mapping[str, float], luma: Luma, thresholds: Thresholds) -> Judgement:
    """Judge one photo.

    Args:
        overall: overall score, 0-1.
        attributes: attribute scores, 0-1.
        luma: light of the whole photo.
        thresholds: bounds of the bundle.

    Returns:
        Accept from `thresholds.accept` up, retake below `thresholds.reject`, review between; an
        issue for each attribute below its bound, the worst first. A photo that is not accepted has
        at least one issue: where no attribute is below its bound, the one that comes nearest.
        A photo of one flat color is `EMPTY`, whatever the model says, and scores 0.
    """
    if luma.std < _FLAT_STD:
        return Judgement(Verdict.RETAKE, (_make_issue("EMPTY", 1.0),), 0.0)
    verdict = Verdict.ACCEPT if overall >= thresholds.accept else Verdict.REVIEW
    if overall < thresholds.reject:
        verdict = Verdict.RETAKE
    short = {name: _shortfall(value, thresholds.attributes[name]) for name, value in attributes.items()}
    below = sorted((name for name in short if short[name] > 0), key=lambda name: -short[name])
    if not below and verdict is not Verdict.ACCEPT:
        below = [max(short, key=lambda name: short[name])]
        short[below[0]] = _shortfall(overall, thresholds.accept)
    issues = tuple(_make_issue(_code(name, luma, thresholds), short[name]) for name in below)
    return Judgement(verdict, issues, overall)


def _shortfall(value: float, bound: float) -> float:
    """How far below its bound, as a share of the bound: 1 at zero, negative above."""
    return (bound - value) / max(bound, 1e-6)


def _code(attribute: str, luma: Luma, thresholds: Thresholds) -> str:
    if attribute == "exposure":
        return "TOO_DARK" if luma.mean < thresholds.dark_below else "TOO_BRIGHT"
    return _CODES[attribute]


def _make_issue(code: str, severity: float) -> Issue:
    message, advice = WORDS[code]
    return Issue(code, severity, message, advice)
