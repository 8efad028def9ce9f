"""Which students are worth their time and their bytes? `python benchmarks/front.py --students DIR --data photos.csv`

DIR holds one student a file: `NAME.safetensors`, or `NAME/student.safetensors`. Each is exported,
quantized to int8 throughout (ranges from smallest to largest value), and scores the same renderings of
`test` photos in the device's runtime; then all are timed in turn. A student that another beats or
equals in accuracy, latency and bytes is dominated; those named with --ship must not be, or the exit
code is 1. What was judged is kept in --runs, so that one student more costs one student's work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import judging, pareto
from benchmarks.judging import Ground, Student
from benchmarks.speedup import CLOCKS
from benchmarks.table import Table, show
from compression.command import count, positive, run_command
from compression.dataset import CACHE
from compression.distill_options import REFERENCE
from compression.models.weights import load
from compression.progress import console
from edge_iqa import image, machine, timing, views
from edge_iqa.errors import GateError
from edge_iqa.files import write_json
from edge_iqa.manifest import RUNTIMES
from export import parity

RESULTS = Path(__file__).resolve().parent / "results"
WARMUP, REPEATS = 3, 60
ACCURACIES = {
    "srcc_labels": "SRCC with labels",
    "srcc_teacher": "SRCC with the teacher",
    "pair_order": "pairs of one source in order",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="front.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--students", type=Path, required=True, help="folder of students")
    add("--data", type=Path, required=True, help="CSV with train and test, or a folder")
    add("--ship", action="append", default=[], metavar="NAME", help="a student of a bundle; may be repeated")
    add("--teacher", type=Path, default=REFERENCE / "teacher.safetensors", help="default: %(default)s")
    add("--limit", type=positive, default=60, help="test photos; default: %(default)s")
    add("--scenes", type=count, default=15, help="test scenes; default: %(default)s")
    add(
        "--calibrate",
        type=positive,
        default=64,
        help="training photos to quantize with; default: %(default)s",
    )
    add("--runtime", choices=RUNTIMES, default="tflite", help="default: %(default)s")
    add("--accuracy", choices=sorted(ACCURACIES), default="srcc_labels", help="default: %(default)s")
    add("--clock", choices=sorted(CLOCKS), default="wall", help="cpu on a busy machine; default: %(default)s")
    add("--repeats", type=positive, default=REPEATS, help="timed rounds; default: %(default)s")
    add("--runs", type=Path, default=Path("runs/front"), help="int8 models and scores; default: %(default)s")
    add("--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s")
    add("--out", type=Path, default=RESULTS, help="default: %(default)s")
    return run_command(run, parser.parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Judge, time, plot, write.

    Raises:
        EdgeIqaError: a student or the photos cannot be read.
        GateError: a student that is shipped is dominated; all is written before.
    """
    students = judging.find_students(options.students, options.ship)
    ground = judging.make_ground(options)
    path = options.runs / "judged.json"
    judged = judging.find_judged(path, ground.key)
    for student in students:
        if student.sha256 not in judged or not judging.model_path(student, ground, options).is_file():
            console.print(f"judging: {student.name}")
            judged[student.sha256] = judging.judge_student(student, ground, options)
            write_json(path, {"key": ground.key, "students": judged})
    watch = machine.Watch()
    times = time_students(students, ground, options)
    points = [_to_point(student, judged[student.sha256], times, options) for student in students]
    _write(points, students, judged, times, ground, options, watch.read())
    dominated = {name: by for name, by in pareto.find_dominators(points).items() if by}
    if beaten := [f"{name} by {', '.join(dominated[name])}" for name in options.ship if name in dominated]:
        raise GateError(f"a student that is shipped is dominated: {'; '.join(beaten)}")


def time_students(
    students: Sequence[Student], ground: Ground, options: argparse.Namespace
) -> dict[str, timing.Timing]:
    """Time all, one thread, in turn, each on its views of one photo."""
    frame = image.read(ground.samples[0].path, long_side_px=views.ViewSpec().long_side_px)
    tasks: dict[str, Any] = {}
    for student in students:
        content = judging.model_path(student, ground, options).read_bytes()
        model = parity.from_file(f"model.int8.{options.runtime}", content, threads=1)
        seen = views.cut(frame, load(student.path)[0].spec)
        tasks[student.name] = lambda model=model, seen=seen: model(seen)
    recorded = timing.measure_interleaved(
        tasks, warmup=WARMUP, repeats=options.repeats, clock=CLOCKS[options.clock]
    )
    return {name: each.timing for name, each in recorded.items()}


def _to_point(
    student: Student, told: Mapping[str, Any], times: Mapping[str, timing.Timing], options: argparse.Namespace
) -> pareto.Point:
    p50 = times[student.name].p50_ms
    if p50 is None:
        raise ValueError(
            f"--repeats: {timing.fewest(0.5)} rounds are needed for a median, got {options.repeats}"
        )
    share = told[options.accuracy]
    bounds = share["value"], share["low"], share["high"]
    return pareto.Point(student.name, *bounds, p50.value, told["file_bytes"], student.name in options.ship)


def _write(
    points: Sequence[pareto.Point],
    students: Sequence[Student],
    judged: Mapping[str, Any],
    times: Mapping[str, timing.Timing],
    ground: Ground,
    options: argparse.Namespace,
    usage: machine.Usage,
) -> None:
    dominators, facts = pareto.find_dominators(points), machine.describe()
    rows = {
        student.name: {
            "sha256": student.sha256,
            **judged[student.sha256],
            "latency": times[student.name].to_dict(),
            "shipped": student.name in options.ship,
            "dominated_by": dominators[student.name],
        }
        for student in students
    }
    result = {
        "kind": "front",
        "device": "host",
        "measured_on": ground.key,
        "accuracy": options.accuracy,
        "settings": {"threads": 1, "repeats": options.repeats, "clock": options.clock},
        "machine": facts,
        "usage": usage.to_dict(),
        "warnings": usage.warnings(facts),
        "students": rows,
    }
    _show(points, dominators, options)
    path = write_json(options.out / "front-host.json", result)
    title = f"int8 ({options.runtime}) on {len(ground.samples)} renderings; gray: dominated, star: shipped"
    picture = pareto.plot(options.out / "front-host.png", points, ACCURACIES[options.accuracy], title)
    console.print(f"wrote {path} and {picture.name}")
    for warning in result["warnings"]:
        console.print(f"warning: {warning}")


def _show(
    points: Sequence[pareto.Point], dominators: Mapping[str, list[str]], options: argparse.Namespace
) -> None:
    rows = tuple(
        (
            point.name + (" (shipped)" if point.shipped else ""),
            f"{point.accuracy:.3f} ({point.low:.3f} to {point.high:.3f})",
            f"{point.ms:.2f}",
            f"{point.file_bytes / 1e6:.2f}",
            ", ".join(dominators[point.name]),
        )
        for point in sorted(points, key=lambda point: point.ms)
    )
    columns = ("student", ACCURACIES[options.accuracy], "p50 ms", "MB", "dominated by")
    show(Table("int8 students, one thread", columns, rows))


if __name__ == "__main__":
    raise SystemExit(main())
