"""From a report to a repair: what the repairs must know of a photo, and the model as the judge of their strengths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_iqa import views
from edge_iqa.codes import CAUSES
from edge_iqa.enhance import Diagnosis
from edge_iqa.frame import Frame
from edge_iqa.inspector import Inspector
from edge_iqa.policy import Policy
from edge_iqa.repairs.base import Scorer, Scores
from edge_iqa.repairs.context import Context
from edge_iqa.report import Report
from edge_iqa.rule import Rule

_ROOM = 1.02
"""How much more than the bound a crop fills, so that measuring it again cannot fall short by a pixel."""
_MOST_FILL = 0.95
_SIDES = ("long_side_px", "short_side_px", "width_px", "height_px")


def make_scorer(inspector: Inspector) -> Scorer:
    """The model as a function of pixels, as repairs ask it."""
    spec, names = inspector.bundle.manifest.views, inspector.bundle.manifest.outputs.attributes

    def score(pixels: NDArray[np.uint8]) -> Scores:
        frame = Frame(pixels, pixels.shape[1], pixels.shape[0])
        overall, *attributes = (100 * inspector.backend.run(views.cut(frame, spec)).scores).tolist()
        return overall, dict(zip(names, attributes, strict=True))

    return score


def to_diagnosis(report: Report, policy: Policy, inspector: Inspector, scale: float = 1.0) -> Diagnosis:
    """What is wrong with a photo, as repairs take it: the causes of its verdict, and no hints.

    Args:
        report: of the photo, by this policy.
        policy: says how large the product should be, and of what shape the photo.
        inspector: whose bounds of scores hold.
        scale: of the pixels that will be repaired, against those of the photo.
    """
    bounds, _ = policy.tighten(inspector.bundle.manifest.thresholds)
    mask = report.mask
    context = Context(
        product=mask.product if mask.is_found else None,
        background=mask.background,
        confidence=mask.confidence,
        values={name: each.value for name, each in report.measurements.items()},
        fill=_find_fill(report, policy),
        aspect_ratio=_find_aspect_ratio(report, policy),
        shortest_px=_find_shortest(report, policy, scale),
    )
    codes = tuple(dict.fromkeys(issue.code for issue in report.issues if issue.blocking))
    return Diagnosis(codes, context, {name: 100 * bound for name, bound in bounds.attributes.items()})


def can_try(report: Report) -> bool:
    """Whether a cause of the verdict can be repaired. A photo that is accepted is left alone."""
    return any(issue.blocking and issue.fixable for issue in report.issues)


def _find_fill(report: Report, policy: Policy) -> float | None:
    """Share of the photo that the product should span; None where no rule of it is broken."""
    wanted = [rule.at_least for rule in _broken(report, policy, lambda measure: measure == "fill")]
    least = [each for each in wanted if each is not None]
    return min(_MOST_FILL, _ROOM * max(least)) if least else None


def _find_aspect_ratio(report: Report, policy: Policy) -> float | None:
    """The nearest shape that the rules allow; None where none is broken."""
    ratio = report.width_px / report.height_px
    for rule in _broken(report, policy, lambda measure: CAUSES[measure].low == "ASPECT"):
        if rule.at_least is not None and ratio < rule.at_least:
            return rule.at_least
        if rule.at_most is not None and ratio > rule.at_most:
            return rule.at_most
    return None


def _find_shortest(report: Report, policy: Policy, scale: float) -> int:
    """Pixels that a crop must leave on the longer side."""
    held = {each.rule for each in report.rules if each.status == "held"}
    least = [
        rule.at_least
        for rule in policy.rules
        if rule.measure in _SIDES and rule.at_least is not None and f"{policy.name}/{rule.id}" in held
    ]
    return round(scale * max(least, default=Context.shortest_px))


def _broken(report: Report, policy: Policy, fits: Callable[[str], bool]) -> list[Rule]:
    names = {each.rule for each in report.rules if each.status == "broken"}
    return [rule for rule in policy.rules if f"{policy.name}/{rule.id}" in names and fits(rule.measure)]
