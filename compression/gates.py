"""What a student must hold before it may be packed: `python -m compression.gates`.

Thresholds are fitted on `val`, gates are measured on `test`, with the artifacts themselves and the
device's own code. A bound holds for the worse end of its 95 % interval (whole groups resampled).
The report names every file by hash, so that a pack of other files is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compression.command import count, replace_values, run_command
from compression.data import ACCEPT_LABEL, REJECT_LABEL, Photo, hash_file, hash_photos, read_photos, select
from compression.dataset import CACHE, add_scenes, label_photos
from compression.distill import REFERENCE
from compression.evaluate import predict
from compression.labels import Sample
from compression.metrics import Estimate, bootstrap, estimate_share, estimate_srcc, srcc
from compression.models.heads import QualityNet
from compression.models.weights import load, load_teacher
from compression.progress import console, track
from compression.thresholds import fit_thresholds
from edge_iqa import backends, image, views
from edge_iqa.backends.base import Backend
from edge_iqa.errors import GateError
from edge_iqa.files import write_json
from edge_iqa.manifest import RUNTIMES
from edge_iqa.measure import measure
from edge_iqa.timing import measure_interleaved, ratio
from edge_iqa.views import ViewSpec
from export.report import SPEED_GATE

Floats = NDArray[np.floating[Any]]

BOUNDS = {
    "student_teacher_srcc": 0.97,
    "student_teacher_label_ratio": 0.98,
    "int8_srcc": 0.995,
    "int8_p99": 0.02,
    "int8_flips": 0.005,
    "parity": 1e-4,
}
"""The bounds of a release. Looser ones make the bundle experimental."""
_REPEATS = 25
_CAPS = {"int8_p99", "int8_flips", "parity"}
"""Bounds that a value must stay under; the others it must reach."""


@dataclass(frozen=True)
class Gate:
    """One bound, what was measured against it (with its 95 % interval), and whether it holds."""

    name: str
    value: float
    low: float
    high: float
    n: int
    bound: str
    passed: bool


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one split, and the scores (n, 1+A) that each model gave them, by name."""

    samples: list[Sample]
    groups: list[str]
    luma: Floats
    scores: dict[str, Floats]

    @property
    def labels(self) -> Floats:
        """Overall labels (n,)."""
        return np.array([sample.target[0] for sample in self.samples])


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(check_gates, make_parser().parse_args(argv))


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.gates",
        description="Fit thresholds on val, measure the gates on test, write gates.json beside the artifacts. "
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
        "--bound",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"replace a bound ({', '.join(BOUNDS)}); a looser one makes the bundle experimental",
    )
    return parser


def check_gates(options: argparse.Namespace) -> None:
    """Measure everything, write the report, then raise if a gate failed.

    Raises:
        GateError: names the gates that failed.
    """
    bounds = read_bounds(options.bound)
    student, meta = load(options.student)
    teacher, teacher_sha256 = load_teacher(options.teacher)
    _check_teacher(meta, teacher_sha256, options.teacher)
    files = read_artifacts(options.artifacts)
    parity = parity_gate(options.artifacts / "parity.json", bounds)
    photos = read_photos(options.data)
    test = score_split(select(photos, "test"), "test", student, files, options)
    test.scores["teacher"] = predict(teacher, test.samples)
    in_use, speed = choose_files(files, test.samples, student.spec)
    fitted_with = in_use["onnx"]
    val = score_split(select(photos, "val"), "val", student, {fitted_with: files[fitted_with]}, options)
    thresholds = fit_thresholds(val.scores[fitted_with], val.samples, student.attributes, val.luma)
    gates = [*agreement_gates(test, bounds), *int8_gates(test, thresholds, bounds), parity]
    report = {
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "passed": all(gate.passed for gate in gates),
        "experimental": is_looser(bounds),
        "in_use": in_use,
        "thresholds": thresholds,
        "gates": [*map(asdict, gates), *map(asdict, speed)],
        "lineage": {
            "student_sha256": hash_file(options.student),
            "teacher_sha256": teacher_sha256,
            "data_sha256": hash_photos(photos),
            "recipe": {"student": meta.get("run"), "bounds": bounds},
        },
    }
    path = write_json(options.artifacts / "gates.json", report)
    for gate in [*gates, *speed]:
        console.print(
            f"{'held  ' if gate.passed else 'FAILED'} {gate.name}: {gate.value:.4f} "
            f"[{gate.low:.4f}, {gate.high:.4f}], n {gate.n}, bound {gate.bound}"
        )
    console.print(f"wrote {path}")
    if not report["passed"]:
        raise GateError(f"gates failed: {', '.join(gate.name for gate in gates if not gate.passed)}")


def read_artifacts(folder: Path) -> dict[str, bytes]:
    """Read the four models that `compression.quantize` writes.

    Raises:
        GateError: one is missing.
    """
    names = [f"model.{precision}.{runtime}" for runtime in RUNTIMES for precision in ("fp32", "int8")]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise GateError(
            f"{folder}: expected {', '.join(missing)}, found none; run compression.quantize first"
        )
    return {name: (folder / name).read_bytes() for name in names}


def _check_teacher(meta: dict[str, Any], sha256: str, path: Path) -> None:
    taught_by = (meta.get("run") or {}).get("teacher_sha256")
    if taught_by not in (None, sha256):
        raise GateError(
            f"{path}: the student was distilled from another teacher (sha256 {taught_by}, this one {sha256}); "
            "give --teacher with the right one"
        )


def read_bounds(options: Sequence[str]) -> dict[str, float]:
    """Replace default bounds by `NAME=VALUE` options.

    Raises:
        ValueError: an unknown name, or a value that is no number.
    """
    return replace_values("--bound", options, BOUNDS)


def is_looser(bounds: dict[str, float]) -> bool:
    """Tell whether any bound is weaker than the default."""
    return any(bounds[key] > value if key in _CAPS else bounds[key] < value for key, value in BOUNDS.items())


def score_split(
    photos: list[Photo],
    split: str,
    student: QualityNet,
    files: dict[str, bytes],
    options: argparse.Namespace,
) -> Split:
    """Score every variant of every photo and of some scenes with each artifact, as the device would."""
    photos = [*photos, *add_scenes(photos, split, options.scenes, options.cache)]
    prepared = label_photos(photos, student.attributes, options.cache, student.categories)
    samples = [sample for each in prepared for sample in each]
    opened = {name: backends.open(content, name.rpartition(".")[2]) for name, content in files.items()}
    scores: dict[str, list[Floats]] = {name: [] for name in opened}
    luma = []
    for sample in track(samples, len(samples), "scores"):
        frame = image.read(sample.path, long_side_px=student.spec.long_side_px)
        cut = views.cut(frame, student.spec)
        luma.append(measure(frame).luma_mean)
        for name, backend in opened.items():
            scores[name].append(backend.run(cut).scores)
    for backend in opened.values():
        backend.close()
    stacked = {name: np.stack(values) for name, values in scores.items()}
    return Split(samples, [photos[sample.photo].group for sample in samples], np.array(luma), stacked)


def choose_files(
    files: dict[str, bytes], samples: Sequence[Sample], spec: ViewSpec
) -> tuple[dict[str, str], list[Gate]]:
    """Take int8 where it is faster than float in the same run and runtime, else float.

    Returns:
        runtime → file, and what was measured: p50 of float over p50 of int8. It decides, it does
        not refuse.
    """
    inputs = [views.cut(image.read(sample.path), spec) for sample in samples[:: max(1, len(samples) // 8)]]
    in_use, speed = {}, []
    for runtime in RUNTIMES:
        names = [f"model.{precision}.{runtime}" for precision in ("fp32", "int8")]
        opened = [backends.open(files[name], runtime) for name in names]
        tasks = {
            name: partial(_run_all, backend, inputs) for name, backend in zip(names, opened, strict=True)
        }
        timed = measure_interleaved(tasks, warmup=3, repeats=_REPEATS)
        gain = ratio(timed[names[0]].whole_ms, timed[names[1]].whole_ms)
        if gain is None:
            raise GateError(f"int8 speed: {_REPEATS} repeats are too few for an interval")
        faster = gain.low > 1
        in_use[runtime] = names[1] if faster else names[0]
        name = f"{SPEED_GATE.format(runtime=runtime)}; where it is not above 1, float ships"
        speed.append(Gate(name, gain.value, gain.low, gain.high, _REPEATS, "> 1", faster))
    return in_use, speed


def agreement_gates(test: Split, bounds: dict[str, float]) -> list[Gate]:
    """Student against teacher, and both against the labels."""
    student, teacher = test.scores["model.fp32.onnx"][:, 0], test.scores["teacher"][:, 0]
    labels = test.labels

    def label_ratio(index: NDArray[np.intp]) -> float:
        return srcc(student[index], labels[index]) / max(1e-6, srcc(teacher[index], labels[index]))

    everything = np.arange(len(labels))
    low, high = bootstrap(label_ratio, test.groups, 0)
    against_labels = Estimate(label_ratio(everything), low, high, len(labels))
    agreement = estimate_srcc(student, teacher, test.groups)
    return [
        _hold("student vs teacher, SRCC", agreement, "student_teacher_srcc", bounds),
        _hold(
            "student / teacher, SRCC against labels", against_labels, "student_teacher_label_ratio", bounds
        ),
    ]


def int8_gates(test: Split, thresholds: dict[str, Any], bounds: dict[str, float]) -> list[Gate]:
    """What quantization costs, for each runtime; flips among photos that are clearly good or clearly bad."""
    gates = []
    for runtime in RUNTIMES:
        exact, small = (test.scores[f"model.{precision}.{runtime}"] for precision in ("fp32", "int8"))
        gap = np.abs(exact - small).max(1)
        flips = (exact[:, 0] >= thresholds["accept"]) != (small[:, 0] >= thresholds["accept"])
        counted = (test.labels >= ACCEPT_LABEL) | (test.labels <= REJECT_LABEL)
        what = f"int8 vs fp32 ({runtime})"
        flipped = estimate_share(flips[counted], [test.groups[at] for at in np.flatnonzero(counted)])
        agreement = estimate_srcc(exact[:, 0], small[:, 0], test.groups)
        gates += [
            _hold(f"{what}, SRCC", agreement, "int8_srcc", bounds),
            _hold(f"{what}, p99 of the difference", _estimate_p99(gap, test.groups), "int8_p99", bounds),
            _hold(f"{what}, verdict flips of clear photos", flipped, "int8_flips", bounds),
        ]
    return gates


def parity_gate(path: Path, bounds: dict[str, float]) -> Gate:
    """The largest difference of float ONNX and TFLite from torch, as the export measured it."""
    try:
        report = json.loads(path.read_text())
        worst, count = float(report["worst"]), int(report["n"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GateError(
            f"{path}: expected the parity report of the export, could not read it ({error})"
        ) from error
    return _hold("fp32 ONNX and TFLite vs torch", Estimate(worst, worst, worst, count), "parity", bounds)


def _hold(name: str, measured: Estimate, key: str, bounds: dict[str, float]) -> Gate:
    bound, capped = bounds[key], key in _CAPS
    passed = measured.high <= bound if capped else measured.low >= bound
    text = f"{'<=' if capped else '>='} {bound:g}"
    return Gate(name, measured.value, measured.low, measured.high, measured.n, text, passed)


def _estimate_p99(gap: Floats, groups: Sequence[str]) -> Estimate:
    low, high = bootstrap(lambda index: float(np.quantile(gap[index], 0.99)), groups, 0)
    return Estimate(float(np.quantile(gap, 0.99)), low, high, len(gap))


def _run_all(backend: Backend, inputs: Sequence[NDArray[np.uint8]]) -> None:
    for each in inputs:
        backend.run(each)


if __name__ == "__main__":
    raise SystemExit(main())
