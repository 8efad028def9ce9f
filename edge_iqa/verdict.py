"""Scores and bounds → a verdict and the attributes that are to blame, as any port of a bundle does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_iqa.codes import SCORE_CODES
from edge_iqa.luma import Luma
from edge_iqa.manifest import Thresholds
from edge_iqa.report import Verdict

_FLAT_STD = 2 / 255
"""A photo whose luma varies less than this shows nothing: a covered lens, a blank wall."""


@dataclass(frozen=True)
class Fault:
    """An attribute below its bound.

    Attributes:
        code: what scores alone can call it, such as `BLUR`; `edge_iqa.causes` knows more.
        attribute: its name; None for `EMPTY`.
        severity: how far below, 0 to 1.
    """

    code: str
    attribute: str | None
    severity: float


@dataclass(frozen=True)
class Judgement:
    """What scores say: a verdict with its reasons, the worst first, and the overall score (0-1) that agrees with it."""

    verdict: Verdict
    faults: tuple[Fault, ...]
    overall: float


def judge(overall: float, attributes: Mapping[str, float], luma: Luma, thresholds: Thresholds) -> Judgement:
    """Judge one photo.

    Args:
        overall: overall score, 0-1.
        attributes: attribute scores, 0-1.
        luma: light of the whole photo.
        thresholds: bounds of the bundle.

    Returns:
        Accept from `thresholds.accept` up, retake below `thresholds.reject`, review between; a
        fault for each attribute below its bound, the worst first. A photo that is not accepted has
        at least one: where no attribute is below its bound, the one that comes nearest.
        A photo of one flat color is `EMPTY`, whatever the model says, and scores 0.
    """
    if luma.std < _FLAT_STD:
        return Judgement(Verdict.RETAKE, (Fault("EMPTY", None, 1.0),), 0.0)
    verdict = Verdict.ACCEPT if overall >= thresholds.accept else Verdict.REVIEW
    if overall < thresholds.reject:
        verdict = Verdict.RETAKE
    short = {name: _shortfall(value, thresholds.attributes[name]) for name, value in attributes.items()}
    below = sorted((name for name in short if short[name] > 0), key=lambda name: -short[name])
    if not below and verdict is not Verdict.ACCEPT:
        below = [max(short, key=lambda name: short[name])]
        short[below[0]] = _shortfall(overall, thresholds.accept)
    faults = tuple(Fault(_code(name, luma, thresholds), name, short[name]) for name in below)
    return Judgement(verdict, faults, overall)


def _shortfall(value: float, bound: float) -> float:
    """How far below its bound, as a share of the bound: 1 at zero, negative above."""
    return (bound - value) / max(bound, 1e-6)


def _code(attribute: str, luma: Luma, thresholds: Thresholds) -> str:
    if attribute == "exposure":
        return "TOO_DARK" if luma.mean < thresholds.dark_below else "TOO_BRIGHT"
    return SCORE_CODES[attribute]
