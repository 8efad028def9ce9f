"""One hint at a time, held long enough to be read."""

from __future__ import annotations

from collections.abc import Mapping

from edge_iqa.camera.names import FAULTS
from edge_iqa.camera.states import OF_THE_SHOT, is_noisy, rate_shot
from edge_iqa.manifest import Thresholds

_HOLDS = 6
"""Frames that a hint must be called for before it is shown: a fifth of a second."""


class Hints:
    """Decides which hint is shown."""

    def __init__(self) -> None:
        self._shown: str | None = None
        self._next: str | None = None
        self._count = 0

    def update(self, called: str | None) -> str | None:
        """Take what one frame calls for, and say which of `HINTS` is shown; None is none."""
        if called != self._next:
            self._next, self._count = called, 0
        self._count += 1
        if self._count >= _HOLDS:
            self._shown = called
        return self._shown


def choose_hint(state: str, scores: Mapping[str, float], thresholds: Thresholds) -> str | None:
    """What a frame calls for: one of `HINTS`, or None.

    Args:
        state: of the frame.
        scores: of the picture, as in `Seen`.
        thresholds: of scores, 0 to 1.
    """
    if state in FAULTS:
        return state
    shot = rate_shot(scores)
    if state != "steady" or shot is None:
        return None
    if is_noisy(scores, True):
        return "noise"
    if shot >= thresholds.reject:
        return None
    lacks = {
        name: thresholds.attributes.get(name, 0.0) - scores[name] for name in OF_THE_SHOT if name in scores
    }
    short = {name: lack for name, lack in lacks.items() if lack > 0}
    return max(short, key=lambda name: short[name], default=None)
