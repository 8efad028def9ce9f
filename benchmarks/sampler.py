"""Clock, heat and load through a run: one look a second at most, between two rounds, so that none is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.conditions import Probe

EVERY_S = 1.0


@dataclass(frozen=True)
class Sample:
    """One look; see `State`. `at_s` is from the start of the run."""

    at_s: float
    mhz: float | None
    reference_mhz: float | None
    celsius: float | None
    cooling: int | None
    load: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Sampler:
    """Collects samples; `on_round` is called after every round, and mostly does nothing."""

    def __init__(
        self, probe: Probe, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._probe, self._every_s, self._clock = probe, every_s, clock
        self._start_s = clock()
        self._next_s = self._start_s
        self.samples: list[Sample] = []

    def on_round(self, _done: int = 0) -> None:
        """Look, where it is time to."""
        now_s = self._clock()
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._every_s
        probe = self._probe
        mhz, reference_mhz = probe.read_clock()
        at_s = round(now_s - self._start_s, 3)
        self.samples.append(
            Sample(at_s, mhz, reference_mhz, probe.read_celsius(), probe.read_cooling(), probe.read_load())
        )
