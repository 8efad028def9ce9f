"""From a report to a repair: what the repairs must know of a photo, and the model as the judge of their strengths.

`Inspector.fix`, `edge-iqa fix` and `edge-iqa report --fix` all repair by `repair`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_iqa import image
from edge_iqa.causes import UNCHECKED
from edge_iqa.codes import CAUSES
from edge_iqa.enhance import Diagnosis, Fixed, improve
from edge_iqa.errors import OutputError
from edge_iqa.files import write_bytes
from edge_iqa.fix.encode import SUFFIX_FORMATS, Fineness, encode
from edge_iqa.frame import Frame
from edge_iqa.policy import Policy
from edge_iqa.rating import rate
from edge_iqa.repairs.base import Scorer, Scores
from edge_iqa.repairs.context import Context
from edge_iqa.report import Report, Verdict
from edge_iqa.rule import Rule

if TYPE_CHECKING:
    from edge_iqa.backends.base import Backend
    from edge_iqa.bundle import Bundle
    from edge_iqa.image import Photo

_ROOM = 1.02
"""How much more than the bound a crop fills, so that measuring it again cannot fall short by a pixel."""
_MOST_FILL = 0.95
WHOLE_PX = 65_535
"""Long side to read with: nothing is shrunk."""
CLEARLY = 12.0
"""Points that a photo must gain whose verdict was not `fix`: half of the smaller gains led away from clean sources."""
_SIDES = ("long_side_px", "short_side_px", "width_px", "height_px")


class Judge(Protocol):
    """What repairs ask of an `Inspector`, which itself knows repairs only by name."""

    @property
    def bundle(self) -> Bundle:
        """Whose views and bounds count."""

    @property
    def backend(self) -> Backend:
        """Runs the model."""

    def inspect(self, photo: Photo, policy: Policy) -> Report:
        """Judge one photo."""


@dataclass(frozen=True, eq=False)
class FixedPhoto:
    """What became of a photo.

    Attributes:
        pixels: uint8 HxWx3, RGB, upright, at the photo's own scale; as they were read where nothing was changed.
        steps: repairs that were made, in order, for people: "exposure (85%)".
        why: what was done, or why nothing was, for people.
        before, after: reports; the same one where nothing was changed.
        fixed: parameters and scores of the repairs; None where none was tried.
        notes: of reading.
    """

    pixels: NDArray[np.uint8]
    steps: tuple[str, ...]
    why: str
    before: Report
    after: Report
    fixed: Fixed | None = None
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any repair was made."""
        return bool(self.steps)

    def save(self, path: str | os.PathLike[str], replace: bool = False) -> Path:
        """Write it as a file to upload: the ending of the name says the format. Of metadata it has none.

        Args:
            path: where to; .jpg, .png or .webp.
            replace: whether a file that stands there may be replaced.

        Raises:
            OutputError: another ending, or it cannot be written.
        """
        kind = SUFFIX_FORMATS.get(Path(path).suffix.lower())
        if kind is None:
            endings = ", ".join(SUFFIX_FORMATS)
            raise OutputError(f"{path}: expected a name that ends in {endings}; choose one of these")
        return write_bytes(path, encode(self.pixels, kind, Fineness()), replace=replace)

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        before, after = self.before, self.after
        verdict, score = f"{before.verdict}", f"{before.score:.1f}"
        if self.changed:
            verdict, score = f"{verdict} → {after.verdict}", f"{score} → {after.score:.1f}"
        return f"FixedPhoto({width} x {height} px, {verdict}, score {score}, {self.why})"


_NOT_TRIED = {
    Verdict.ACCEPT: "nothing to repair: the photo is accepted",
    Verdict.RETAKE: "left as it was: no repair helps, take a new photo",
    Verdict.REVIEW: "left as it was: too close to call, somebody should look at it",
}


def _tell_untried(report: Report) -> str:
    if any(issue.code == UNCHECKED for issue in report.issues):
        return "left as it was: not all that is asked for could be checked, somebody should look at it"
    return _NOT_TRIED[report.verdict]


def fix_photo(inspector: Judge, photo: Photo, policy: Policy) -> FixedPhoto:
    """Inspect a photo, repair it where that may help, and inspect what came of it; see `Inspector.fix`."""
    report = inspector.inspect(photo, policy)
    frame = image.read(photo, long_side_px=WHOLE_PX)
    fixed = repair(frame, report, policy, inspector)
    if fixed is None or not fixed.changed:
        why = _tell_untried(report) if fixed is None else fixed.why
        return FixedPhoto(frame.pixels, (), why, report, report, fixed, frame.notes)
    after = inspector.inspect(fixed.pixels, policy)
    if report.verdict is not Verdict.FIX and after.verdict is not Verdict.ACCEPT:
        why = f"left as it was: it would still be {after.verdict.value}"
        return FixedPhoto(frame.pixels, (), why, report, report, fixed, frame.notes)
    steps = describe(fixed)
    return FixedPhoto(fixed.pixels, steps, ", ".join(steps), report, after, fixed, frame.notes)


def repair(
    frame: Frame, report: Report, policy: Policy, inspector: Judge, scale: float = 1.0
) -> Fixed | None:
    """Repair one photo; None where no repair could end in an accepted one, so that nothing is tried.

    Args:
        frame: the photo, at the size that shall be repaired.
        report: of the photo, by this policy.
        policy, inspector, scale: see `to_diagnosis`.
    """
    if not may_try(report):
        return None
    fixed = improve(frame, to_diagnosis(report, policy, inspector, scale), make_scorer(inspector))
    if report.verdict is Verdict.FIX or not fixed.changed or fixed.after[0] >= fixed.before[0] + CLEARLY:
        return fixed
    gain = f"{fixed.before[0]:.1f} → {fixed.after[0]:.1f}"
    why = f"left as it was: too little gained for a photo that is in doubt ({gain})"
    return dataclasses.replace(fixed, pixels=frame.pixels, steps=(), after=fixed.before, why=why)


def may_try(report: Report) -> bool:
    """Whether a repair could end in an accepted photo.

    True for the verdict `fix`; and where the scores alone doubt or refuse the photo and one of its causes can be
    repaired: what they name besides is often the shadow of that cause (a dark photo is called poor in detail), and
    only a photo that reaches the bound of accept, and clearly more than it had, is kept. A color that is in doubt
    stays: what a cast is, no photo tells by itself. What a rule refuses and no repair removes stays as it is.
    """
    if report.verdict is Verdict.FIX:
        return True
    blocking = [issue for issue in report.issues if issue.blocking]
    refused = {each.code for each in report.rules if each.status == "broken" and each.severity == "must"}
    lost = any(issue.code in refused for issue in blocking if not issue.fixable)
    doubtful = any(issue.code == "COLOR_CAST" for issue in blocking)
    return any(issue.fixable for issue in blocking) and not lost and not doubtful


def describe(fixed: Fixed) -> tuple[str, ...]:
    """Repairs that were made, for people."""
    return tuple(f"{step.name} ({step.strength:.0%})" for step in fixed.steps)


def make_scorer(inspector: Judge) -> Scorer:
    """The model as a function of pixels, as repairs ask it."""

    def score(pixels: NDArray[np.uint8]) -> Scores:
        scored = rate(inspector, pixels)
        return 100 * scored.overall, {name: 100 * value for name, value in scored.attributes.items()}

    return score


def to_diagnosis(report: Report, policy: Policy, inspector: Judge, scale: float = 1.0) -> Diagnosis:
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
        place=mask.place,
        values={name: each.value for name, each in report.measurements.items()},
        fill=_find_fill(report, policy),
        aspect_ratio=_find_aspect_ratio(report, policy),
        shortest_px=_find_shortest(report, policy, scale),
    )
    codes = tuple(dict.fromkeys(issue.code for issue in report.issues if issue.blocking))
    enough = {name: 100 * bound for name, bound in bounds.attributes.items()}
    return Diagnosis(codes, context, enough, 100 * bounds.accept)


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
