"""Student → float and int8 models for both runtimes, and others on demand: `python -m compression.quantize`.

Post-training quantization: ranges are calibrated on views of training photos, clean and faulty.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compression import sensitivity
from compression.artifacts import Artifacts, make_artifacts
from compression.calibration import cut_variants
from compression.command import megabytes, positive, run_command
from compression.data import hash_file, hash_photos, read_photos, select
from compression.dataset import CACHE, read_default
from compression.distill_options import REFERENCE
from compression.models.weights import load
from compression.progress import console, track
from compression.quantize_histograms import HISTOGRAMS
from compression.quantize_weights import VARIANTS
from compression.search import METHODS, TARGET
from edge_iqa.errors import DataError
from edge_iqa.files import make_folder, write_bytes, write_json
from export.console import show_table
from export.release import BOUNDS

_VERSIONS = ("torch", "onnx", "onnxruntime", "litert-torch", "ai-edge-litert", "ai-edge-quantizer")


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(quantize, make_parser().parse_args(argv))


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.quantize",
        description="Export a student to ONNX and TFLite, check that both give what torch gives, and quantize "
        "them to int8. Writes model.{fp32,int8}.{onnx,tflite}, parity.json, quantize.json, and what each layer "
        "loses in int8 as sensitivity.json and sensitivity.png. For devices without int8, --also makes variants "
        "with smaller weights and float arithmetic.",
    )
    parser.add_argument(
        "--student", type=Path, default=REFERENCE / "student.safetensors", help="default: %(default)s"
    )
    parser.add_argument(
        "--data", type=Path, help="CSV or folder of photos; default: example and drawn photos"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/artifacts"), help="default: %(default)s")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings of photos; default: %(default)s"
    )
    parser.add_argument(
        "--calibrate",
        type=positive,
        default=128,
        metavar="N",
        help="training photos to calibrate on; default: %(default)s",
    )
    parser.add_argument(
        "--check",
        type=positive,
        default=240,
        metavar="N",
        help="validation photos to measure the loss on; default: %(default)s",
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=(*METHODS, *(each for each in HISTOGRAMS if each not in METHODS)),
        default=METHODS,
        metavar="METHOD",
        help=f"ways to find the range of an activation, the best is taken: {', '.join(METHODS)}, or entropy, "
        f"which takes minutes; default: {' '.join(METHODS)}",
    )
    parser.add_argument(
        "--file-mb",
        type=megabytes,
        default=BOUNDS["file_mb"],
        metavar="MB",
        help="leave no convolution in float that would make an int8 file larger; default: %(default)s, as the gates",
    )
    parser.add_argument(
        "--also",
        nargs="+",
        choices=tuple(VARIANTS),
        default=(),
        metavar="VARIANT",
        help="make these besides: fp16 (weights in half the bytes), w8 (in a quarter), dynamic (TFLite alone: a "
        "quarter, and int8 arithmetic without calibration); default: none",
    )
    return parser


def quantize(options: argparse.Namespace) -> None:
    """Make the artifacts of a student and write them, each file whole or not at all.

    Raises:
        CheckpointError, DataError: the student or the photos do not fit.
        GateError: a float model is not what torch is.
        OutputError: the folder cannot be written.
    """
    student, _ = load(options.student)
    make_folder(options.out, "--out")
    photos = read_default(options.cache) if options.data is None else read_photos(options.data)
    views = {}
    for split, limit in (("train", options.calibrate), ("val", options.check)):
        chosen = select(photos, split, limit)
        views[split] = list(
            track(cut_variants(chosen, student.spec, options.cache), len(chosen), f"{split} views")
        )
        if not views[split]:
            raise DataError(f"no readable photo in split {split!r}; give more photos, or a `split` column")
    student_sha256 = hash_file(options.student)
    made = make_artifacts(
        student,
        student_sha256,
        views["train"],
        views["val"],
        options.methods,
        options.also,
        options.file_mb,
    )
    for stale in {path.name for path in options.out.glob("model.*")} - set(made.files):
        (options.out / stale).unlink()  # of an earlier run with --also: nothing would vouch for it
    for name, content in made.files.items():
        write_bytes(options.out / name, content)
    write_json(options.out / "parity.json", made.parity.to_dict())
    about = {
        "student_sha256": student_sha256,
        "data_sha256": hash_photos(photos),
        "calibrated_on": len(views["train"]),
        "measured_on": len(views["val"]),
    }
    write_json(options.out / "quantize.json", {**about, **_describe(made)})
    _show(made)
    _tell_size(made, options.file_mb)
    _tell_sensitivity(made, about, options.out)
    console.print(
        f"wrote {len(made.files)} models, parity.json, quantize.json, sensitivity.json and .png in {options.out}"
    )


def _tell_size(made: Artifacts, file_mb: float) -> None:
    """Say where not even a file all in int8 is as small as it should be."""
    for name, content in made.files.items():
        if ".int8." in name and len(content) > file_mb * 1e6:
            console.print(
                f"{name}: {len(content) / 1e6:.2f} MB, more than --file-mb {file_mb:g} though all its convolutions are "
                "int8; cut the student further (compression.prune --parameters)",
                markup=False,
            )


def _describe(made: Artifacts) -> dict[str, Any]:
    return {
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in made.files.items()
        },
        "target_p99": TARGET,
        "chosen": {runtime: asdict(found.chosen) for runtime, found in made.found.items()},
        "trials": {
            runtime: [asdict(trial) for trial in found.trials] for runtime, found in made.found.items()
        },
        "variants": {
            name: {
                key: value for key, value in asdict(trial).items() if key not in ("method", "float_layers")
            }
            for name, trial in made.variants.items()
        },
        "timings": {name: timing.to_dict() for name, timing in made.timings.items()},
        "versions": {name: importlib.metadata.version(name) for name in _VERSIONS},
    }


def _tell_sensitivity(made: Artifacts, about: Mapping[str, Any], out: Path) -> None:
    measured = {runtime: found.sensitivity for runtime, found in made.found.items()}
    floats = {runtime: found.chosen.float_layers for runtime, found in made.found.items()}
    sensitivity.show(measured, floats)
    methods = {runtime: found.chosen.method for runtime, found in made.found.items()}
    told = {**about, "target_p99": TARGET, "methods": methods, "layers": sensitivity.to_json(measured)}
    write_json(out / "sensitivity.json", told)
    sensitivity.plot(out / "sensitivity.png", measured, floats)


def _show(made: Artifacts) -> None:
    rows = []
    for name, content in made.files.items():
        runtime = name.rpartition(".")[2]
        trial = made.found[runtime].chosen if "int8" in name else made.variants.get(name)
        against = next(
            (each for each in made.parity.differences if (each.model, each.output) == (name, "scores")), None
        )
        p50 = made.timings[name].p50_ms
        rows.append(
            (
                name,
                f"{len(content) / 1e6:.2f}",
                f"{p50.value:.2f}" if p50 else "-",
                f"{trial.p99:.4f}" if trial else "-",
                f"{trial.worst:.4f}" if trial else f"{against.worst:.1e}" if against else "-",
                f"{trial.method}, {len(trial.float_layers)} float"
                if trial and name not in made.variants
                else "",
            )
        )
    columns = ("file", "MB", "p50 ms", "p99 vs float", "worst", "how")
    show_table("scores of smaller models against float, of float against torch", columns, rows)


if __name__ == "__main__":
    raise SystemExit(main())
