"""Is `edge-iqa batch` quick, and is no row ever lost? `python benchmarks/batch.py --photos DIR`

Scaling: the same photos with one process and with two, in turns, from the first import to the written file; needs
photos as sellers send them, and a quiet machine. Kills: small photos, and runs that are killed (SIGKILL to all of
their processes) at random moments, half of them near the end, and go on with `--resume` until they are through; every
result is then held to that of a run that nobody killed. Writes `batch-scaling-host.json` and `batch-kills-host.json`;
the exit code is 1 where a row was lost, doubled or changed.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.accuracy import show
from benchmarks.batch_process import count_rows, journal_of, start_batch
from benchmarks.figures import Figure
from benchmarks.photos import pick, read_photos
from benchmarks.result_file import describe_shipped, mark_look
from compression.command import positive, run_command, some_of
from compression.metrics import Estimate
from compression.progress import console, track
from edge_iqa import machine, opencv, timing
from edge_iqa.errors import DataError
from edge_iqa.files import make_folder, write_json

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples" / "photos"
PARTS = ("scaling", "kills")
LEAST_RATIO = 1.7
_SMALL_PX = 320
_SMALL_PHOTOS = 150
_LONGEST_S = 4.0
"""A kill comes up to so long after the start: starting takes a second or two, and so does the work."""
_NEAR_END = 3
"""Rows that are missing where a kill near the end begins to wait."""
_NEAR_END_S = 0.15


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        near_end: whether it waited until all but a few rows were kept.
        kept: rows of the journal when it came; None where there was none: not begun, or just through.
    """

    near_end: bool
    kept: int | None


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="batch.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=some_of(PARTS), default=PARTS, help=f"of {','.join(PARTS)} (both)")
    parser.add_argument("--photos", type=Path, default=EXAMPLES, help="a folder, for scaling (examples)")
    parser.add_argument("--count", type=positive, default=300, help="photos of it, for scaling (%(default)s)")
    parser.add_argument(
        "--pairs", type=positive, default=7, help="runs with one process and with two (%(default)s)"
    )
    parser.add_argument("--kills", type=positive, default=50, help="default: %(default)s")
    parser.add_argument(
        "--out", type=Path, default=HERE / "results", help="folder of the results (%(default)s)"
    )
    options = parser.parse_args(argv)
    needed = {"scaling": ("count", "pairs"), "kills": ("kills",)}
    options.looks = {part: mark_look(options, parser, *names) for part, names in needed.items()}
    return run_command(bench, options)


def bench(options: argparse.Namespace) -> None:
    """Measure each part, write its result, print its table.

    Raises:
        DataError: no photos, or a row was lost, doubled or changed.
    """
    make_folder(options.out, "--out")
    measure = {"scaling": _measure_scaling, "kills": _measure_kills}
    failed = False
    for part in (part for part in PARTS if part in options.parts):
        figures, details = measure[part](options)
        result = {
            **details,
            "bundle": describe_shipped(),
            "figures": [each.to_dict() for each in figures],
            "machine": machine.describe(),
        }
        path = write_json(options.out / f"batch-{part}-host{options.looks[part]}.json", result)
        show(figures)
        console.print(f"wrote {path}")
        failed = failed or (part == "kills" and any(each.estimate.value for each in figures if each.estimate))
    if failed:
        raise DataError("rows were lost, doubled or changed; see the table")


# scaling


def _measure_scaling(options: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    photos = pick(read_photos([options.photos]), options.count)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photos"
        folder.mkdir()
        for number, photo in enumerate(photos):
            (folder / f"{number:06}{Path(photo.name).suffix}").write_bytes(photo.data)
        _time(folder, 2)  # the disk's cache is warm for all
        watch = machine.Watch()
        for number in track(iter(range(options.pairs)), options.pairs, "pairs"):
            for jobs in ((1, 2), (2, 1))[number % 2]:
                seconds[jobs].append(_time(folder, jobs))
        usage = watch.read()
    ratio = timing.ratio(seconds[1], seconds[2])
    found = None if ratio is None else Estimate(ratio.value, ratio.low, ratio.high, options.pairs)
    figures = [Figure("one process / two, time of `edge-iqa batch`", found, LEAST_RATIO)]
    facts = machine.describe()
    return figures, {
        "what": "the same photos with one process and with two, in turns, from start to file",
        "photos": len(photos),
        "bytes": sum(len(photo.data) for photo in photos),
        "seconds": {str(jobs): each for jobs, each in seconds.items()},
        "others_cores": usage.others_cores,
        "cores": facts["cores"],
    }


def _time(folder: Path, jobs: int) -> float:
    with tempfile.TemporaryDirectory() as out:
        start_s = time.perf_counter()
        code = start_batch(folder, Path(out) / "x.jsonl", jobs).wait()
        taken_s = time.perf_counter() - start_s
    if code not in (0, 1):
        raise DataError(f"edge-iqa batch on {folder}: expected exit code 0 or 1, got {code}")
    return taken_s


# kills


def _measure_kills(options: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "photos", Path(name) / "x.jsonl"
        draw_small(folder, rng)
        start_batch(folder, out, 2).wait()
        reference = read_rows(out)
        out.unlink()
        kills: list[Kill] = []
        wrong: Counter[str] = Counter()
        runs = 0
        steps = track(iter(range(options.kills)), options.kills, "kills")
        while len(kills) < options.kills or journal_of(out).exists():
            if len(kills) < options.kills:
                killed = kill_once(folder, out, bool(rng.random() < 0.5), rng)
                if killed is not None:
                    kills.append(killed)
                    next(steps)
            else:
                start_batch(folder, out, 2).wait()
            if out.exists() and not journal_of(out).exists():
                wrong += compare(reference, read_rows(out))
                out.unlink()
                runs += 1
        next(steps, None)  # the line of progress ends
    figures = [
        Figure(f"rows {what} of runs that were killed", Estimate(wrong[what], wrong[what], wrong[what], len(kills)),
               0.0, at_least=False, point=True)
        for what in ("lost", "doubled", "changed")
    ]  # fmt: skip
    kept = [kill.kept for kill in kills]
    return figures, {
        "what": "results of runs that were killed at random moments, and went on, against one that was not",
        "kills": len(kills),
        "near_end": sum(kill.near_end for kill in kills),
        "amid_the_photos": sum(count is not None and 0 < count < _SMALL_PHOTOS for count in kept),
        "runs": runs,
        "photos": _SMALL_PHOTOS,
        "rows_kept": kept,
    }


def kill_once(folder: Path, out: Path, near_end: bool, rng: np.random.Generator) -> Kill | None:
    """Start or go on with a run and kill it; None where it was through before."""
    run = start_batch(folder, out, 2)
    after_s = rng.uniform(0, _NEAR_END_S if near_end else _LONGEST_S)
    while near_end and run.poll() is None and (count_rows(out) or 0) < _SMALL_PHOTOS - _NEAR_END:
        time.sleep(0.002)
    try:
        run.wait(after_s)
        return None
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    return Kill(near_end, count_rows(out))


def compare(reference: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> Counter[str]:
    """How many rows are lost, doubled (or of no photo), and changed."""
    expected = {row["file"]: row for row in reference}
    counts = Counter(row["file"] for row in rows)
    return Counter(
        lost=len(expected.keys() - counts.keys()),
        doubled=sum(count - 1 for count in counts.values()) + len(counts.keys() - expected.keys()),
        changed=sum(row != expected[row["file"]] for row in rows if row["file"] in expected),
    )


def read_rows(out: Path) -> list[dict[str, Any]]:
    """Rows of a result, but for the times that it took."""
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "timing_ms"} for row in rows]


def draw_small(folder: Path, rng: np.random.Generator) -> None:
    """Small photos, no two alike, and one in ten that cannot be read."""
    cv2 = opencv.load()
    folder.mkdir()
    sources = [cv2.imread(str(path)) for path in sorted(EXAMPLES.glob("*.jpg"))]
    for number, source in zip(range(_SMALL_PHOTOS), itertools.cycle(sources)):
        scale = _SMALL_PX / max(source.shape)
        small = cv2.resize(source, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])
        data = encoded.tobytes()
        (folder / f"{number:04}.jpg").write_bytes(data[: len(data) // 3] if number % 10 == 0 else data)


if __name__ == "__main__":
    raise SystemExit(main())
