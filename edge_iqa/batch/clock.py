"""How far a long run is: photos done, photos a second, time left."""

from __future__ import annotations

import time
from collections.abc import Callable

_EVERY_S = {True: 0.2, False: 30.0}
"""Between two lines, on a terminal and elsewhere."""


class Progress:
    """Tells of a run as it goes on."""

    def __init__(
        self,
        total: int,
        done: int,
        write: Callable[[str], None],
        is_terminal: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            total: photos.
            done: of them, judged by a run before.
            write: takes text as it is to be shown.
            is_terminal: whether a line can be written over.
            clock: seconds; for tests.
        """
        self._total, self._first, self._done = total, done, done
        self._write, self._is_terminal, self._clock = write, is_terminal, clock
        self._start_s = self._told_s = clock()
        self._errors = 0

    def count(self, is_error: bool) -> None:
        """One more photo is done."""
        self._done += 1
        self._errors += is_error
        now_s = self._clock()
        if now_s - self._told_s >= _EVERY_S[self._is_terminal]:
            self._told_s = now_s
            self._tell(now_s)

    def close(self) -> None:
        """Leave the last line as it stands."""
        if self._is_terminal and self._done > self._first:
            self._tell(self._clock())
            self._write("\n")

    def _tell(self, now_s: float) -> None:
        rate = (self._done - self._first) / max(now_s - self._start_s, 1e-9)
        left_s = (self._total - self._done) / rate
        errors = f", {self._errors} error{'' if self._errors == 1 else 's'}" if self._errors else ""
        line = f"{self._done}/{self._total}, {rate:.1f} photos/s, {format_time(left_s)} left{errors}"
        self._write(f"\r{line}\x1b[K" if self._is_terminal else f"{line}\n")


def format_time(seconds: float) -> str:
    """Hours, minutes and seconds, as `1:02:03` or `2:03`."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
