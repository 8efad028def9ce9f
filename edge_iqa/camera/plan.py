"""What a frame gets, so that its answer comes in time: a global look at each, details when the phone is still.

Motion is measured on every frame. The measurements are left out of some where they would take more than half of the
budget, so that an app has the other half. The model sees a frame only when the phone is still, in a thread of its own,
and so often that it takes an eighth of a core; what it says holds until the picture changes.
"""

from __future__ import annotations

import math

_SCORE_SHARE = 0.12
"""Of one core, that live scores may take."""
_SCORE_EVERY_S = 0.5
_STILL_FRAMES = 2
_MOST_TIMES = 3.0
"""Of what is known a cost counts at most so many times: a device that was held up for a second is not slow."""
_LONGEST_GAP = 10
"""Frames from one measured frame to the next, at most."""
_RISES, _FALLS = 0.3, 0.1
"""How far the estimate of a cost follows one that is higher, or lower: one frame that a busy device holds up says
little."""


class Plan:
    """Decides what the next frame gets, by what earlier ones cost."""

    def __init__(self, budget_ms: float) -> None:
        self._budget_ms = budget_ms
        self._costs_ms: dict[str, float] = {}
        self._frames_since = 0
        self._scored_s = -math.inf

    def record(self, step: str, cost_ms: float) -> None:
        """Note what a step cost. The first time says nothing: memory and libraries are still cold."""
        if step not in self._costs_ms:
            self._costs_ms[step] = 0.0
            return
        known = self._costs_ms[step]
        if known:
            cost_ms = min(cost_ms, _MOST_TIMES * known)
        self._costs_ms[step] = known + (_RISES if cost_ms > known else _FALLS) * (cost_ms - known)

    def takes_measure(self) -> bool:
        """Whether this frame is measured; asked once a frame."""
        room = max(1.0, self._budget_ms / 2 - self._costs_ms.get("motion", 0.0))
        self._frames_since += 1
        gap = min(_LONGEST_GAP, math.ceil(self._costs_ms.get("measure", 0.0) / room))
        if self._frames_since < gap:
            return False
        self._frames_since = 0
        return True

    def takes_score(self, time_s: float, still_frames: int, has_score: bool) -> bool:
        """Whether the model should see this frame.

        Args:
            time_s: when it was taken.
            still_frames: frames since the picture began to stand still.
            has_score: whether this still picture has a score.
        """
        if still_frames < _STILL_FRAMES:
            return False
        pause_s = self._costs_ms.get("model", 0.0) / 1000 / _SCORE_SHARE
        # the first score is waited for, and should come soon even where the model is slow
        pause_s = max(pause_s, _SCORE_EVERY_S) if has_score else min(pause_s, 2 * _SCORE_EVERY_S)
        if time_s - self._scored_s < pause_s:
            return False
        self._scored_s = time_s
        return True
