"""Photos repaired for the page: on a copy at viewing scale, which shows all that people can see on it."""

from __future__ import annotations

from edge_iqa.enhance import improve, to_viewing
from edge_iqa.fixing import can_try, make_scorer, to_diagnosis
from edge_iqa.frame import Frame
from edge_iqa.inspector import Inspector
from edge_iqa.page.entry import Repair
from edge_iqa.policy import Policy
from edge_iqa.report import Report

_LEFT = "left as it was: "
"""The page says so itself."""


def repair_for_page(frame: Frame, report: Report, inspector: Inspector, policy: Policy) -> Repair | None:
    """Try to repair one photo; None where nothing that can be repaired is wrong with it."""
    if not can_try(report):
        return None
    pixels = to_viewing(frame.pixels)
    scale = max(pixels.shape[:2]) / max(report.width_px, report.height_px)
    copy = Frame(pixels, pixels.shape[1], pixels.shape[0])
    fixed = improve(copy, to_diagnosis(report, policy, inspector, scale), make_scorer(inspector))
    if not fixed.changed:
        return Repair(None, (), fixed.before, fixed.after, why=fixed.why.removeprefix(_LEFT))
    steps = tuple(f"{step.name} ({step.strength:.0%})" for step in fixed.steps)
    # a smaller copy would break rules of size that the photo itself keeps
    verdict = inspector.inspect(fixed.pixels, policy).verdict.value if scale == 1 else None
    return Repair(fixed.pixels, steps, fixed.before, fixed.after, verdict=verdict)
