"""Facts about the machine that a figure was measured on, and whether it was left in peace.

Neither host name nor user nor paths: a result file is meant to be published.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_iqa.backends.base import cores

BUSY_LOAD_PER_CORE = 0.75
"""Load average before the start, per core, above which others were at work. Not lower: the run
before this one leaves a load of about one core behind."""
LEAST_OWN_SHARE = 0.9
"""CPU time over wall time of the timed loop, which never waits for anything but the CPU."""
INT8_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "asimddp"})
"""Processor features that sum four 8-bit products at once (x86 VNNI, Arm dot products): what int8 gains by."""
MOST_OTHERS_CORES = 0.1
"""CPU time of everybody else, in cores, on the cores that this process may use."""


def describe() -> dict[str, Any]:
    """CPU model, whether it multiplies 8-bit numbers fast, cores that this process may use, memory, system and
    Python; `None` where unknown."""
    return {
        "cpu": _cpu_model(),
        "int8_products": _has_int8_products(),
        "architecture": platform.machine(),
        "cores": cores(),
        "memory_bytes": _memory_bytes(),
        "os": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


@dataclass(frozen=True)
class Usage:
    """Who used the CPU; `None` where the system does not tell.

    Attributes:
        load_1min_before: load average of the minute before the start.
        own_cores: CPU time of this process, and of those that it started and waited for, over wall time.
        others_cores: CPU time of everything else on the cores that this process may use, likewise.
    """

    load_1min_before: float | None
    own_cores: float
    others_cores: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def warnings(self, facts: Mapping[str, Any]) -> list[str]:
        """What makes the figures doubtful, a sentence each; empty on a quiet machine that is good at int8.

        Args:
            facts: what `describe` says of the machine.
        """
        core_count, said = facts["cores"], []
        load = self.load_1min_before
        if load is not None and load > BUSY_LOAD_PER_CORE * core_count:
            said.append(
                f"the machine was busy before the start: load average {load:.2f} on {core_count} core(s)"
            )
        if self.own_cores < LEAST_OWN_SHARE:
            said.append(
                f"this process had to wait for the CPU: it ran {self.own_cores:.0%} of the time measured"
            )
        if self.others_cores is not None and self.others_cores > MOST_OTHERS_CORES:
            said.append(
                f"other processes used {self.others_cores:.2f} of {core_count} core(s) during the run"
            )
        said = [f"{sentence}; stop other work and measure again" for sentence in said]
        if facts.get("int8_products") is False:
            said.append(
                "this processor has no 8-bit dot products (VNNI, or Arm's), so int8 is hardly faster than float "
                "on it; measure int8 on one that has them"
            )
        return said


class Watch:
    """Watches the CPU from its making until `read`."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        self._busy_s = _busy_s()
        self._own_s = _own_s()
        self._wall_s = time.perf_counter()

    def read(self) -> Usage:
        """Usage since this watch was made."""
        wall_s = max(time.perf_counter() - self._wall_s, 1e-9)
        own_s = _own_s() - self._own_s
        busy_s = _busy_s()
        others = None
        if busy_s is not None and self._busy_s is not None:
            # both clocks tick, and not together: a little below zero is zero
            others = max(0.0, busy_s - self._busy_s - own_s) / wall_s
        return Usage(self._load, own_s / wall_s, others)


def _own_s() -> float:
    """CPU time of this process and of its children that have ended, in seconds."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _busy_s() -> float | None:
    """Seconds that the cores of this process were busy since boot, with anybody's work."""
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return None
    if not hasattr(os, "sched_getaffinity"):
        return None
    names = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    ticks = 0
    for line in lines:
        name, _, fields = line.partition(" ")
        if name in names:
            user, nice, system, _idle, _iowait, irq, softirq, steal, *_guest = map(int, fields.split())
            ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def _cpu_model() -> str | None:
    facts = _read_cpuinfo()
    # ARM kernels give no "model name", some of them "hardware"
    return facts.get("model name") or facts.get("hardware") or platform.processor() or None


def _has_int8_products() -> bool | None:
    facts = _read_cpuinfo()
    features = facts.get("flags") or facts.get("features")
    return None if features is None else not INT8_PRODUCTS.isdisjoint(features.split())


def _read_cpuinfo() -> dict[str, str]:
    """What Linux says of the last core; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    return {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
