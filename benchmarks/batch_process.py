"""`edge-iqa batch` in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent


def start_batch(folder: Path, out: Path, jobs: int, *more: str) -> subprocess.Popen[bytes]:
    """A run in a group of processes of its own, which goes on where one was killed.

    Args:
        folder: of photos.
        out: result, such as `x.jsonl`.
        more: options.
    """
    command = [sys.executable, "-m", "edge_iqa", "batch", str(folder), "-o", str(out)]
    command += ["--jobs", str(jobs), "--resume", *more]
    return subprocess.Popen(
        command, cwd=_CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def journal_of(out: Path) -> Path:
    """Where a run keeps its rows until all are there."""
    return Path(f"{out}.part")


def count_rows(out: Path) -> int | None:
    """Rows that the journal holds; None where there is none."""
    try:
        return max(0, journal_of(out).read_bytes().count(b"\n") - 1)
    except FileNotFoundError:
        return None
