"""Where a result of `latency.py` goes, what is printed of it, and the exit code that it gives."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.devices import HOST
from benchmarks.latency_screen import print_result
from benchmarks.partial import mark
from edge_iqa import files

INVALID = 4
"""Exit code of figures that do not count."""
SLOWER = 5
"""Exit code of a comparison that found something slower."""


def conclude(options: argparse.Namespace, result: Mapping[str, Any]) -> int:
    """Write the result, print it, and return the exit code.

    Raises:
        OutputError: it could not be written.
    """
    path = write_result(options, result)
    print_result(dict(result))
    print(f"written to {path}")
    return exit_code(result)


def exit_code(result: Mapping[str, Any]) -> int:
    """Of a command that has come to this result."""
    if result.get("failed") or result.get("partial"):
        return 1
    return 0 if result["valid"] else INVALID


def conclude_partial(options: argparse.Namespace, result: Mapping[str, Any], asked: int, why: str) -> None:
    """Write and print what was measured until the run was cut off, marked as such.

    Args:
        result: of the photos that were done.
        asked: photos that were to be measured.
        why: what cut it off.

    Raises:
        OutputError: it could not be written.
    """
    done = len(result["photos"]) + len(result["failed"])
    conclude(options, mark(result, done, asked, "photos", why))
    print(f"latency.py: {why}; what was measured until then is kept, marked as partial", file=sys.stderr)


def write_result(options: argparse.Namespace, result: Mapping[str, Any], what: str = "") -> Path:
    """Write it to a file whose name says what it is; returns where.

    Neither a look nor an invalid figure ever takes the place of a measurement, nor another host's figures of
    this one's.

    Args:
        what: `-model` for a part of what `latency.py` measures.

    Raises:
        OutputError: it could not be written.
    """
    folder: Path = options.out
    name = f"{result['device']}{what}"
    if options.remote is not None and name == HOST:
        name += "-remote"
    state = "-partial" if result.get("partial") else "" if result["valid"] else "-invalid"
    return files.write_json(folder / f"latency-{name}{options.profile.suffix}{state}.json", result)
