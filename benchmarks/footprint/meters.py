"""Meters that a device has built in → joules from one moment to the other.

A counter (RAPL) is exact whenever it is read, as long as it is read before it has gone round twice. What shows
power alone (INA3221, PMIC) is read again and again, and the trapezoids between readings are added up.
"""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Callable
from typing import Protocol

from benchmarks.device import Device, Meter
from benchmarks.system import System
from benchmarks.variants import Absence

Clock = Callable[[], float]
"""Seconds that never go back."""

_RAIL = re.compile(r"^\s*(\S+)_([AV])\s+(?:current|volt)\(\d+\)=([0-9.]+)[AV]\s*$", re.MULTILINE)
"""A line of `vcgencmd pmic_read_adc`, such as `VDD_CORE_A current(7)=0.92871990A`."""


class Tally(Protocol):
    """Adds up what one meter shows."""

    meter: Meter
    every_s: float
    """How often it is worth to be looked at."""

    def start(self) -> bool:
        """Begin at 0 now; whether the meter can be read."""

    def look(self) -> None:
        """Read it once more."""

    @property
    def joules(self) -> float | None:
        """From the start to the last look; `None` where it could not be read every time."""


class CounterTally:
    """Counts of microjoules, one a domain; each begins anew at its own range."""

    every_s = 1.0

    def __init__(self, meter: Meter, system: System) -> None:
        self.meter, self._system = meter, system
        self._folders = [path for path in system.find(meter.path) if self._is_part(path)]
        self._ranges = {path: system.number(f"{path}/max_energy_range_uj") for path in self._folders}
        self._last: dict[str, int] = {}
        self._sum_uj: int | None = None

    def start(self) -> bool:
        found = self._read()
        self._last, self._sum_uj = found or {}, 0 if found else None
        return found is not None

    def look(self) -> None:
        found = self._read()
        if found is None or self._sum_uj is None:
            self._sum_uj = None
            return
        for path, count in found.items():
            gone = count - self._last[path]
            if gone < 0:
                around = self._ranges[path]
                if around is None:
                    self._sum_uj = None
                    return
                gone += around
            self._sum_uj += gone
        self._last = found

    @property
    def joules(self) -> float | None:
        return None if self._sum_uj is None else self._sum_uj / 1e6

    def _read(self) -> dict[str, int] | None:
        """Count of each domain; `None` where there is none or one cannot be read."""
        found = {}
        for path in self._folders:
            count = self._system.number(f"{path}/energy_uj")
            if count is None:
                return None
            found[path] = count
        return found or None

    def _is_part(self, path: str) -> bool:
        name = self._system.read(f"{path}/name") or ""
        return any(fnmatch.fnmatchcase(name, each) for each in self.meter.parts)


class PowerTally:
    """Power at the moment, added up as trapezoids."""

    def __init__(
        self, meter: Meter, read_watts: Callable[[], float | None], every_s: float, clock: Clock
    ) -> None:
        self.meter, self.every_s = meter, every_s
        self._read_watts, self._clock = read_watts, clock
        self._joules: float | None = None
        self._last_s = self._last_watts = 0.0

    def start(self) -> bool:
        watts = self._read_watts()
        self._joules = None if watts is None else 0.0
        if watts is not None:
            self._last_s, self._last_watts = self._clock(), watts
        return watts is not None

    def look(self) -> None:
        watts, now_s = self._read_watts(), self._clock()
        if watts is None or self._joules is None:
            self._joules = None
            return
        self._joules += (watts + self._last_watts) / 2 * (now_s - self._last_s)
        self._last_s, self._last_watts = now_s, watts

    @property
    def joules(self) -> float | None:
        return self._joules


def open_tallies(
    device: Device, system: System, clock: Clock = time.monotonic
) -> tuple[list[Tally], list[Absence]]:
    """Every meter of a device that can be read here.

    Returns:
        The tallies, and where there are none, why: one absence a meter, or one for a device without any.
    """
    tallies = [_open(meter, system, clock) for meter in device.meters]
    working = [tally for tally in tallies if tally.start()]
    if working:
        return working, []
    if not device.meters:
        return [], [Absence("energy", device.no_meter or f"no meter is known of a {device.name}")]
    return [], [
        Absence(f"energy by {meter.name}", f"it could not be read here; needs {meter.needs}")
        for meter in device.meters
    ]


def _open(meter: Meter, system: System, clock: Clock) -> Tally:
    if meter.kind == "counter":
        return CounterTally(meter, system)
    if meter.kind == "rails":
        rails = find_rails(meter, system)
        return PowerTally(meter, lambda: _read_rails(rails, system), 0.1, clock)
    # a command is a process: looked at more often it would be a part of what it measures
    return PowerTally(meter, lambda: read_adc(system.run(meter.command)), 0.5, clock)


def find_rails(meter: Meter, system: System) -> list[tuple[str, str]]:
    """Files of millivolts and milliamperes of each rail of a meter; none where one of the rails is missing."""
    found: dict[str, tuple[str, str]] = {}
    for path in system.find(f"{meter.path}/in*_label"):
        name = system.read(path)
        if name in meter.parts:
            folder, _, file = path.rpartition("/")
            number = file.removeprefix("in").removesuffix("_label")
            found[name] = f"{folder}/in{number}_input", f"{folder}/curr{number}_input"
    return list(found.values()) if len(found) == len(set(meter.parts)) else []


def _read_rails(rails: list[tuple[str, str]], system: System) -> float | None:
    """Watts of all rails; `None` where one cannot be read."""
    watts = 0.0
    for volts, amperes in rails:
        millivolts, milliamperes = system.number(volts), system.number(amperes)
        if millivolts is None or milliamperes is None:
            return None
        watts += millivolts * milliamperes / 1e6
    return watts if rails else None


def read_adc(text: str | None) -> float | None:
    """Watts of all rails that have both a voltage and a current; `None` where there is none."""
    amperes: dict[str, float] = {}
    volts: dict[str, float] = {}
    for name, unit, value in _RAIL.findall(text or ""):
        (amperes if unit == "A" else volts)[name] = float(value)
    both = amperes.keys() & volts.keys()
    return sum(amperes[name] * volts[name] for name in both) if both else None
