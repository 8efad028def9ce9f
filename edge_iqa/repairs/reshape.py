"""Repair geometry and background, where the measurement that was broken gets better.

The model was never taught geometry, so its score is no judge of it; it only must not fall clearly. Each repair
is made by itself, and measured again: what does not bring its measurement nearer to what was asked for, or costs the
product an edge, does not stand.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_iqa.frame import Frame
from edge_iqa.measure import measure
from edge_iqa.pixels import Pixels, to_viewing
from edge_iqa.repairs import shapes
from edge_iqa.repairs.base import MOST_FALL, Scorer, Scores, Step, apply_steps
from edge_iqa.repairs.context import Context

SHAPES = ("BACKGROUND", "SKEW", "FILL_LOW", "OFF_CENTER", "ASPECT")
"""Codes that are repaired by geometry or paint."""

_TURNS = (("BACKGROUND",), ("SKEW",), ("FILL_LOW", "OFF_CENTER", "ASPECT"))
"""What is repaired together, in order."""
_MEASURED = {
    "BACKGROUND": "background_white", "SKEW": "skew", "FILL_LOW": "fill", "OFF_CENTER": "off_center",
}  # fmt: skip
_LEAST = {"BACKGROUND": 0.05, "SKEW": 0.5, "FILL_LOW": 0.01, "OFF_CENTER": 0.01, "ASPECT": 0.01}
"""By how much the measurement must get better."""
_OTHER_COST = 3.0
"""Points that the score may fall besides, because a white background or another framing moves it by itself."""
_WHITE = 0.9
"""Share of the background that must be white in the end: what is half white is a product in front of a ruin."""
_MORE_CUT = 0.005
"""Share of the photo's edges that may cut the product besides."""


@dataclass(frozen=True, eq=False)
class Reshaped:
    """What came of it.

    Attributes:
        pixels, scores: of the photo, repaired or not.
        steps: repairs that stand.
        reasons: why others do not, for people.
    """

    pixels: Pixels
    scores: Scores
    steps: tuple[Step, ...] = ()
    reasons: tuple[str, ...] = ()


def reshape(
    pixels: Pixels,
    scores: Scores,
    causes: Collection[str],
    context: Context,
    score: Scorer,
    accept: float = 0.0,
) -> Reshaped:
    """Repair one photo's geometry and background as far as it gets better.

    Args:
        pixels: uint8 HxWx3, RGB.
        scores: of these.
        causes: codes; those that are not in `SHAPES` are left aside.
        context: product, measurements, and what the policy wants.
        score: see `edge_iqa.enhance.improve`.
        accept: overall score from which on the photo is good enough; where it is, no repair may cost it that.
    """
    state = Reshaped(pixels, scores)
    for turn in _TURNS:
        wanted = [code for code in turn if code in causes]
        steps, reasons = shapes.choose(wanted, context, state.pixels) if wanted else ((), ())
        state = replace(state, reasons=(*state.reasons, *reasons))
        if not steps:
            continue
        tried = apply_steps(state.pixels, steps, context)
        after = score(to_viewing(tried))
        before = _find_measure(state, wanted, context, score)
        bar = accept if state.scores[0] >= accept else 0.0
        fault = _find_fault(state, tried, after, wanted, context, before, bar)
        if fault is not None:
            state = replace(state, reasons=(*state.reasons, fault))
            continue
        context = shapes.follow(context, steps, state.pixels.shape)
        state = Reshaped(tried, after, (*state.steps, *steps), state.reasons)
    return state


def _find_fault(
    state: Reshaped,
    tried: Pixels,
    after: Scores,
    wanted: Sequence[str],
    context: Context,
    before: float,
    accept: float,
) -> str | None:
    """Say why a repair may not stand, None where it may.

    Args:
        before: score of what the repair is compared with: the photo as it was, or for a new background its product
            on white, see `_cut_hard`.
    """
    if after[0] < before - MOST_FALL:
        return f"{_name(wanted)} left as it was: the score would have fallen ({before:.1f} → {after[0]:.1f})"
    if after[0] < accept:
        return f"{_name(wanted)} left as it was: it would not be good enough any more ({after[0]:.1f})"
    old, new = (_measure(each) for each in (state.pixels, tried))
    if new.get("cut_off", 0.0) > old.get("cut_off", 0.0) + _MORE_CUT:
        return f"{_name(wanted)} left as it was: the product would have been cut"
    if not any(_has_got_better(code, old, new, context) for code in wanted):
        return f"{_name(wanted)} left as it was: measured again, it would be no better"
    return None


def _find_measure(state: Reshaped, wanted: Sequence[str], context: Context, score: Scorer) -> float:
    """The score that a repair is compared with: that of the same content before it, where it is another.

    A crop's pixels are copies, so that part of the photo as it was scores what the crop scores: only framing moves the
    score, and it may within `_OTHER_COST`. Of a new background see `_cut_hard`.
    """
    before = state.scores[0]
    if wanted == ["BACKGROUND"]:
        on_white = score(_cut_hard(to_viewing(state.pixels), context))[0]
        return max(min(before, on_white), before - _OTHER_COST)
    return before - _OTHER_COST if "SKEW" not in wanted else before


def _cut_hard(pixels: Pixels, context: Context) -> Pixels:
    """The product as it was, cut out along its outline and laid on white: what a new background is compared with.

    A white background alone moves the model's score, of listings that were drawn on white as much as of those that
    were repaired, so that the photo on its old background is no fair measure of what a repair did to the product and
    its rim. It stays one within `_OTHER_COST`: of development listings, those that lost more had a ragged rim.
    """
    product = context.product_at(pixels.shape)[..., None]
    return np.where(product, pixels, np.uint8(255))


def _measure(pixels: Pixels) -> Mapping[str, float]:
    small = to_viewing(pixels)
    frame = Frame(small, pixels.shape[1], pixels.shape[0])
    return {name: float(each.value) for name, each in measure(frame).values.items()}


def _has_got_better(code: str, old: Mapping[str, float], new: Mapping[str, float], context: Context) -> bool:
    """Whether a measurement moved the right way; what cannot be measured any more has not."""
    if code == "ASPECT":
        wanted = context.aspect_ratio or 1.0
        off = [abs(math.log(values["aspect_ratio"] / wanted)) for values in (old, new)]
        return off[1] <= off[0] - _LEAST[code] or off[1] < 0.5 * off[0]
    measured = _MEASURED[code]
    if measured not in new:
        return False
    before = old.get(measured, context.values.get(measured))
    if before is None:
        return False
    if code == "SKEW":
        return abs(new[measured]) <= abs(before) - _LEAST[code]
    if code == "BACKGROUND" and new[measured] < _WHITE:
        return False
    gain = new[measured] - before
    return (gain if code in ("BACKGROUND", "FILL_LOW") else -gain) >= _LEAST[code]


def _name(wanted: Sequence[str]) -> str:
    return ", ".join(wanted)
