"""Rounds of `benchmark_model` on a phone: every model once a round, in turn, with a look at the phone meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from benchmarks.phone.adb import Phone, PhoneError
from benchmarks.phone.benchmark_model import Pass, read_own_s, read_pass, read_share, to_command
from edge_iqa.machine import Usage

_LONGEST_S = 300.0
"""benchmark_model stops by itself after 150 s of warm-up and 150 s of runs."""
_OURS = re.compile(r"cpu\d* +\d|\d+m[0-9.]+s ")
"""Lines of `/proc/stat` and `times`, which the program did not say."""
_FIRST_LOOK_S, _NEXT_LOOK_S = 0.2, 1.0
"""The warm-up takes half a second at least, so both meet a phone at work."""
_TICKS_PER_S = 100
"""Of `/proc/stat`; Android has no other."""


@dataclass(frozen=True)
class Model:
    """A model file by one way to compute it.

    Attributes:
        path: on the phone.
        precision: as the manifest names it.
        delegate: of `benchmark_model.DELEGATES`; "" is the processor.
    """

    path: str
    precision: str
    delegate: str = ""


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        program: path of benchmark_model on the phone.
        models: by name.
        threads, warmup, runs: of each call.
        cores: numbers of the cores that are used.
        mask: pins it to them; `None` where the phone has no taskset.
        rounds: how often every model is called.
    """

    program: str
    models: dict[str, Model]
    threads: int
    warmup: int
    runs: int
    cores: tuple[int, ...]
    mask: int | None
    rounds: int


@dataclass
class Rounds:
    """What has been measured so far: whole rounds alone, so that models can be compared within each."""

    passes: dict[str, list[Pass]] = field(default_factory=dict)
    own_s: float = 0.0
    busy_s: float | None = 0.0
    wall_s: float = 0.0

    @property
    def done(self) -> int:
        return min(map(len, self.passes.values()), default=0)

    def to_usage(self, load: float | None) -> Usage:
        """Who used the cores while the program ran."""
        wall_s = max(self.wall_s, 1e-9)
        others = None if self.busy_s is None else max(0.0, self.busy_s - self.own_s) / wall_s
        return Usage(load, self.own_s / wall_s, others)


def run_rounds(phone: Phone, plan: Plan, rounds: Rounds, look: Callable[[], None]) -> None:
    """Run all rounds, adding each to `rounds` when it is whole.

    Args:
        look: called about once a second while the program runs.

    Raises:
        PhoneError: the phone was lost, or the program failed.
    """
    names, shuffle = list(plan.models), np.random.default_rng(0)
    rounds.passes = {name: [] for name in names}
    for _ in range(plan.rounds):
        measured = {}
        for index in shuffle.permutation(len(names)):
            name = names[index]
            measured[name] = read_pass(_run(phone, plan, plan.models[name], rounds, look))
        for name in names:
            rounds.passes[name].append(measured[name])


def try_delegate(phone: Phone, plan: Plan, model: Model) -> str | None:
    """Why the phone cannot compute a model so, or `None` where it can, the whole model or a part of it.

    Raises:
        PhoneError: the phone was lost.
    """
    command = to_command(plan.program, model.path, plan.threads, 1, 1, plan.mask, model.delegate)
    code, said = phone.shell(command, _LONGEST_S)
    if code == 0 and read_share(said, model.delegate):
        return None
    told = [line.strip() for line in said.splitlines() if model.delegate in line] or ["nothing about it"]
    return f"benchmark_model does not hand it over; it said: {told[-1]!r:.200}"


def _run(phone: Phone, plan: Plan, model: Model, rounds: Rounds, look: Callable[[], None]) -> str:
    """Run a model once, and note who used the processor meanwhile; returns what benchmark_model said."""
    command = to_command(
        plan.program, model.path, plan.threads, plan.warmup, plan.runs, plan.mask, model.delegate
    )
    stat = "grep ^cpu /proc/stat 2>/dev/null; echo"
    start_s = monotonic()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(phone.shell, f"{stat}; ({command}); code=$?; {stat}; exit $code", _LONGEST_S)
        pause_s = _FIRST_LOOK_S
        while not wait([running], timeout=pause_s).done:
            look()
            pause_s = _NEXT_LOOK_S
        code, said = running.result()
    passed_s = monotonic() - start_s
    if code:
        lines = [line for line in said.strip().splitlines() if line.strip() and not _OURS.match(line)] or [
            "nothing"
        ]
        raise PhoneError(
            f"benchmark_model failed on the phone with exit code {code}, it said: {lines[-1]!r:.200}"
        )
    if model.delegate:
        return said  # it waits for another chip, and the drivers' work is nobody else's: only its rounds tell
    busy_s, wall_s = _read_busy(said, plan.cores)
    rounds.own_s += read_own_s(said) or 0.0
    rounds.wall_s += passed_s if wall_s is None else wall_s
    rounds.busy_s = None if busy_s is None or rounds.busy_s is None else rounds.busy_s + busy_s
    return said


def _read_busy(said: str, cores: Sequence[int]) -> tuple[float | None, float | None]:
    """Seconds that the cores were busy between the two looks at `/proc/stat`, and how long that was."""
    looks: list[tuple[int, int]] = []
    for core in cores:
        rows = re.findall(rf"^cpu{core}((?: +[0-9]{{1,18}}){{5,10}})$", said, re.MULTILINE)
        if len(rows) != 2 or len(rows[0].split()) != len(rows[1].split()):
            return None, None
        # user, nice, system, idle, iowait, irq, softirq, steal
        first, last = (list(map(int, row.split()))[:8] for row in rows)
        ticks = [after - before for before, after in zip(first, last, strict=True)]
        looks.append((sum(ticks) - sum(ticks[3:5]), sum(ticks)))
    busy, total = (sum(column) for column in zip(*looks, strict=True))
    return busy / _TICKS_PER_S, total / len(cores) / _TICKS_PER_S
