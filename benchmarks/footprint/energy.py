"""How much energy does a verdict take? By the meters of the device, in blocks of verdicts of their own.

The timed rounds are left alone. A block judges one photo with one model again and again for some seconds; meters
are read between two verdicts, and blocks of all photos and models take turns. Before everything the machine's
power is measured while this process sleeps: what a verdict takes beyond that is told apart, never in its place.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.device import Device
from benchmarks.footprint.meters import Tally, open_tallies
from benchmarks.photos import Photo, pick
from benchmarks.system import System
from benchmarks.variants import Absence, Variant
from edge_iqa import timing

PHOTOS = 2
"""The smallest and the largest."""
ROUNDS = 6
"""Blocks of each photo and model: as many as a median with its interval needs."""


@dataclass(frozen=True)
class Lengths:
    """How long is measured, in seconds: the idle machine, and a block."""

    idle_s: float = 10.0
    block_s: float = 3.0


QUICK = Lengths(idle_s=2.0, block_s=1.0)


class EnergyBench:
    """Measures with every meter that can be read; without one every call returns at once."""

    def __init__(self, device: Device, system: System, lengths: Lengths) -> None:
        self._lengths = lengths
        self._tallies, self.missing = open_tallies(device, system)
        self._idle_watts: dict[str, float | None] = {}
        self._blocks: dict[tuple[str, str, str], list[_Block]] = {}

    def measure_idle(self) -> None:
        """Sleep, and measure the machine that does nothing for us."""
        if not self._tallies:
            return
        step_s = min(self._lengths.idle_s, *(tally.every_s for tally in self._tallies))
        seconds, _, joules = _watch(self._tallies, self._lengths.idle_s, lambda: time.sleep(step_s))
        self._idle_watts = {name: None if each is None else each / seconds for name, each in joules.items()}

    def measure_verdicts(
        self, photos: Sequence[Photo], variants: Sequence[Variant], on_block: Callable[[], None]
    ) -> None:
        """Judge in blocks.

        Args:
            photos: those that can be judged; the smallest and the largest file are taken.
            on_block: called after each block.
        """
        if not self._tallies:
            return
        pairs = [(photo, variant) for photo in pick(photos, PHOTOS) for variant in variants]
        shuffle = np.random.default_rng(0)
        for _ in range(ROUNDS):
            for index in shuffle.permutation(len(pairs)):
                photo, variant = pairs[index]
                seconds, count, joules = _watch(
                    self._tallies,
                    self._lengths.block_s,
                    functools.partial(variant.inspector.inspect, photo.data),
                )
                for meter, each in joules.items():
                    key = (meter, photo.name, variant.name)
                    self._blocks.setdefault(key, []).append(_Block(seconds, count, each))
                on_block()

    def to_dict(self) -> dict[str, Any]:
        """What each meter showed; no meters where none could be read."""
        return {
            "lengths": asdict(self._lengths),
            "meters": [
                {
                    "name": tally.meter.name,
                    "covers": tally.meter.covers,
                    "idle_watts": self._idle_watts.get(tally.meter.name),
                    "verdicts": [
                        {"photo": photo, "model": model, **self._summarize(meter, blocks)}
                        for (meter, photo, model), blocks in self._blocks.items()
                        if meter == tally.meter.name
                    ],
                }
                for tally in self._tallies
            ],
        }

    def list_missing(self) -> list[Absence]:
        """Why there is no figure: the device has no meter, or one fell silent amid the run."""
        silent = {
            meter for (meter, *_), blocks in self._blocks.items() if any(b.joules is None for b in blocks)
        }
        silent |= {meter for meter, watts in self._idle_watts.items() if watts is None}
        return [
            *self.missing,
            *(
                Absence(f"energy by {name}", "it could not be read every time; measure again")
                for name in sorted(silent)
            ),
        ]

    def _summarize(self, meter: str, blocks: Sequence[_Block]) -> dict[str, Any]:
        """Joules and seconds a verdict, and joules beyond the idle machine."""
        idle = self._idle_watts.get(meter)
        told = {"blocks": len(blocks), "count": sum(block.count for block in blocks)}
        seconds = np.array([block.seconds / block.count for block in blocks])
        if any(block.joules is None for block in blocks):
            return {**told, "joules": None, "watts": None, "joules_above_idle": None}
        joules = np.array([block.joules / block.count for block in blocks if block.joules is not None])
        return {
            **told,
            "joules": _estimate(joules),
            "watts": _estimate(joules / seconds),
            "joules_above_idle": None if idle is None else _estimate(joules - idle * seconds),
        }


@dataclass(frozen=True)
class _Block:
    """What one block took; `joules` is `None` where the meter could not be read."""

    seconds: float
    count: int
    joules: float | None


def _watch(
    tallies: Sequence[Tally], length_s: float, task: Callable[[], object]
) -> tuple[float, int, dict[str, float | None]]:
    """Repeat `task` for `length_s` at least; returns the seconds, how often it ran, and joules by meter."""
    for tally in tallies:
        tally.start()
    start_s = now_s = time.monotonic()
    due_s = [start_s + tally.every_s for tally in tallies]
    count = 0
    while now_s < start_s + length_s:
        task()
        count += 1
        now_s = time.monotonic()
        for index, tally in enumerate(tallies):
            if now_s >= due_s[index]:
                tally.look()
                due_s[index] = now_s + tally.every_s
    for tally in tallies:
        tally.look()
    return time.monotonic() - start_s, count, {tally.meter.name: tally.joules for tally in tallies}


def _estimate(samples: Any) -> dict[str, float] | None:
    """Median and interval."""
    found = timing.percentile(samples, 0.5)
    return found and asdict(found)
