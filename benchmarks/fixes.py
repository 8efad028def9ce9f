"""Is a repaired photo ever worse? `python benchmarks/fixes.py --data photos.csv`

Held-out photos and drawn listings get one fault each, of a severity drawn at random; the device repairs them
(`Inspector.fix`), and those who did not guide the repair judge what it changed: the teacher, metrics that see the clean
source (`compression.fidelity`: HaarPSI, MDSI, VSI of piq), and CIEDE2000 to it. Counted too: fixable faults that were
brought to accept, and clean photos that were touched. Where geometry or background were repaired the teacher is asked
twice, as the photos are and of the same content (`benchmarks/same_content.py`). Rows are kept in `--runs` as they
come, so a run that was stopped goes on. Writes `fixes-host.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.accuracy import show
from benchmarks.figures import Figure
from benchmarks.fix_cases import CLEAN, SHAPES, TONES, Judge, Row, Task, plan
from compression import listings
from compression.command import count, positive, run_command
from compression.data import hash_file, hash_photos, read_photos, select
from compression.metrics import Estimate, estimate_share
from compression.progress import console, track
from edge_iqa import machine
from edge_iqa.backends.base import cores
from edge_iqa.errors import DataError
from edge_iqa.files import write_json

HERE = Path(__file__).resolve().parent
TEACHER = HERE.parent / "compression" / "reference" / "teacher.safetensors"
_CODE = (
    "edge_iqa",
    "benchmarks/fix_cases.py",
    "benchmarks/same_content.py",
    "benchmarks/scoring.py",
    "benchmarks/color_difference.py",
    "compression/fidelity.py",
    "compression/evaluate.py",
    "compression/models",
    "compression/degradations",
    "compression/listings",
    "compression/scenes",
)
"""What rows depend on: they are kept for this state of it alone."""
_MORE = {"teacher": 2.0, "teacher_same": 2.0, "impairment": 0.01, "delta_e": 0.1}
"""How much worse counts as worse where geometry or background were repaired: the model may lose as much there, and a
new background touches the product's rim. Light, color and noise may lose nothing."""

_judge: Judge | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="fixes.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="CSV of real photos with splits; default: drawn listings alone"
    )
    parser.add_argument("--split", choices=("val", "test"), default="test", help="of --data (%(default)s)")
    parser.add_argument("--scenes", type=count, default=300, help="drawn listings (%(default)s)")
    parser.add_argument(
        "--seeds", choices=("development", "held out"), default="held out", help="of listings (%(default)s)"
    )
    parser.add_argument(
        "--teacher", type=Path, default=TEACHER, help="checkpoint that judges (the reference teacher)"
    )
    parser.add_argument("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    parser.add_argument("--jobs", type=positive, default=cores(), help="processes (%(default)s)")
    parser.add_argument("--runs", type=Path, default=Path("runs/fixes"), help="folder for rows (%(default)s)")
    parser.add_argument(
        "--collect", action="store_true", help="repair nothing more: figures of the rows that are there"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE / "results", help="folder of the result (%(default)s)"
    )
    return run_command(bench, parser.parse_args(argv))


def bench(options: argparse.Namespace) -> None:
    """Repair, judge, write the result, print the table."""
    photos = [] if options.data is None else select(read_photos(options.data), options.split)
    tasks = plan(photos, options.scenes, listings.seeds(options.seeds))
    if not tasks:
        raise DataError(f"nothing to repair: no photo in split {options.split!r} of --data, and --scenes 0")
    key = {
        "data_sha256": hash_photos(photos) if photos else None,
        "teacher_sha256": hash_file(options.teacher),
        "manifest_sha256": None if options.bundle is None else hash_file(options.bundle / "manifest.json"),
        "code_sha256": hash_code(HERE.parent),
    }
    rows = collect(tasks, options, options.runs / f"{_digest(key)}.jsonl")
    found = judge(rows)
    result = {
        "what": "photos repaired by the device, judged by the teacher and against their clean sources",
        "split": options.split if photos else None,
        "photos": len({row["name"] for row in rows if row["part"] == "photos"}),
        "listings": len({row["name"] for row in rows if row["part"] == "listings"}),
        "planned": {"photos": len(photos), "listings": options.scenes},
        "seeds": options.seeds,
        **key,
        "cases": len(rows),
        "changed": sum(row["changed"] for row in rows),
        "figures": [figure.to_dict() for figure in found],
        "machine": machine.describe(),
    }
    path = write_json(options.out / "fixes-host.json", result)
    show(found)
    console.print(f"wrote {path}")


def collect(tasks: Sequence[Task], options: argparse.Namespace, kept: Path) -> list[Row]:
    """Rows of all tasks in their order; those that an earlier run kept are read, the others are kept as they come."""
    known = _read_rows(kept)
    missing = [task for task in tasks if set(task.faults) - set(known.get(task.name, {}))]
    todo = [] if options.collect else missing
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a") as stream:
        for rows in track(_look(todo, options), len(todo), "sources"):
            known[rows[0]["name"]] = {row["fault"]: row for row in rows}
            # a line before it may have been cut short
            stream.write("\n" + "".join(json.dumps(row) + "\n" for row in rows))
            stream.flush()
    return [row for task in tasks for row in known.get(task.name, {}).values()]


def _read_rows(kept: Path) -> dict[str, dict[str, Row]]:
    """Rows by source and fault; a line that was cut short is left out."""
    known: dict[str, dict[str, Row]] = {}
    for line in kept.read_text().splitlines() if kept.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        known.setdefault(row["name"], {})[row["fault"]] = row
    return known


def _look(tasks: Sequence[Task], options: argparse.Namespace) -> Iterator[list[Row]]:
    start = options.teacher, options.bundle
    if options.jobs == 1 or len(tasks) < 2:
        judge_here = Judge(*start)
        yield from map(judge_here.look, tasks)
        return
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), _open, start) as pool:
        yield from pool.map(_look_at, tasks)


def _open(teacher: Path, bundle: Path | None) -> None:
    global _judge
    _judge = Judge(teacher, bundle)


def _look_at(task: Task) -> list[Row]:
    if _judge is None:
        raise RuntimeError("runs inside the bench's processes alone")
    return _judge.look(task)


def judge(rows: Sequence[Row]) -> list[Figure]:
    """All figures of rows."""
    spoiled = [row for row in rows if row["fault"] != CLEAN]
    clean = [row for row in rows if row["fault"] == CLEAN]
    figures = [
        *_find_worse("teacher", "by the teacher", spoiled),
        *_find_worse("teacher_same", "by the teacher, same content", spoiled),
        *_find_worse("impairment", "by piq against the clean source", spoiled),
        *_find_worse("delta_e", "by CIEDE2000 to the clean source", spoiled),
        *_find_brought(spoiled),
        Figure(
            "clean photos touched", _share(clean, lambda row: row["changed"]), 0.0, at_least=False, point=True
        ),
        Figure(
            "clean photos touched, of those accepted",
            _share([row for row in clean if row["clean_accepted"]], lambda row: row["changed"]),
            0.0,
            at_least=False,
            point=True,
        ),
    ]
    return figures


def is_worse(row: Row, by: str) -> bool:
    """Whether a repair made a photo worse: lower for the teacher, higher for impairment and color difference.

    `teacher_same` compares the same content (`benchmarks.same_content`), which is the photo itself where nothing
    moved, or where two repairs moved it, or nobody knows the product's outline, so that no content is the same.
    """
    before, after = row[by] if by in row or by != "teacher_same" else row["teacher"]
    loss = before - after if by.startswith("teacher") else after - before
    return bool(loss > (_MORE[by] if row["fault"] in SHAPES else 0.0))


def _find_worse(by: str, words: str, rows: Sequence[Row]) -> list[Figure]:
    asked = "teacher" if by == "teacher_same" else by
    changed = [row for row in rows if row["changed"] and asked in row]
    figures = [
        Figure(
            f"changed photos worse {words}", _share(changed, lambda row: is_worse(row, by)), 0.01, False, True
        )
    ]
    kinds = {"light, color, noise": TONES, "geometry, background": SHAPES}
    for kind, faults in kinds.items():
        same = [row for row in changed if row["fault"] in faults]
        figures.append(Figure(f"worse {words}: {kind}", _share(same, lambda row: is_worse(row, by))))
    return figures


def _find_brought(rows: Sequence[Row]) -> list[Figure]:
    """Fixable faults that the device does not accept, of sources that it accepts, brought to accept."""
    asked = [row for row in rows if row["fixable"] and row["clean_accepted"] and row["before"] != "accept"]
    told = [row for row in asked if row["before"] == "fix"]
    mild = [row for row in told if row["severity"] is None or row["severity"] <= 0.7]
    figures = [
        Figure("fixable faults brought to accept", _share(asked, _is_accepted), 0.80, point=True),
        Figure("fixable faults brought to accept, of verdict fix", _share(told, _is_accepted)),
        Figure("the same, severity up to 0.7", _share(mild, _is_accepted)),
    ]
    for fault in (*TONES, *SHAPES):
        same = [row for row in told if row["fault"] == fault]
        figures.append(Figure(f"brought to accept, of verdict fix: {fault}", _share(same, _is_accepted)))
    return figures


def _is_accepted(row: Row) -> bool:
    return bool(row["after"] == "accept")


def _share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> Estimate | None:
    if not rows:
        return None
    return estimate_share(np.array([holds(row) for row in rows], bool), [row["group"] for row in rows])


def hash_code(root: Path, parts: Sequence[str] = _CODE) -> str:
    """Tells a state of the code from others."""
    digest = hashlib.sha256()
    for name in parts:
        path = root / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.suffix in (".py", ".toml", ".json", ".onnx", ".tflite", ".npz"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _digest(key: object) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]


if __name__ == "__main__":
    raise SystemExit(main())
