"""How long does the first verdict take? A new process a time, from its start to the verdict, step by step.

The files that it reads are in the page cache: a process that is not counted has read them before. A disk that
is really cold can only be had by root (dropping the caches), is far slower on an SD card, and is not claimed.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.footprint.child import run_child
from edge_iqa import timing

CHILD = Path(__file__).resolve().with_name("cold_child.py")
STEPS = ("python", "import", "open", "first")
"""Parts of the whole, in order: until Python runs our first line, `from edge_iqa import Inspector`,
`Inspector.open`, the first verdict."""
CACHE = "files in the page cache"


def measure(
    photo: Path,
    bundle: Path,
    backends: Sequence[str],
    threads: int,
    opencv_threads: int | None,
    processes: int,
    child: Path = CHILD,
) -> list[dict[str, Any]]:
    """Start `processes` new processes for each backend, in turns, and one before them that is not counted.

    Args:
        photo: file of the photo that is judged.
        bundle: folder of the bundle.
        threads, opencv_threads: as for `Inspector.open` and OpenCV; `None` leaves OpenCV its own choice.
        child: script that is run; tests hand over another.

    Returns:
        One entry a backend: percentiles of each of `STEPS`, of the `whole`, and of a `second` verdict in the
        same process, which is not part of the whole.

    Raises:
        DataError: a process failed; says how it ended.
    """
    shuffle = np.random.default_rng(0)
    told: dict[str, list[Mapping[str, float]]] = {backend: [] for backend in backends}
    for counted in range(-1, processes):
        for index in shuffle.permutation(len(backends)):
            backend = backends[index]
            arguments = (photo, bundle, backend, threads, "" if opencv_threads is None else opencv_threads)
            start_ns = time.monotonic_ns()
            moments = run_child(child, arguments, f"cold start with {backend}")
            if counted >= 0:
                told[backend].append(_to_steps(start_ns, moments))
    return [{"backend": backend, "stages": _summarize(steps)} for backend, steps in told.items()]


def _to_steps(start_ns: int, moments: Mapping[str, int]) -> dict[str, float]:
    """Milliseconds of each step."""
    order = [start_ns, *(moments[name] for name in ("started", "imported", "opened", "judged", "again"))]
    parts = [(after - before) / 1e6 for before, after in itertools.pairwise(order)]
    *steps, second = parts
    return {**dict(zip(STEPS, steps, strict=True)), "whole": sum(steps), "second": second}


def _summarize(steps: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    return {name: timing.summarize([each[name] for each in steps]).to_dict() for name in steps[0]}
