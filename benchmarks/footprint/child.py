"""Run a script of this package in a new process and read the JSON that it prints last."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_iqa.errors import DataError

LONGEST_S = 300.0
"""A process that has said nothing by then never will, on the slowest device."""


def run_child(script: Path, arguments: Sequence[object], what: str) -> dict[str, Any]:
    """Run `script` with the Python that runs here.

    Args:
        what: what is measured, for the error.

    Returns:
        What its last line of output holds.

    Raises:
        DataError: it could not be started, failed, was killed, took too long, or printed no JSON.
    """
    command = [sys.executable, str(script), *map(str, arguments)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_S, check=False
        )
    except OSError as error:
        raise DataError(f"{what}: no process could be started ({error.strerror or error})") from error
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{what}: the process was not done after {LONGEST_S:.0f} s") from error
    if done.returncode:
        ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise DataError(f"{what}: the process ended with {ended}{_tell_last_line(done.stderr)}")
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise DataError(f"{what}: expected JSON of the process, got {done.stdout[-200:]!r}") from error
    if not isinstance(told, dict):
        raise DataError(f"{what}: expected a JSON object of the process, got {told!r}")
    return told


def _tell_last_line(stderr: bytes) -> str:
    """Of a traceback the last line says what happened."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1][:500]}" if lines else " and said nothing"
