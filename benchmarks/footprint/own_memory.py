"""What memory does this process hold, and what was the most? As Linux tells it; `None` where the system does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.system import System

_RESET = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Memory:
    """Memory of this process, in bytes; `None` where the system does not tell.

    Attributes:
        uss_bytes: pages that no other process shares, and that its end would set free: unique set size.
        peak_bytes: the most that it held at any time, pages shared with others among them (VmHWM).
    """

    uss_bytes: int | None
    peak_bytes: int | None


def read_memory(system: System) -> Memory:
    """Read both."""
    rollup = system.read("proc/self/smaps_rollup")
    private = [_find(rollup, name) for name in ("Private_Clean", "Private_Dirty")]
    uss = None if None in private else sum(each for each in private if each is not None)
    return Memory(uss, read_status(system, "VmHWM"))


def read_status(system: System, name: str) -> int | None:
    """A size from `/proc/self/status` such as VmRSS, in bytes."""
    return _find(system.read("proc/self/status"), name)


def reset_peak() -> bool:
    """Set the peak back to what is held; whether the system could."""
    try:
        _RESET.write_text("5")
    except OSError:
        return False
    return True


def _find(text: str | None, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d+) kB", text or "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None
