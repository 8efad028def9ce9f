"""When a frame was taken, of any source, so that times only grow."""

from __future__ import annotations

NEW_CLOCK_S = 2.0
"""A frame that is late or out of order is so by less; a time that is further back is of a camera that began anew."""
_STEP_S = 1 / 30
"""Between frames that tell no time."""


class LiveClock:
    """Times of a live source: what does not grow is refused."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._last_now_s = 0.0
        self._shift_s = 0.0

    def stamp(self, time_s: float | None, now_s: float) -> float | None:
        """The time of a frame, greater than that of the one before; None where it is late, doubled or out of order.

        Args:
            time_s: what the frame tells; None where it tells none, and then it is as old as it came later.
            now_s: when it came, by a clock that only goes forward.
        """
        if self._last_s is None:
            stamped = now_s if time_s is None else time_s
        elif time_s is None:
            stamped = self._last_s + max(now_s - self._last_now_s, 1e-6)
        else:
            stamped = time_s + self._shift_s
            if stamped < self._last_s - NEW_CLOCK_S:
                stamped = self._last_s + max(now_s - self._last_now_s, 1e-6)
                self._shift_s = stamped - time_s
            elif stamped <= self._last_s:
                return None
        self._last_s, self._last_now_s = stamped, now_s
        return stamped


class KeptClock:
    """Times of a source that loses nothing: a frame whose time does not grow gets one that does."""

    def __init__(self, step_s: float = _STEP_S) -> None:
        self._last_s: float | None = None
        self._step_s = step_s

    def stamp(self, time_s: float | None) -> float:
        """The time of a frame, greater than that of the one before; from 0 on where frames tell none."""
        if self._last_s is None:
            stamped = 0.0 if time_s is None else time_s
        elif time_s is None or time_s <= self._last_s:
            stamped = self._last_s + self._step_s
        else:
            stamped = time_s
        self._last_s = stamped
        return stamped
