"""What the machine is like at one moment: clock, heat, memory, swap, power. `None` where it does not tell."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.device import Bounds, Flags, Note
from benchmarks.system import System

_CPU = "sys/devices/system/cpu"
_COLDEST, _HOTTEST = -40.0, 150.0
"""Degrees that a working sensor shows; one that is switched off shows others."""
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class State:
    """The machine at one moment.

    Attributes:
        governors: of the cores used, each once.
        mhz: clock of the slowest core used.
        reference_mhz: what it should be, of the same core.
        celsius: the hottest sensor that counts.
        throttle_count: how often the processor was held back, since boot.
        cooling: the strongest cooling device that holds it back; 0 is none.
        flags: bits that say so, by name.
        free_mb: memory that is available, 10^6 bytes.
        swap_mb: swap in use.
        swapped_pages: pages that went to swap or came back, since boot.
        batteries: status of each; empty where there is none.
        total_ticks, stolen_ticks: of the cores used, since boot; stolen by a hypervisor.
        wall_ticks: of one core, since boot, whatever it did.
        elsewhere_ticks: busy ones of the cores that the run may use and leaves alone.
    """

    governors: tuple[str, ...] | None = None
    mhz: float | None = None
    reference_mhz: float | None = None
    celsius: float | None = None
    throttle_count: int | None = None
    cooling: int | None = None
    flags: Mapping[str, int] | None = None
    free_mb: float | None = None
    swap_mb: float | None = None
    swapped_pages: int | None = None
    batteries: tuple[str, ...] | None = None
    total_ticks: int | None = None
    stolen_ticks: int | None = None
    wall_ticks: float | None = None
    elsewhere_ticks: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Probe:
    """Reads the conditions of the cores used. Files are looked for once: a look must cost next to nothing."""

    def __init__(
        self, system: System, bounds: Bounds, cores: Sequence[int], elsewhere: Sequence[int] = ()
    ) -> None:
        """
        Args:
            bounds: which sensors count.
            cores: numbers of the cores that the run is pinned to.
            elsewhere: those of the others that it might use: they share caches, memory and heat with it.
        """
        self._system, self._bounds, self._cores = system, bounds, tuple(cores)
        self._elsewhere = tuple(elsewhere)
        self._zones = self._of_type("sys/class/thermal/thermal_zone*", bounds.temperature_zones)
        self._cooling = self._of_type("sys/class/thermal/cooling_device*", bounds.cooling_devices)
        self._counters = [path for pattern in bounds.throttle_counters for path in system.find(pattern)]

    def read(self) -> State:
        """Everything; some of it from commands."""
        mhz, reference_mhz = self.read_clock()
        ticks = _read_ticks(self._system, self._cores)
        elsewhere = _read_ticks(self._system, self._elsewhere)
        return State(
            governors=self._read_governors(),
            mhz=mhz,
            reference_mhz=reference_mhz,
            celsius=self.read_celsius(),
            throttle_count=_sum(self._system, self._counters),
            cooling=self.read_cooling(),
            flags=_read_flags(self._system, self._bounds.flags),
            free_mb=_read_free_mb(self._system),
            swap_mb=_read_swap_mb(self._system),
            swapped_pages=_read_swapped(self._system),
            batteries=_read_batteries(self._system),
            total_ticks=ticks and ticks.total,
            stolen_ticks=ticks and ticks.stolen,
            wall_ticks=ticks and ticks.total / ticks.cores,
            elsewhere_ticks=elsewhere and elsewhere.busy,
        )

    def read_clock(self) -> tuple[float | None, float | None]:
        """Clock of the core that is furthest below its own reference, and that reference, MHz."""
        clocks = [
            (self._mhz(core, "scaling_cur_freq"), self._mhz(core, self._bounds.clock_reference))
            for core in self._cores
        ]
        known = [(mhz, top) for mhz, top in clocks if mhz is not None and top]
        return min(known, key=lambda clock: clock[0] / clock[1], default=(None, None))

    def read_celsius(self) -> float | None:
        """The hottest sensor that counts."""
        milli = [self._system.number(f"{zone}/temp") for zone in self._zones]
        known = [each / 1000 for each in milli if each is not None]
        return max((each for each in known if _COLDEST <= each <= _HOTTEST), default=None)

    def read_cooling(self) -> int | None:
        """The strongest cooling device that counts."""
        states = [self._system.number(f"{device}/cur_state") for device in self._cooling]
        return max((each for each in states if each is not None), default=None)

    def read_load(self) -> float | None:
        """Processes that ran or waited, on average over the last minute."""
        try:
            return float((self._system.read("proc/loadavg") or "").split()[0])
        except (ValueError, IndexError):
            return None

    def _read_governors(self) -> tuple[str, ...] | None:
        found = [self._system.read(f"{_CPU}/cpu{core}/cpufreq/scaling_governor") for core in self._cores]
        known = [each for each in found if each]
        return tuple(sorted(set(known))) if known else None

    def _mhz(self, core: int, name: str) -> float | None:
        khz = self._system.number(f"{_CPU}/cpu{core}/cpufreq/{name}")
        return None if khz is None else khz / 1000

    def _of_type(self, pattern: str, types: Sequence[str]) -> list[str]:
        found = [(path, self._system.read(f"{path}/type")) for path in self._system.find(pattern)]
        return [
            path for path, name in found if name and any(fnmatch.fnmatchcase(name, each) for each in types)
        ]


def read_notes(system: System, notes: Sequence[Note]) -> dict[str, str | None]:
    """What is to be written beside the figures, by name, on one line; `None` where it cannot be read."""
    return {note.name: _read_note(system, note) for note in notes}


def _read_note(system: System, note: Note) -> str | None:
    paths = system.find(note.path) if note.path else []
    texts = [system.run(note.command)] if note.command else [system.read(path) for path in paths]
    known = [_SPACES.sub(" ", text) for text in texts if text]
    return ", ".join(known) if known else None


def _read_flags(system: System, flags: Sequence[Flags]) -> dict[str, int] | None:
    """Each number, such as 0x50005 of `throttled=0x50005`."""
    found = {}
    for each in flags:
        text = system.run(each.command) if each.command else system.read(each.path)
        number = re.search(r"(0x[0-9a-fA-F]+|\d+)\s*$", text or "")
        if number:
            found[each.name] = int(number[1], 0) if number[1].startswith("0x") else int(number[1])
    return found or None


def _sum(system: System, paths: Sequence[str]) -> int | None:
    known = [number for path in paths if (number := system.number(path)) is not None]
    return sum(known) if known else None


def _read_free_mb(system: System) -> float | None:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", system.read("proc/meminfo") or "", re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else None


def _read_swap_mb(system: System) -> float | None:
    text = system.read("proc/swaps")
    if text is None:
        return None
    # Filename, Type, Size, Used, Priority; a name has its blanks escaped
    rows = [line.split() for line in text.splitlines()[1:]]
    return sum(int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit()) * 1024 / 1e6


def _read_swapped(system: System) -> int | None:
    found = re.findall(r"^pswp(?:in|out) (\d+)$", system.read("proc/vmstat") or "", re.MULTILINE)
    return sum(map(int, found)) if found else None


def _read_batteries(system: System) -> tuple[str, ...] | None:
    """Status of each battery that the machine runs on; that of a mouse has the scope `Device`."""
    if not (system.root / "sys/class/power_supply").is_dir():
        return None
    found = system.find("sys/class/power_supply/*")
    own = [
        path
        for path in found
        if system.read(f"{path}/type") == "Battery" and system.read(f"{path}/scope") != "Device"
    ]
    return tuple(system.read(f"{path}/status") or "Unknown" for path in own)


@dataclass(frozen=True)
class _Ticks:
    """Of the clock since boot, over some cores."""

    cores: int
    total: int
    busy: int
    stolen: int


def _read_ticks(system: System, cores: Sequence[int]) -> _Ticks | None:
    """Ticks of these cores; None where there are none, or the system does not tell."""
    names = {f"cpu{core}" for core in cores}
    rows = [line.split() for line in (system.read("proc/stat") or "").splitlines() if line]
    counted = [list(map(int, row[1:9])) for row in rows if row[0] in names and _are_ticks(row[1:9])]
    if not counted:
        return None
    total = sum(map(sum, counted))
    # user, nice, system, idle, waiting for a disk, interrupts of two kinds, stolen
    return _Ticks(
        len(counted), total, total - sum(row[3] + row[4] for row in counted), sum(row[7] for row in counted)
    )


def _are_ticks(fields: Sequence[str]) -> bool:
    """Eight counts; a phone may say anything."""
    return len(fields) == 8 and all(each.isascii() and each.isdigit() and len(each) < 20 for each in fields)


def read_cores() -> tuple[int, ...]:
    """Numbers of the cores that this process may use; none where the system does not tell."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
