"""The machine that is looked at: its files, its commands, its architecture. Tests hand over a simulated one."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_LONGEST_S = 5.0
"""A command that says what the power mode is has done so by then."""
_MOST_BYTES = 64 * 1024

Runner = Callable[[Sequence[str]], "str | None"]


def run_command(command: Sequence[str]) -> str | None:
    """What a command says; `None` where it is not installed, fails or says nothing in time."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout[:_MOST_BYTES].decode("utf-8", "replace").strip() if done.returncode == 0 else None


@dataclass(frozen=True)
class System:
    """A machine.

    Attributes:
        root: folder that holds its `proc`, `sys` and so on.
        run: runs a command and returns what it says, or `None`.
        architecture: as `uname -m` has it.
    """

    root: Path = Path("/")
    run: Runner = run_command
    architecture: str = platform.machine()

    def read(self, path: str | Path) -> str | None:
        """Text of a file, without the blanks and zero bytes around it; `None` where it cannot be read.

        Args:
            path: from the root.
        """
        try:
            with (self.root / path).open("rb") as stream:
                content = stream.read(_MOST_BYTES)
        except OSError:
            return None
        return content.decode("utf-8", "replace").strip(" \t\r\n\0")

    def number(self, path: str | Path) -> int | None:
        """A whole number that a file holds; `None` where it holds none."""
        try:
            return int(self.read(path) or "")
        except ValueError:
            return None

    def find(self, pattern: str) -> list[str]:
        """Paths from the root that a pattern such as `sys/class/thermal/thermal_zone*` fits, sorted."""
        try:
            return sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))
        except OSError:
            return []
