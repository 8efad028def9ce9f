"""What the parts of `scale.py` have in common: what they are given, how a run is watched, what they find."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions import Probe, read_cores, read_notes
from benchmarks.device import Device
from benchmarks.drift import Drift, find_drift
from benchmarks.figure import Figure, Measured
from benchmarks.latency_record import describe_conditions
from benchmarks.photos import Photo
from benchmarks.pinning import pin
from benchmarks.progress import Progress
from benchmarks.sampler import Sampler
from benchmarks.system import System
from benchmarks.validity import Run, judge
from edge_iqa import machine, opencv, timing

STEADY = timing.Steady(window=4, tolerance=0.02, at_most=30)


@dataclass(frozen=True)
class Setting:
    """What every part is given.

    Attributes:
        photos: real ones.
        sizes: megapixels, ascending.
        bundle, backend: as `Inspector.open` takes them.
        cache: folder of what is made once.
        quick: a look at few photos in few rounds.
        device, system: what this machine is.
    """

    photos: Sequence[Photo]
    sizes: tuple[float, ...]
    bundle: Path | None
    backend: str | None
    cache: Path
    quick: bool
    device: Device
    system: System

    def rounds(self, usual: int) -> int:
        """Rounds of a part: the usual number, or the few that a drift and a median need."""
        return min(usual, 8) if self.quick else usual


@dataclass(frozen=True)
class Found:
    """What a part found.

    Attributes:
        figures: with their bounds.
        details: what is plotted and printed, plain JSON values.
        conditions: of its run: `valid`, `invalid`, `unknown`, `usage`, `conditions`.
        missing: why something was not measured, a sentence each.
    """

    figures: list[Figure]
    details: dict[str, Any]
    conditions: dict[str, Any]
    missing: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; the figures stand in the result by themselves."""
        return {**self.details, "missing": self.missing, **self.conditions}


class Observed:
    """A run that is being watched: who used the processor, how hot it was, whether it drifted."""

    def __init__(self, setting: Setting, cores: Sequence[int], elsewhere: Sequence[int]) -> None:
        """
        Args:
            cores: that the run is pinned to.
            elsewhere: those that it might use and leaves alone.
        """
        self._setting = setting
        self._probe = Probe(setting.system, setting.device.bounds, cores, elsewhere)
        self._notes = read_notes(setting.system, setting.device.record)
        self._before = self._probe.read()
        self._watch = machine.Watch()
        self._sampler = Sampler(self._probe)
        self._drifts: dict[str, Drift] = {}
        self._unsteady: dict[str, str] = {}

    def record(
        self,
        name: str,
        tasks: Mapping[str, Callable[[], Any]],
        rounds: int,
        read_stages: Callable[[Any], Mapping[str, float]] | None = None,
        steady: timing.Steady | None = STEADY,
    ) -> dict[str, timing.Recording]:
        """Time tasks in turns, warmed up until steady; see `timing.measure_interleaved`."""
        warmup = 1 if steady is None else steady.window
        expected = rounds + (warmup if steady is None else 2 * steady.window)
        progress = Progress(f"{name} ({len(tasks)} in turns)", expected)

        def on_round(done: int) -> None:
            progress.on_round(done)
            self.look()

        recorded = timing.measure_interleaved(
            tasks, warmup=warmup, repeats=rounds, read_stages=read_stages, on_round=on_round, steady=steady
        )
        progress.clear()
        first = next(iter(recorded.values()))
        if first.steady is False:
            self._unsteady[name] = f"was not steady after {first.warmup_ms.size} rounds"
        self.find_drift(name, [each.whole_ms for each in recorded.values()])
        return recorded

    def find_drift(self, name: str, samples: Sequence[Any]) -> None:
        """Look for a drift in rounds; see `benchmarks.drift.find_drift`."""
        self._drifts[name] = find_drift(samples)

    def look(self) -> None:
        """Look at the clock and the heat, where it is time to."""
        self._sampler.on_round()

    def close(self) -> dict[str, Any]:
        """The conditions, judged by the bounds of the device."""
        usage = self._watch.read()
        run = Run(
            self._before, self._probe.read(), self._sampler.samples, usage, self._drifts, self._unsteady,
            self._notes,
        )  # fmt: skip
        return {
            **judge(run, self._setting.device).to_dict(),
            "usage": usage.to_dict(),
            "drifts": {name: drift.to_dict() for name, drift in self._drifts.items()},
            "conditions": describe_conditions(run),
        }


@contextlib.contextmanager
def observe(setting: Setting, cores: int | None, opencv_threads: int | None = 1) -> Iterator[Observed]:
    """Watch a run.

    Args:
        cores: how many to pin this process to; None leaves it all.
        opencv_threads: while it runs; None leaves them as they are.
    """
    cv2 = opencv.load()
    before = cv2.getNumThreads()
    allowed = read_cores()
    with pin(cores or machine.describe()["cores"], setting.system) as pinned:
        if opencv_threads is not None:
            cv2.setNumThreads(opencv_threads)
        try:
            yield Observed(setting, pinned, tuple(set(allowed) - set(pinned)))
        finally:
            cv2.setNumThreads(before)


def tell_ratio(what: str, above: Any, below: Any) -> Figure:
    """The median of the ratios within rounds."""
    ratio = timing.ratio(above, below)
    return Figure(
        what, None if ratio is None else Measured(ratio.value, ratio.low, ratio.high, int(np.size(above)))
    )
