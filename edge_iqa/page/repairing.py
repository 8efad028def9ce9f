"""Photos repaired for the page: on a copy at viewing scale, which shows all that people can see on it."""

from __future__ import annotations

from edge_iqa.fix.photo import describe, repair
from edge_iqa.frame import Frame
from edge_iqa.inspector import Inspector
from edge_iqa.page.entry import Repair
from edge_iqa.pixels import to_viewing
from edge_iqa.policy import Policy
from edge_iqa.report import Report

_LEFT = "left as it was: "
"""The page says so itself."""


def repair_for_page(frame: Frame, report: Report, inspector: Inspector, policy: Policy) -> Repair | None:
    """Repair one photo; None where no repair could bring it to accept, so that none is tried."""
    pixels = to_viewing(frame.pixels)
    scale = max(pixels.shape[:2]) / max(report.width_px, report.height_px)
    fixed = repair(Frame(pixels, pixels.shape[1], pixels.shape[0]), report, policy, inspector, scale)
    if fixed is None:
        return None
    if not fixed.changed:
        return Repair(None, (), fixed.before, fixed.after, why=fixed.why.removeprefix(_LEFT))
    # a smaller copy would break rules of size that the photo itself keeps
    verdict = inspector.inspect(fixed.pixels, policy).verdict.value if scale == 1 else None
    return Repair(fixed.pixels, describe(fixed), fixed.before, fixed.after, verdict=verdict)
