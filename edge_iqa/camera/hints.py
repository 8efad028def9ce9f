"""One hint at a time, held long enough to be read."""

from __future__ import annotations

from collections.abc import Mapping

from edge_iqa.camera.names import FAULTS, HINTS

_HOLDS = 6
"""Frames that a hint must be called for before it is shown: a fifth of a second."""


class Hints:
    """Decides which hint is shown."""

    def __init__(self) -> None:
        self._shown: str | None = None
        self._next: str | None = None
        self._count = 0

    def update(
        self,
        state: str,
        score: float | None,
        attributes: Mapping[str, float],
        bounds: Mapping[str, float],
        accept: float,
    ) -> str | None:
        """Take the state of one frame, and say which of `HINTS` is shown; None is none.

        Args:
            state: of this frame.
            score: overall, 0 to 1, of this still picture; None where there is none.
            attributes: its scores, 0 to 1.
            bounds: of these scores.
            accept: overall score from which a photo is accepted.
        """
        called = state if state in FAULTS else None
        if state == "steady" and score is not None and score < accept:
            called = _find_worst(attributes, bounds)
        if called != self._next:
            self._next, self._count = called, 0
        self._count += 1
        if self._count >= _HOLDS:
            self._shown = called
        return self._shown


def _find_worst(attributes: Mapping[str, float], bounds: Mapping[str, float]) -> str | None:
    """The score that is farthest below its bound, of those that there is a hint for."""
    short = {name: bounds.get(name, 0.0) - value for name, value in attributes.items() if name in HINTS}
    return max(short, key=lambda name: short[name], default=None)
