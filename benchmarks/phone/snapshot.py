"""What a phone's files say at one moment, copied in one go: `Probe` reads them as it reads this machine's own."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.device import Bounds
from benchmarks.phone.adb import Phone
from benchmarks.system import System

_CPU = "sys/devices/system/cpu/cpu*/cpufreq"
_THERMAL = "sys/class/thermal"
_TEMPERATURE = f"{_THERMAL}/thermal_zone*/temp"
_MOVING = (
    f"{_CPU}/scaling_cur_freq",
    _TEMPERATURE,
    f"{_THERMAL}/cooling_device*/cur_state",
    "proc/loadavg",
)
_FIXED = (
    f"{_CPU}/scaling_governor",
    f"{_CPU}/scaling_max_freq",
    f"{_CPU}/cpuinfo_max_freq",
    f"{_THERMAL}/thermal_zone*/type",
    f"{_THERMAL}/cooling_device*/type",
    "sys/class/power_supply/*/type",
    "sys/class/power_supply/*/scope",
    "sys/class/power_supply/*/status",
    "sys/devices/system/cpu/present",
    "proc/meminfo",
    "proc/swaps",
    "proc/vmstat",
    "proc/stat",
)
_HAL = "Current temperatures from HAL:"
_CPU_HEAT = re.compile(r"Temperature\{mValue=(-?\d{1,3}(?:\.\d{1,9})?), mType=0,")
"""Lines of `dumpsys thermalservice`; type 0 is `android.hardware.thermal.TemperatureType.CPU`."""
_BEGIN = "\x1e"
_BATTERY = "sys/class/power_supply/dumpsys"
_STATUS = {"1": "Unknown", "2": "Charging", "3": "Discharging", "4": "Not charging", "5": "Full"}
"""As `android.os.BatteryManager` numbers them."""


class Snapshots:
    """Copies the files of a phone into a folder, again and again; what it may not read is not there."""

    def __init__(self, phone: Phone, folder: Path, bounds: Bounds) -> None:
        self._phone, self._folder = phone, folder
        self._all = (*_MOVING, *_FIXED, *bounds.throttle_counters)
        architecture = phone.run(["uname", "-m"]) or "unknown"
        self.system = System(folder, phone.run, architecture)

    def take(self, moving_only: bool = False) -> None:
        """Copy all of them, or those alone that move from second to second.

        Raises:
            PhoneError: the phone was lost.
        """
        patterns = _MOVING if moving_only else self._all
        texts = _read(self._phone, patterns)
        for path in (path for pattern in patterns for path in self.system.find(pattern) if path not in texts):
            (self._folder / path).unlink(
                missing_ok=True
            )  # what it no longer tells is not what it told before
        for path, text in texts.items():
            self._write(path, text)
        if not any(fnmatch.fnmatchcase(path, _TEMPERATURE) for path in texts):
            self._ask_for_heat()
        if not moving_only and not self.system.find("sys/class/power_supply/*/type"):
            self._ask_for_battery()

    def _ask_for_heat(self) -> None:
        """Newer phones hide the sensors, and tell those of the processor (type 0) by a command."""
        said = (self._phone.run(["dumpsys", "thermalservice"]) or "").partition(_HAL)[2]
        for index, celsius in enumerate(_CPU_HEAT.findall(said)):
            zone = f"{_THERMAL}/thermal_zone{index}"
            self._write(f"{zone}/type", f"cpu-{index}")
            self._write(f"{zone}/temp", str(round(float(celsius) * 1000)))

    def _ask_for_battery(self) -> None:
        """Newer phones hide the files, and say the same by a command."""
        found = re.search(r"^\s*status: (\d)$", self._phone.run(["dumpsys", "battery"]) or "", re.MULTILINE)
        if found:
            self._write(f"{_BATTERY}/type", "Battery")
            self._write(f"{_BATTERY}/status", _STATUS.get(found[1], "Unknown"))

    def _write(self, path: str, text: str) -> None:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _read(phone: Phone, patterns: Sequence[str]) -> dict[str, str]:
    """Path → text of the files that are there and may be read."""
    # the patterns are ours, and the phone's shell fills them in
    listed = " ".join(f"/{pattern}" for pattern in patterns)
    script = f'for file in {listed}; do [ -r "$file" ] && printf "\\036%s\\n" "$file" && cat "$file"; done 2>/dev/null'
    texts = {}
    for part in phone.shell(script)[1].split(_BEGIN)[1:]:
        path, _, text = part.partition("\n")
        path = path.lstrip("/")
        # what is written here is chosen by the phone: only where it was asked for
        if ".." not in path.split("/") and any(_fits(path, pattern) for pattern in patterns):
            texts[path] = text
    return texts


def _fits(path: str, pattern: str) -> bool:
    """Part by part, as a shell does it: `*` stands for no slash."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
