"""Runs of `latency.py` as somebody would start them, each in a new process, and what is done to them."""

from __future__ import annotations

import contextlib
import fnmatch
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks import devices, latency_options, latency_run
from benchmarks.conditions import read_cores
from benchmarks.keeper import Keeper
from benchmarks.pinning import choose
from benchmarks.system import System
from benchmarks.variants import Variant
from edge_iqa import Inspector, Report


@dataclass(frozen=True)
class Setup:
    """What is measured, and what is wrong with it.

    Attributes:
        options: of `latency.py`.
        slowed: share of its own time that every verdict takes longer.
        files: what these files of the machine say instead, by path from the root.
    """

    options: tuple[str, ...]
    slowed: float = 0.0
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AlteredSystem(System):
    """This machine, some of whose files say something else."""

    files: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: str | Path) -> str | None:
        return self.files.get(str(path)) or super().read(path)

    def find(self, pattern: str) -> list[str]:
        parents = {str(parent) for path in self.files for parent in (Path(path), *Path(path).parents)}
        return sorted({*super().find(pattern), *fnmatch.filter(parents, pattern)})


class Slowed:
    """An Inspector that works longer over every photo, as a change of its code might."""

    def __init__(self, inspector: Inspector, share: float) -> None:
        self._inspector, self._share = inspector, share
        self.backend = inspector.backend

    def inspect(self, photo: Any) -> Report:
        start = time.perf_counter()
        report = self._inspector.inspect(photo)
        end = time.perf_counter() + self._share * (time.perf_counter() - start)
        while time.perf_counter() < end:
            pass
        return report

    def __enter__(self) -> Slowed:
        return self

    def __exit__(self, *_: object) -> None:
        self._inspector.close()


def run(setup: Setup) -> dict[str, Any]:
    """Measure in a new process; returns what the result file would hold."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_measure, setup).result()


def _measure(setup: Setup) -> dict[str, Any]:
    known = devices.read_devices()
    options = latency_options.parse(["--scenario", "none", "--no-footprint", *setup.options], known)
    system = AlteredSystem(files=setup.files)

    def change(variant: Variant) -> Variant:
        return replace(variant, inspector=Slowed(variant.inspector, setup.slowed))  # type: ignore[arg-type]

    keeper = Keeper()
    latency_run.measure(options, known[devices.HOST], system, keeper, change if setup.slowed else None)
    return dict(keeper.measured())


def own_core() -> int:
    """The core that a run with one thread is pinned to."""
    return choose(read_cores(), 1, System())[0]


@contextlib.contextmanager
def busy_loop(after_s: float, cores: Sequence[int]) -> Iterator[None]:
    """Let another process burn a core from `after_s` on, until the block ends.

    Args:
        cores: that it may use.
    """
    ended = threading.Event()
    burn = f"import os\nos.sched_setaffinity(0, {set(cores)!r})\nwhile True: pass"

    def start() -> None:
        if ended.wait(after_s):
            return
        with subprocess.Popen([sys.executable, "-c", burn]) as loop:
            ended.wait()
            loop.kill()

    thread = threading.Thread(target=start)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def draw_throttled(rng: random.Random) -> dict[str, str]:
    """Files of a machine whose clock is held back to 20 to 69 % of its top, or whose cooling says so."""
    top_khz = 3_000_000
    clock = {
        f"sys/devices/system/cpu/cpu{core}/cpufreq/{name}": text
        for core in read_cores()
        for name, text in {
            "scaling_governor": "performance",
            "cpuinfo_max_freq": str(top_khz),
            "scaling_cur_freq": str(round(top_khz * rng.uniform(0.2, 0.69))),
        }.items()
    }
    cooling = {
        "sys/class/thermal/cooling_device77/type": "Processor",
        "sys/class/thermal/cooling_device77/cur_state": str(rng.randint(1, 10)),
    }
    return rng.choice((clock, cooling))


def draw_swap(rng: random.Random) -> dict[str, str]:
    """A machine that has swapped out 4 kB to 1 GB."""
    used = round(4 * 2 ** rng.uniform(0, 18))
    head = "Filename\tType\tSize\tUsed\tPriority"
    return {"proc/swaps": f"{head}\n/swapfile file 4000000 {used} -2"}
