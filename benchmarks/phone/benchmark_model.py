"""`benchmark_model`, the bench of LiteRT and TensorFlow Lite: how it is called, and what it says.

It prints two lines of statistics, of the warm-up and of the runs, then one with the start; all in microseconds
(`tensorflow/core/util/stats_calculator.h`, `tensorflow/lite/tools/benchmark/benchmark_model.cc`). Older ones have no
percentiles, and each line may have something before it, such as `INFO: `. Numbers may be such as 1.24027e+06.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from benchmarks.phone.adb import PhoneError

_NUMBER = r"([0-9.]+(?:e[+-]?[0-9]+)?)"
_COUNT = re.compile(r"\bcount=[0-9]+ .*")
_FIELD = re.compile(rf"\b([a-z0-9]+)={_NUMBER}(?=\s|$)")
_START = re.compile(rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}")
DELEGATES: Mapping[str, str] = {"GPU": "--use_gpu=true", "NNAPI": "--use_nnapi=true"}
"""Delegates that it can hand a model to, and what asks for each. It goes on without one that it cannot use."""
_HANDED = re.compile(
    r"Explicitly applied (\w+) delegate, and the model graph will be (completely|partially) executed by the delegate"
)
_NAMES = {"p5": "p5_us", "median": "median_us", "p95": "p95_us"}


@dataclass(frozen=True)
class Pass:
    """What one call of the program measured, microseconds.

    Attributes:
        count: runs, warm-up excluded.
        mean_us, std_us, least_us, most_us: of those.
        p5_us, median_us, p95_us: of those, `None` where the program is too old to tell.
        init_us: until the model was loaded.
        first_us: the first run of the warm-up.
    """

    count: int
    mean_us: float
    std_us: float
    least_us: float
    most_us: float
    init_us: float
    first_us: float
    p5_us: float | None = None
    median_us: float | None = None
    p95_us: float | None = None

    def to_dict(self) -> dict[str, float | int | None]:
        return asdict(self)


def to_command(
    program: str,
    model: str,
    threads: int,
    warmup: int,
    runs: int,
    mask: int | None = None,
    delegate: str = "",
) -> str:
    """The shell's line that runs it, and then says what processor time that took.

    Args:
        mask: bits of the cores to run on; `None` leaves that to the phone.
        delegate: of `DELEGATES`; "" is the processor.
    """
    words = [
        program,
        f"--graph={model}",
        f"--num_threads={threads}",
        f"--warmup_runs={warmup}",
        f"--num_runs={runs}",
        *([DELEGATES[delegate]] if delegate else []),
    ]
    pinned = [] if mask is None else ["taskset", f"{mask:x}"]
    return f"{shlex.join([*pinned, *words])} 2>&1; code=$?; times; exit $code"


def read_pass(said: str) -> Pass:
    """Read what it said.

    Raises:
        PhoneError: it is something else; says the last line.
    """
    lines = _COUNT.findall(said)
    start = _START.search(said)
    if not lines or start is None:
        last = (said.strip().splitlines() or ["nothing"])[-1]
        raise PhoneError(f"expected statistics of benchmark_model, it said: {last!r:.200}")
    told = {name: _to_number(text) for name, text in _FIELD.findall(lines[-1])}
    if told["count"] == 1 and "curr" in told:  # of a single run nothing else is told
        told = {**dict.fromkeys(("avg", "min", "max"), told["curr"]), **told}
    if not {"avg", "min", "max"} <= told.keys() or told["count"] < 1:
        raise PhoneError(f"expected statistics of benchmark_model, got {lines[-1]!r:.200}")
    return Pass(
        count=int(told["count"]),
        mean_us=told["avg"],
        std_us=told.get("std", 0.0),
        least_us=told["min"],
        most_us=told["max"],
        init_us=_to_number(start[1]),
        first_us=_to_number(start[2]),
        **{ours: told.get(theirs) for theirs, ours in _NAMES.items()},
    )


def read_share(said: str, delegate: str) -> str | None:
    """How much of the model a delegate took, `completely` or `partially`; `None` where it took nothing."""
    return next((share for name, share in _HANDED.findall(said) if name == delegate), None)


def read_own_s(said: str) -> float | None:
    """Processor time of the program, seconds, from the second line of the shell's `times`; `None` without one."""
    found = re.findall(r"^(\d+)m([0-9.]+)s (\d+)m([0-9.]+)s\s*$", said, re.MULTILINE)
    if len(found) < 2:
        return None
    minutes, seconds, system_minutes, system_seconds = map(_to_number, found[-1])
    return (minutes + system_minutes) * 60 + seconds + system_seconds


def _to_number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PhoneError(f"expected a number from the phone, got {text!r:.40}")
    return value
