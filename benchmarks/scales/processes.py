"""Rate against processes: `edge-iqa batch --jobs N` on the same photos, from one process to twice the cores."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import megapixels
from benchmarks.batch_process import count_rows, start_batch
from benchmarks.figure import Figure
from benchmarks.scales.part import Found, Setting, observe, tell_ratio
from benchmarks.scales.threads import count_up
from edge_iqa.backends.base import cores
from edge_iqa.errors import DataError

ROUNDS = 8
PHOTOS, PHOTOS_OF_QUICK = 96, 16
_MEGAPIXELS = 2.0
_EVERY_S = 0.02
"""Between two looks at the rows that are there; a look takes microseconds."""


@dataclass(frozen=True)
class Batch:
    """One run.

    Attributes:
        start_s: from its start until rows were there.
        rows: that were there then.
        whole_s: from its start to the written file.
    """

    start_s: float
    rows: int
    whole_s: float


def measure(setting: Setting) -> Found:
    """Time whole runs, in turns; what they take to start is told apart from what follows.

    Raises:
        DataError: the photos cannot be made, or a run fails.
    """
    counts = count_up(2 * cores())
    count = PHOTOS_OF_QUICK if setting.quick else PHOTOS
    size = min(_MEGAPIXELS, setting.sizes[-1])
    made = megapixels.make(
        setting.photos, [size], setting.cache / "megapixels", each=1 if setting.quick else 3
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, each in zip(range(count), cycle(made), strict=False):
            (folder / f"{number:04}.jpg").write_bytes(each.photo.data)
        with observe(setting, None, None) as observed:
            tasks: dict[str, Callable[[], Batch]] = {
                _name(jobs): partial(run_batch, folder, jobs, setting, observed.look) for jobs in counts
            }
            recorded = observed.record(
                "processes",
                tasks,
                setting.rounds(ROUNDS),
                lambda batch: {
                    "start": batch.start_s * 1e3,
                    "photo": (batch.whole_s - batch.start_s) * 1e3 / (count - batch.rows),
                },
                steady=None,
            )
            conditions = observed.close()
    per_photo = {jobs: recorded[_name(jobs)].stages_ms["photo"] for jobs in counts}
    whole = {jobs: recorded[_name(jobs)].whole_ms for jobs in counts}
    figures: list[Figure] = []
    for jobs in counts[1:]:
        figures.append(
            tell_ratio(
                f"photos a second by {_name(jobs)} over one, once begun", per_photo[1], per_photo[jobs]
            )
        )
        figures.append(
            tell_ratio(
                f"photos a second by {_name(jobs)} over one, from start to file", whole[1], whole[jobs]
            )
        )
    rows: list[dict[str, Any]] = [
        {
            "processes": jobs,
            "photos_per_s": float(1e3 / np.median(per_photo[jobs])),
            "photos_per_s_with_start": float(count / np.median(whole[jobs]) * 1e3),
            "start_s": float(np.median(recorded[_name(jobs)].stages_ms["start"]) / 1e3),
            "whole_s": float(np.median(whole[jobs]) / 1e3),
        }
        for jobs in counts
    ]
    return Found(figures, {"count": count, "photo": made[0].photo.name, "runs": rows}, conditions)


def run_batch(folder: Path, jobs: int, setting: Setting, look: Callable[[], None]) -> Batch:
    """Run one batch to its end.

    Raises:
        DataError: it failed.
    """
    more = [] if setting.bundle is None else ["--bundle", str(setting.bundle)]
    more += [] if setting.backend is None else ["--backend", setting.backend]
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "x.jsonl"
        start_s = time.perf_counter()
        run = start_batch(folder, out, jobs, *more)
        begun_s, rows = None, 0
        try:
            while run.poll() is None:
                if begun_s is None and (rows := count_rows(out) or 0):
                    begun_s = time.perf_counter()
                look()
                time.sleep(_EVERY_S if begun_s is None else _EVERY_S / 4)
            end_s = time.perf_counter()
        finally:  # its processes are in a group of their own, which Ctrl-C does not reach
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
    if run.returncode not in (0, 1):
        raise DataError(f"edge-iqa batch --jobs {jobs}: expected exit code 0 or 1, got {run.returncode}")
    if begun_s is None or rows >= len(list(folder.iterdir())):
        raise DataError(f"edge-iqa batch --jobs {jobs}: over before it was looked at; leave out --quick")
    return Batch(begun_s - start_s, rows, end_s - start_s)


def _name(jobs: int) -> str:
    return f"{jobs} process{'' if jobs == 1 else 'es'}"
