"""Keep the process on as many cores as its threads need: a scheduler that moves it about is noise."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from benchmarks.conditions import read_cores
from benchmarks.system import System

_CPU = "sys/devices/system/cpu"


@contextlib.contextmanager
def pin(count: int, system: System) -> Iterator[tuple[int, ...]]:
    """Pin all threads of the process while the block runs; those that it starts meanwhile are pinned with it.

    Args:
        count: cores; no more than the process may use.

    Yields:
        Numbers of the cores; of all that may be used where the system does not let them be chosen, and none where it
        does not tell them.
    """
    before = read_cores()
    chosen = choose(before, count, system)
    pinned = bool(chosen) and chosen != before and _move(chosen)
    try:
        yield chosen if pinned else before
    finally:
        if pinned:
            _move(before)


def choose(cores: Sequence[int], count: int, system: System) -> tuple[int, ...]:
    """Choose the fastest cores, no two threads of one core where that can be, and the last ones among equals:
    interrupts go to the first.
    """

    def rank(core: int) -> tuple[int, int, int]:
        return _sibling_rank(core, system), -_speed(core, system), -core

    return tuple(sorted(sorted(cores, key=rank)[: max(1, count)]))


def _speed(core: int, system: System) -> int:
    for name in ("cpufreq/cpuinfo_max_freq", "cpu_capacity"):
        speed = system.number(f"{_CPU}/cpu{core}/{name}")
        if speed is not None:
            return speed
    return 0


def _sibling_rank(core: int, system: System) -> int:
    """Place of a hardware thread among those of its core, 0 for the first, from a list such as `0,4` or `0-1`."""
    text = system.read(f"{_CPU}/cpu{core}/topology/thread_siblings_list") or ""
    first = text.replace("-", ",").partition(",")[0]
    return 0 if not first.isdigit() or int(first) == core else 1


def _move(cores: Sequence[int]) -> bool:
    """Move every thread of this process to these cores; whether the system let it."""
    try:
        threads = [int(name) for name in os.listdir("/proc/self/task")]
    except OSError:
        threads = [0]
    try:
        os.sched_setaffinity(0, cores)
    except OSError:
        return False
    for thread in threads:
        with contextlib.suppress(OSError):  # it ended meanwhile
            os.sched_setaffinity(thread, cores)
    return True
