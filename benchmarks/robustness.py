"""Does a change that nobody sees change the score? `python benchmarks/robustness.py --data photos.csv`

Held-out photos and drawn scenes, each clean and spoiled by one fault, go to the device twice, as they are and changed
a little (`benchmarks/small_changes.py`): from encoded bytes to verdict. Then some of them are made to fool it: by
gradients of the teacher and of the student (PGD), and by questions alone (square attack). Attacks change the views
that the model is given, not the file, and nothing was hardened against them. Rows are kept in `--runs`, so a run that
was stopped goes on. Writes a result of each part, such as `robustness-small-host.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.accuracy import show
from benchmarks.fixes import hash_code
from benchmarks.result_file import mark_look
from benchmarks.robust_cases import Opening, Prober, Row
from benchmarks.robust_figures import judge_attacks, judge_changes
from benchmarks.robust_sources import Task, pick, plan
from benchmarks.scoring import Device, describe
from compression.command import count, positive, run_command, share, some_of
from compression.data import hash_file, hash_photos, read_photos, select
from compression.distill_options import REFERENCE
from compression.progress import console, track
from edge_iqa import machine
from edge_iqa.backends.base import cores
from edge_iqa.errors import DataError
from edge_iqa.files import write_json

HERE = Path(__file__).resolve().parent
PARTS = ("small", "pgd", "square")
FILES = {part: f"robustness-{part}-host.json" for part in PARTS}
_WHAT = {
    "small": "score and verdict of photos and scenes, as they are and changed a little, from encoded bytes",
    "pgd": "views changed by gradients of the teacher and of the student, scored by the device's model",
    "square": "views changed by questions to the device's model alone",
}
_CODE = (
    "edge_iqa",
    "benchmarks/robust_cases.py",
    "benchmarks/robust_sources.py",
    "benchmarks/scoring.py",
    "compression/degradations",
    "compression/fidelity.py",
    "compression/labels.py",
    "compression/scenes",
    "compression/sources.py",
)
_CODE_OF = {
    "small": ("benchmarks/small_changes.py", "benchmarks/copies.py"),
    "pgd": ("compression/attack.py", "compression/models"),
    "square": ("benchmarks/square.py",),
}
"""What rows depend on: they are kept for this state of it alone."""

_prober: Prober | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="robustness.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="CSV of real photos with splits; default: drawn scenes alone"
    )
    parser.add_argument("--split", choices=("val", "test"), default="test", help="of --data (%(default)s)")
    parser.add_argument("--scenes", type=count, default=150, help="drawn scenes (%(default)s)")
    parser.add_argument(
        "--share", type=share, default=1.0, help="of the photos and scenes, to look quickly; default: all"
    )
    parser.add_argument(
        "--parts", type=some_of(PARTS), default=PARTS, help=f"what to measure, of {','.join(PARTS)} (all)"
    )
    parser.add_argument(
        "--attacked", type=positive, default=24, help="photos and scenes that are attacked (%(default)s)"
    )
    parser.add_argument(
        "--queries", type=positive, default=500, help="questions of a square attack (%(default)s)"
    )
    parser.add_argument("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    parser.add_argument("--teacher", type=Path, default=REFERENCE / "teacher.safetensors")
    parser.add_argument(
        "--student", type=Path, default=REFERENCE / "default.safetensors", help="that the bundle was made of"
    )
    parser.add_argument("--jobs", type=positive, default=cores(), help="processes (%(default)s)")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/robustness"), help="folder for rows (%(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE / "results", help="folder of the result (%(default)s)"
    )
    options = parser.parse_args(argv)
    options.look = mark_look(options, parser, "share")
    return run_command(bench, options)


def bench(options: argparse.Namespace) -> None:
    """Change, attack, ask, write a result of each part, print the tables."""
    photos = [] if options.data is None else select(read_photos(options.data), options.split)
    everything = plan(photos, options.scenes)
    everything = pick(everything, max(1, round(len(everything) * options.share)))
    if not everything:
        raise DataError(f"nothing to look at: no photo in split {options.split!r} of --data, and --scenes 0")
    about = describe(Device(options.bundle, None))
    for part in (part for part in PARTS if part in options.parts):
        tasks = everything if part == "small" else pick(everything, options.attacked)
        key = describe_part(part, options, about)
        rows = list(collect(part, tasks, options, options.runs / f"{part}-{_digest(key)}"))
        found = judge_changes(rows) if part == "small" else judge_attacks(rows)
        seen = {row["source"] for row in rows}
        used = [task.source for task in tasks if not isinstance(task.source, int)]
        result = {
            "what": _WHAT[part],
            **{name: about[name] for name in ("bundle", "model", "backend", "runtime")},
            "split": options.split if used else None,
            "data_sha256": hash_photos(used) if used else None,
            "photos": sum(name.startswith("photo-") for name in seen),
            "scenes": sum(name.startswith("scene-") for name in seen),
            "renderings": 2 * len(seen),
            **key,
            "figures": [figure.to_dict() for figure in found],
            "machine": machine.describe(),
        }
        path = write_json(options.out / FILES[part].replace(".json", f"{options.look}.json"), result)
        show(found)
        console.print(f"wrote {path}")


def describe_part(part: str, options: argparse.Namespace, about: Row) -> dict[str, Any]:
    """All that the rows of a part depend on but the sources."""
    key = {name: about[name] for name in ("manifest_sha256", "judging_sha256")}
    if part == "pgd":
        key |= {f"{name}_sha256": hash_file(getattr(options, name)) for name in ("teacher", "student")}
    if part == "square":
        key["queries"] = options.queries
    return {**key, "code_sha256": hash_code(HERE.parent, (*_CODE, *_CODE_OF[part]))}


def collect(part: str, tasks: Sequence[Task], options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Rows of all tasks in their order; those that an earlier run kept are read, the others are kept as they come."""
    paths = {task: folder / f"{task.name}.json" for task in tasks}
    missing = [task for task in tasks if not paths[task].exists()]
    folder.mkdir(parents=True, exist_ok=True)
    looked = track(_look(part, missing, options), len(missing), f"sources ({part})")
    for task, rows in zip(missing, looked, strict=True):
        write_json(paths[task], rows)
    for task in tasks:
        for row in json.loads(paths[task].read_text()):
            if "left_out" in row:
                console.print(f"left out: {row['left_out']}")
            else:
                yield {"source": task.name, "group": task.group, **row}


def _look(part: str, tasks: Sequence[Task], options: argparse.Namespace) -> Iterator[list[Row]]:
    opening = Opening(options.bundle, options.teacher, options.student, options.queries)
    if not tasks:
        return
    if options.jobs == 1 or len(tasks) < 2:
        yield from map(partial(Prober(opening).look, part), tasks)
        return
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), _open, (opening,)) as pool:
        yield from pool.map(partial(_look_at, part), tasks)


def _open(opening: Opening) -> None:
    global _prober
    _prober = Prober(opening)


def _look_at(part: str, task: Task) -> list[Row]:
    if _prober is None:
        raise RuntimeError("runs inside the bench's processes alone")
    return _prober.look(part, task)


def _digest(key: object) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]


if __name__ == "__main__":
    raise SystemExit(main())
