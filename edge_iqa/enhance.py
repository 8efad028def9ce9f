"""Repair what a phone can repair, and never make a photo worse.

From the causes follow the repairs; the model's own score finds their strengths, on a copy at viewing scale,
one after the other, and once more all together where the guards refuse what came of that. The result stands
only if the score and the attributes named as causes rise, no other attribute falls, and the product keeps
its color. Geometry and background, of which the model knows nothing, stand by their own measurements
(`edge_iqa.repairs.reshape`). Otherwise the photo stays as it was, and the result says why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge_iqa.fixable import MOST_CLIPPED
from edge_iqa.frame import Frame
from edge_iqa.pixels import Pixels, to_viewing
from edge_iqa.repairs import tones
from edge_iqa.repairs.base import MOST_FALL, Scorer, Scores, Step, apply_steps
from edge_iqa.repairs.color_guard import color_shift
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.refine import refine
from edge_iqa.repairs.reshape import SHAPES, reshape

MOST_SHIFT = 0.01
"""Mean u'v' that the product's color may move, unless color was the fault."""
LEAST_GAIN = 3.0
"""Points of the overall score that repairs of light, color and noise must bring."""

_MILDER = (1.0, 0.93, 0.86, 0.79, 0.72, 0.65, 0.5, 0.35, 0.25)
"""How much of the repairs is made, where all of them would not stand."""
_MARGIN = 12.0
"""Points above the bound of accept that suffice: what more of a repair would bring is more of a guess."""

ATTRIBUTES: Mapping[str, str] = {
    "TOO_DARK": "exposure",
    "TOO_BRIGHT": "exposure",
    "LOW_CONTRAST": "contrast",
    "COLOR_CAST": "color",
    "NOISE": "noise",
}
"""Codes of light, color and noise, and the attribute that a repair must raise."""
ELSEWHERE = ("FILE_TOO_LARGE", "FORMAT", "TOO_LARGE")
"""Codes that are settled when the file is written."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What is wrong with a photo.

    Attributes:
        causes: codes, the worst first.
        context: product mask, measurements and what the policy wants.
        enough: attribute → score (0-100) from which on it is no cause.
        accept: overall score (0-100) from which on the photo is good enough; repairs of light, color and noise that
            do not reach it are not worth their risk.
    """

    causes: Sequence[str]
    context: Context = field(default_factory=Context)
    enough: Mapping[str, float] = field(default_factory=dict)
    accept: float = 0.0


@dataclass(frozen=True, eq=False)
class Fixed:
    """What became of a photo.

    Attributes:
        pixels: uint8 HxWx3, RGB; the very array that came in where nothing was changed.
        steps: repairs that were made, in order.
        before, after: overall score and attributes, 0-100; the same where nothing was changed.
        retake: causes that no repair removes.
        why: what was done or why nothing was, in words for people.
    """

    pixels: Pixels
    steps: tuple[Step, ...]
    before: Scores
    after: Scores
    retake: tuple[str, ...]
    why: str

    @property
    def changed(self) -> bool:
        """Whether any repair was made."""
        return bool(self.steps)


def improve(frame: Frame, diagnosis: Diagnosis, score: Scorer) -> Fixed:
    """Repair one photo as far as it gets better.

    Args:
        frame: the photo, at the size in which it shall be written.
        diagnosis: what is wrong with it.
        score: pixels (uint8 HxWx3 RGB, of any size) → overall score and attributes, 0-100.

    Returns:
        The result. Nothing is ever enlarged; a plain background may be continued at the edges.
    """
    before = score(to_viewing(frame.pixels))
    unable = tuple(code for code in diagnosis.causes if code not in (*ATTRIBUTES, *SHAPES, *ELSEWHERE))
    if "TOO_BRIGHT" in diagnosis.causes and clipped_share(frame.pixels, diagnosis.context) > MOST_CLIPPED:
        unable = (*unable, "TOO_BRIGHT")
    state = Fixed(frame.pixels, (), before, before, unable, "")
    causes = [code for code in diagnosis.causes if code not in unable]
    if diagnosis.causes and diagnosis.causes[0] in unable:
        return replace(state, why=f"left as it was: no repair is known for {diagnosis.causes[0]}")
    reasons = []
    if "LOW_CONTRAST" in causes and not tones.has_room(frame.pixels):
        causes.remove("LOW_CONTRAST")
        if not any(code in ATTRIBUTES for code in causes):
            reasons.append(
                "left as it was: its tones reach black or white already, so that more contrast is a guess"
            )
    diagnosis = replace(diagnosis, causes=causes)
    if any(code in ATTRIBUTES for code in diagnosis.causes):
        state, reason = _improve_tones(state, diagnosis, score)
        reasons.append(reason)
    if any(code in SHAPES for code in diagnosis.causes):
        shape = state.pixels, state.after, diagnosis.causes, diagnosis.context
        done = reshape(*shape, score, diagnosis.accept)
        state = replace(state, pixels=done.pixels, steps=(*state.steps, *done.steps), after=done.scores)
        reasons += [_describe(done.steps)] if done.steps else []
        reasons += done.reasons
    if not reasons:
        reasons = ["no repair is known for its faults" if unable else "no fault was named"]
    why = "; ".join(dict.fromkeys(reasons))
    return Fixed(state.pixels, state.steps, before, state.after, unable, why)


def clipped_share(pixels: Pixels, context: Context) -> float:
    """Share of the product that is burnt out: measured already, or where every channel is at its end."""
    if "clipped_bright" in context.values:
        return context.values["clipped_bright"]
    small = pixels[:: max(1, pixels.shape[0] // 512), :: max(1, pixels.shape[1] // 512)]
    return float((small[context.product_at(small.shape)].min(-1) >= 252).mean())


def find_fault(before: Scores, after: Scores, causes: Collection[str], accept: float = 0.0) -> str | None:
    """Say why a repaired photo may not stand, None where it may.

    Args:
        before, after: overall score and attributes, 0-100.
        causes: codes that the repair was made for.
        accept: see `Diagnosis`.
    """
    gain = after[0] - before[0]
    if gain >= LEAST_GAIN and after[0] < accept:
        return f"it would still not be good enough ({before[0]:.1f} → {after[0]:.1f})"
    if gain < LEAST_GAIN:
        return f"the score would not have risen clearly ({before[0]:.1f} → {after[0]:.1f})"
    meant = {ATTRIBUTES[code] for code in causes if code in ATTRIBUTES}
    for name, value in before[1].items():
        change = after[1][name] - value
        if name in meant and change <= 0 and value < 99:
            return f"{name} would not have risen ({value:.1f} → {after[1][name]:.1f})"
        if name not in meant and change < -MOST_FALL:
            return f"{name} would have fallen ({value:.1f} → {after[1][name]:.1f})"
    return None


def _improve_tones(state: Fixed, diagnosis: Diagnosis, score: Scorer) -> tuple[Fixed, str]:
    small, context = to_viewing(state.pixels), diagnosis.context
    search = tones.Search(score, context, state.before, small, diagnosis.causes, diagnosis.enough)
    steps = tones.choose(search).steps
    if not steps:
        return state, "left as it was: no repair made it clearly better"
    done, fault = _make(state, steps, diagnosis, score)
    if fault is not None:  # what was chosen one after the other does not stand: all together, once more
        meant = {ATTRIBUTES[code] for code in diagnosis.causes if code in ATTRIBUTES}
        refined = refine(search, steps, meant)
        if refined != steps:
            done, again = _make(state, refined, diagnosis, score)
            fault = fault if again is not None else None
    return done, f"left as it was: {fault}" if fault is not None else _describe(done.steps)


def _make(
    state: Fixed, steps: tuple[Step, ...], diagnosis: Diagnosis, score: Scorer
) -> tuple[Fixed, str | None]:
    """Make repairs as mildly as suffices; say why the photo stays as it was, None where a repair stands."""
    small, context = to_viewing(state.pixels), diagnosis.context
    fault: str | None = None
    standing: list[tuple[Step, ...]] = []
    for milder in _MILDER:
        tried = tuple(replace(step, strength=round(step.strength * milder, 3)) for step in steps)
        reached, found = _judge(small, apply_steps(small, tried, context), state.before, diagnosis, score)
        fault = fault if milder < 1 else found  # of all of it: what is told
        if found is None and (not standing or reached[0] >= diagnosis.accept + _MARGIN):
            standing.append(tried)
        if reached[0] < diagnosis.accept + _MARGIN and (standing or reached[0] < diagnosis.accept):
            break
        if standing and not diagnosis.accept:
            break
    for tried in reversed(standing):
        pixels = apply_steps(state.pixels, tried, context)
        after, found = _judge(small, to_viewing(pixels), state.before, diagnosis, score)
        fault = found or fault
        if found is None:
            return replace(state, pixels=pixels, steps=tried, after=after), None
    return state, fault


def _judge(
    before: Pixels, after: Pixels, scores: Scores, diagnosis: Diagnosis, score: Scorer
) -> tuple[Scores, str | None]:
    """Score a repaired copy at viewing scale, and say why it may not stand, if so."""
    reached = score(after)
    fault = find_fault(scores, reached, diagnosis.causes, diagnosis.accept)
    if fault is None and "COLOR_CAST" not in diagnosis.causes:
        shift = color_shift(before, after, diagnosis.context.product if diagnosis.context.found else None)
        if shift > MOST_SHIFT:
            fault = f"the product's color would have moved (u'v' {shift:.3f})"
    return reached, fault


def _describe(steps: Sequence[Step]) -> str:
    return ", ".join(f"{step.name} ({step.strength:.0%})" for step in steps)
