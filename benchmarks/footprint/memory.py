"""How much memory does a process take that judges a photo? A new process a measurement.

Unique set size (USS) is what its end would set free; the peak is the most that it ever held, with the pages of
libraries that other processes may share. Where the system tells neither, there is no figure, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.footprint.child import run_child
from edge_iqa import timing

CHILD = Path(__file__).resolve().with_name("memory_child.py")
STEPS = ("import", "open", "verdict")
"""Once numpy and OpenCV are loaded, once an Inspector is open, after the first verdict."""
KINDS = ("uss_bytes", "peak_bytes")


def measure(
    photos: Mapping[str, Path],
    bundle: Path,
    backends: Sequence[str],
    threads: int,
    opencv_threads: int | None,
    processes: int,
) -> list[dict[str, Any]]:
    """Judge each photo with each backend in `processes` new processes.

    Args:
        photos: files by the photo's name.

    Returns:
        One entry a backend and photo: for each of `STEPS` and `KINDS` the `median` in bytes, its interval
        (`p50`) where the processes are enough for one, and how many there were (`n`); `None` where the system
        does not tell.

    Raises:
        DataError: a process failed; says how it ended.
    """
    told = []
    for name, path in photos.items():
        for backend in backends:
            arguments = (path, bundle, backend, threads, "" if opencv_threads is None else opencv_threads)
            runs = [run_child(CHILD, arguments, f"memory with {backend}, {name}") for _ in range(processes)]
            sizes = {key: runs[0][key] for key in ("width_px", "height_px")}
            steps = {
                step: {kind: summarize([run[step][kind] for run in runs]) for kind in KINDS} for step in STEPS
            }
            told.append({"backend": backend, "photo": name, **sizes, "steps": steps})
    return told


def summarize(samples_bytes: Sequence[int | None]) -> dict[str, Any] | None:
    """Median and its interval; `None` where one of the processes was told nothing."""
    known = [each for each in samples_bytes if each is not None]
    if not known or len(known) < len(samples_bytes):
        return None
    p50 = timing.percentile(known, 0.5)
    return {"n": len(known), "median": float(np.median(known)), "p50": p50 and asdict(p50)}
