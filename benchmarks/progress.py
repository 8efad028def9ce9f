"""One line of progress on standard error, where a person is watching; nothing where none is."""

from __future__ import annotations

import sys
import time

_EVERY_S = 0.2
"""Drawing takes time from nobody's figures, but it does take time."""


class Progress:
    """Counts rounds of one task, with an estimate of the time left.

    Args of the constructor: `every_s` is the least time between two drawings; 0 where rounds are told rarely.
    """

    def __init__(self, task: str, rounds: int, every_s: float = _EVERY_S) -> None:
        self._task = task
        self._rounds = rounds
        self._every_s = every_s
        self._shown = sys.stderr.isatty()
        self._start_s = self._drawn_s = time.monotonic()

    def on_round(self, done: int) -> None:
        """Draw `done` of all rounds, not too often; the last one clears the line."""
        now_s = time.monotonic()
        if not self._shown:
            return
        if done == self._rounds:
            self.clear()
        elif now_s - self._drawn_s >= self._every_s:
            self._drawn_s = now_s
            # a warm-up may need more rounds than were foreseen
            left_s = (now_s - self._start_s) / done * max(0, self._rounds - done)
            sys.stderr.write(
                f"\r\x1b[K{self._task}: round {done} of {self._rounds}, about {left_s:.0f} s left"
            )
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away; for tasks that may end sooner or later than was foreseen."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
