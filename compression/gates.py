"""What a student must hold before it may be packed: `python -m compression.gates`.

Thresholds and calibration are fitted on `val`, gates are measured on `test`, with the artifacts themselves and the
device's own code. A bound holds for the worse end of its 95 % interval (whole groups resampled).
The report names every file by hash, so that a pack of other files is refused.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compression.agreement import agreement_gates, parity_gate, reduced_gates, runtimes_gate
from compression.answers import Answers
from compression.bounds import Gate, bound, read_bounds, size_gate
from compression.command import count, run_command
from compression.confidence import fit_calibration
from compression.data import hash_file, hash_photos, read_photos, select
from compression.dataset import CACHE
from compression.distill_options import REFERENCE
from compression.evaluate import predict
from compression.models.weights import load, load_teacher, read_output_range
from compression.progress import console
from compression.scoring import score_split
from compression.slices import GROUPS, IMAGES, measure_slices, slice_gates, tell_unmeasured
from compression.speed import choose_files, cut_some, describe_costs, time_files
from compression.thresholds import fit_thresholds
from edge_iqa.errors import GateError
from edge_iqa.files import write_json
from edge_iqa.machine import Watch
from edge_iqa.manifest import RUNTIMES
from export.assemble import read_info
from export.release import BOUNDS, is_looser
from export.report import REPORT_SCHEMA, read_models

_SETTINGS = ("scenes", "every_fault", "slice_images", "slice_groups")
"""Options that decide on what the gates are measured."""


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(check_gates, make_parser().parse_args(argv))


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.gates",
        description="Fit thresholds and calibration on val, measure the gates on test, time each file and count its "
        "work, write gates.json beside the artifacts. "
        "Exit code 1 if a gate fails; the report is written all the same.",
    )
    parser.add_argument(
        "--artifacts", type=Path, required=True, help="folder that compression.quantize wrote"
    )
    parser.add_argument("--student", type=Path, default=REFERENCE / "student.safetensors")
    parser.add_argument("--teacher", type=Path, default=REFERENCE / "teacher.safetensors")
    parser.add_argument("--data", type=Path, required=True, help="CSV with val and test photos, or a folder")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument(
        "--scenes", type=count, default=40, help="scenes added to val and to test; default: %(default)s"
    )
    parser.add_argument(
        "--every-fault",
        action="store_true",
        help="spoil each photo by every fault, not by four: thrice as long, and a slice for every fault",
    )
    parser.add_argument(
        "--slice-images",
        type=_up_to(IMAGES),
        default=IMAGES,
        metavar="N",
        help="least images of a slice that is measured by itself; default and most: %(default)s",
    )
    parser.add_argument(
        "--slice-groups",
        type=_up_to(GROUPS),
        default=GROUPS,
        metavar="N",
        help="least groups that they are from; default and most: %(default)s",
    )
    parser.add_argument(
        "--bound",
        type=bound,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"replace a bound ({', '.join(BOUNDS)}); a looser one makes the bundle experimental",
    )
    return parser


def _up_to(most: int) -> Callable[[str], int]:
    """Reads a whole number from 2 up to `most`, for argparse: a gate may be asked of more, not of fewer."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not 2 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from 2 to {most}, got {text!r}")
        return int(text)

    return read


def check_gates(options: argparse.Namespace) -> None:
    """Measure everything, write the report, then raise if a gate failed.

    Raises:
        GateError: names the gates that failed.
    """
    bounds = read_bounds(options.bound)
    student, meta = load(options.student)
    output_range = read_output_range(meta, options.student)
    teacher, teacher_sha256 = load_teacher(options.teacher, output_range)
    check_teacher(meta, teacher_sha256, options.teacher)
    files = read_artifacts(options.artifacts)
    _check_student(files, options.student)
    photos = read_photos(options.data)
    rest = (options.cache, options.scenes, options.every_fault)
    test = score_split(select(photos, "test"), "test", student, files, *rest)
    ask = Answers(teacher, (teacher_sha256, *output_range), options.cache, exact=True)
    test.scores["teacher"] = predict(teacher, test.samples, ask)
    some, watch = cut_some(test.samples, student.spec), Watch()
    recorded = time_files(files, some)
    costs = describe_costs(files, recorded, some, watch)
    in_use, speed = choose_files(recorded, bounds)
    fitted_with = in_use["onnx"]
    val = score_split(select(photos, "val"), "val", student, {fitted_with: files[fitted_with]}, *rest)
    thresholds = fit_thresholds(val.scores[fitted_with], val.samples, student.attributes, val.luma)
    calibration = fit_calibration(val.scores[fitted_with], val.samples, student.attributes)
    slices = measure_slices(test, options.slice_images, options.slice_groups)
    gates = [
        *agreement_gates(test, bounds),
        *slice_gates(slices, bounds),
        *reduced_gates(test, thresholds, bounds),
        runtimes_gate(test, in_use, thresholds, bounds),
        parity_gate(student, files, test.samples, bounds),
        size_gate(files, bounds),
    ]
    failed = [gate.name for gate in gates if not gate.passed]
    report = {
        "schema": REPORT_SCHEMA,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "passed": not failed,
        "experimental": is_looser(bounds) or len(set(test.groups)) < GROUPS,
        "in_use": in_use,
        "thresholds": thresholds,
        "calibration": calibration,
        "gates": [*map(asdict, gates), *map(asdict, speed)],
        "slices": [each.to_dict() for each in slices],
        "costs": costs,
        "lineage": {
            "student_sha256": hash_file(options.student),
            "teacher_sha256": teacher_sha256,
            "data_sha256": hash_photos(photos),
            "recipe": {
                "student": meta.get("run"),
                "bounds": bounds,
                **{name: getattr(options, name) for name in _SETTINGS},
            },
        },
    }
    path = write_json(options.artifacts / "gates.json", report)
    _show([*gates, *speed], tell_unmeasured(slices), path)
    if failed:
        raise GateError(f"gates failed: {', '.join(failed)}")


def read_artifacts(folder: Path) -> dict[str, bytes]:
    """Read the models that `compression.quantize` writes: float and int8 of both runtimes, and any variants.

    Raises:
        GateError: one of the four is missing.
    """
    names = [f"model.{precision}.{runtime}" for runtime in RUNTIMES for precision in ("fp32", "int8")]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise GateError(
            f"{folder}: expected {', '.join(missing)}, found none; run compression.quantize first"
        )
    return read_models(folder)


def check_teacher(meta: Mapping[str, Any], sha256: str, path: Path) -> None:
    """Refuse a teacher that is not the one on the student's record.

    Raises:
        GateError: names both.
    """
    taught_by = (meta.get("run") or {}).get("teacher_sha256")
    if taught_by not in (None, sha256):
        raise GateError(
            f"{path}: the student was distilled from another teacher (sha256 {taught_by}, this one {sha256}); "
            "give --teacher with the right one"
        )


def _check_student(files: Mapping[str, bytes], path: Path) -> None:
    """Refuse files of another student before anything is measured, as the pack would behind it."""
    made_from, sha256 = read_info(files).student_sha256, hash_file(path)
    if made_from != sha256:
        raise GateError(
            f"lineage: the models were made from another student (sha256 {made_from}, {path} has {sha256}); "
            "run compression.quantize again, or give --student with the right one"
        )


def _show(gates: Sequence[Gate], unmeasured: str, path: Path) -> None:
    for gate in gates:
        console.print(
            f"{'held  ' if gate.passed else 'FAILED'} {gate.name}: {gate.value:.4f} "
            f"[{gate.low:.4f}, {gate.high:.4f}], n {gate.n}, bound {gate.bound}"
        )
    if unmeasured:
        console.print(unmeasured)
    console.print(f"wrote {path}")


if __name__ == "__main__":
    raise SystemExit(main())
