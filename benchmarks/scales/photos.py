"""Cost against the number of photos: what the first one costs, and whether the thousandth costs more than the tenth."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift import find_drift
from benchmarks.figure import Figure, Measured
from benchmarks.photos import pick
from benchmarks.scales.part import Found, Setting, observe
from edge_iqa import timing
from edge_iqa.errors import DataError

COUNTS, COUNTS_OF_QUICK = (1, 10, 100, 1000), (1, 10, 100)
SHORT_RUNS = 6
"""Of each count but the last, which is run once: the median of six has an interval."""
_FOLDER = 10
"""Photos that are judged again and again."""
_SHORT = 10
"""Photos; such a run is over soon."""
_LOOK_S = 1.0
_SETTLED = 0.1
"""Of the photos: what comes before is start-up, caches being filled."""
_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Run:
    """One process.

    Attributes:
        whole_s: from its start to its end.
        times_ms: of each photo.
        held: photos done → bytes held then; None where the system does not tell.
    """

    whole_s: float
    times_ms: list[float]
    held: dict[int, int | None]

    @property
    def start_s(self) -> float:
        """What is no photo's: the interpreter, imports, opening the bundle, and the end."""
        return self.whole_s - sum(self.times_ms) / 1e3


def measure(setting: Setting) -> Found:
    """Run processes that judge 1, 10, 100 and 1000 photos.

    Raises:
        DataError: one failed; with what it said.
    """
    counts = COUNTS_OF_QUICK if setting.quick else COUNTS
    runs: dict[int, list[Run]] = {count: [] for count in counts}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = pick(setting.photos, _FOLDER)
        for number, photo in enumerate(chosen):
            (folder / f"{number:02}").write_bytes(photo.data)
        with observe(setting, 1) as observed:
            order = [
                counts[-1],
                *(count for _ in range(2 if setting.quick else SHORT_RUNS) for count in counts[:-1]),
            ]
            for count in order:
                runs[count].append(_run(folder, count, setting, observed.look))
            passes = sum_passes(runs[counts[-1]][0].times_ms, len(chosen))
            observed.find_drift("photos", [passes])
            conditions = observed.close()
    longest, first = runs[counts[-1]][0], _find_settled(counts[-1])
    held = [(done, each) for done, each in longest.held.items() if each is not None and done >= first]
    span = f"at {counts[-1]} photos over that at {first}"
    figures = [
        tell_rise(f"time of a photo {span}", passes[first // len(chosen) :]),
        *([tell_rise(f"memory held {span}", [each for _, each in held])] if held else []),
        *(_tell_start(count, runs[count]) for count in counts[:-1]),
    ]
    rows: list[dict[str, Any]] = [
        {
            "photos": count,
            "runs": len(each),
            "whole_s": float(np.median([run.whole_s for run in each])),
            "start_s": float(np.median([run.start_s for run in each])),
            "ms_per_photo": float(np.median([run.whole_s * 1e3 / count for run in each])),
            "ms_per_photo_without_start": float(np.median([np.mean(run.times_ms) for run in each])),
            "held_bytes": each[0].held[max(each[0].held)],
        }
        for count, each in runs.items()
    ]
    details = {
        "runs": rows,
        "folder": [photo.name for photo in chosen],
        "passes_ms": passes,
        "held": [[done, held] for done, held in longest.held.items()],
    }
    missing = [] if held else ["memory held: this system does not tell it in /proc/self/status"]
    return Found(figures, details, conditions, missing)


def sum_passes(times_ms: Sequence[float], photos: int) -> list[float]:
    """Milliseconds of each whole pass over the photos: passes are alike, photos are not."""
    whole = len(times_ms) // photos
    return [float(sum(times_ms[at * photos : (at + 1) * photos])) for at in range(whole)]


def _find_settled(count: int) -> int:
    return max(1, round(count * _SETTLED))


def tell_rise(what: str, series: Sequence[float]) -> Figure:
    """How many times the first of a series the last is, by the slope of all (`benchmarks.drift`)."""
    share = find_drift([series]).share
    if share is None or share.low <= -2 or share.high >= 2:  # a line through so wild a series meets zero
        return Figure(what, None)
    # the slope is a share of the middle: the ends lie half of it below and above
    value, low, high = ((2 + each) / (2 - each) for each in (share.value, share.low, share.high))
    return Figure(what, Measured(value, low, high, len(series)))


def _tell_start(count: int, runs: Sequence[Run]) -> Figure:
    """The share of a process's time that is no photo's."""
    shares = [run.start_s / run.whole_s for run in runs]
    found = timing.percentile(shares, 0.5)
    told = None if found is None else Measured(found.value, found.low, found.high, len(shares))
    return Figure(f"share of start-up in {count} photo{'' if count == 1 else 's'}", told)


def _run(folder: Path, count: int, setting: Setting, look: Callable[[], None]) -> Run:
    command = [sys.executable, "-m", "benchmarks.scales.endurance", str(folder), str(count)]
    command += [] if setting.bundle is None else ["--bundle", str(setting.bundle.resolve())]
    command += [] if setting.backend is None else ["--backend", setting.backend]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start_s = time.perf_counter()
        run = subprocess.Popen(command, cwd=_ROOT, stdout=out, stderr=errors)
        while run.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                # with a time limit it is looked at twenty times a second, too coarse for a short run
                run.wait(_LOOK_S if count > _SHORT else None)
            look()
        whole_s = time.perf_counter() - start_s
        out.seek(0), errors.seek(0)
        if run.returncode:
            said = errors.read().decode(errors="replace").strip()[-500:]
            raise DataError(f"{count} photos in one process: it failed: {said}")
        told = json.loads(out.read().splitlines()[-1])
    return Run(whole_s, told["times_ms"], dict(map(tuple, told["held"])))
