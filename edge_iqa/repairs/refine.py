"""Search the strengths of chosen repairs anew, all together, where made one after the other they do not stand.

Light brings out noise, and what takes that noise out takes light's gain in detail back: less of the one lets less of
the other suffice. Chosen in turn, neither can know; here each point is judged as the final guards judge it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from edge_iqa.repairs.base import Scores, Step, apply_steps
from edge_iqa.repairs.denoise import Denoise
from edge_iqa.repairs.search import Point, climb
from edge_iqa.repairs.tones import Search

_SAFE_FALL = 1.7
"""Points that an attribute may lose; the final guard has a little more."""
_SAFE_RISE = 0.3
"""Points by which what was named as a cause must rise."""
_COST = 6.0
"""Points of the score that each point beyond these costs."""
_STEP, _LUMA_STEP = 0.18, 0.25
_LEAST, _MOST = 0.3, 1.3
"""Strengths, against those that were chosen."""
_POINTS = 24


def refine(search: Search, steps: Sequence[Step], meant: Collection[str]) -> tuple[Step, ...]:
    """Find strengths that the guards allow.

    Args:
        search: as the steps were chosen by.
        steps: chosen one after the other.
        meant: attributes that must rise.

    Returns:
        The same steps at other strengths, and denoising last where it helps.
    """
    light = [step for step in steps if not isinstance(step.repair, Denoise)]
    if not light:
        return tuple(steps)
    first = steps[0] if isinstance(steps[0].repair, Denoise) else None
    last = [step.repair.luma for step in steps[1:] if isinstance(step.repair, Denoise)]

    def make(point: Point) -> tuple[Step, ...]:
        *strengths, luma = point
        made = [
            replace(step, strength=round(min(1.0, share * step.strength), 3))
            for step, share in zip(light, strengths, strict=True)
        ]
        before = [first] if first is not None else []
        return (*before, *made, *_clean(luma))

    def value(point: Point) -> float:
        after = search.score(apply_steps(search.original, make(point), search.context))
        return after[0] - _COST * _count_missing(search.before, after, meant)

    start = (*(1.0 for _ in light), last[-1] if last else _NONE)
    bounds = [*((_LEAST, _MOST) for _ in light), (_NONE, 1.0)]
    sizes = [*(_STEP for _ in light), _LUMA_STEP]
    point, _ = climb(value, start, sizes, bounds, rounds=2, most=_POINTS)
    return make(point)


_NONE = -_LUMA_STEP
"""Share of the noise of brightness that stands for no denoising at all: at 0 that of color goes."""


def _clean(luma: float) -> tuple[Step, ...]:
    return (Step("denoise", Denoise(round(luma, 3)), 1.0),) if luma >= 0 else ()


def _count_missing(before: Scores, after: Scores, meant: Collection[str]) -> float:
    """Points by which attributes fall below what the guards ask of them."""
    missing = 0.0
    for name, value in before[1].items():
        least = min(value + _SAFE_RISE, 99.0) if name in meant else value - _SAFE_FALL
        missing += max(0.0, least - after[1][name])
    return missing
