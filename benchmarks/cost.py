"""Where does a model's time go, and how much of it must go? `python benchmarks/cost.py [--bundle DIR]`

Lists what each layer of a bundle's model files multiplies and moves, read from the files; measures how
fast this processor multiplies and copies, in the same runtimes, on one thread; and sets the time that
these allow (the roofline) beside the time that each layer takes. Multiplications and bytes moved also
stand for energy, which no laptop tells. Random weights would take the same time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.photos import pick, read_photos
from benchmarks.roofline import Peaks, measure_peaks
from benchmarks.runtimes import profile_onnx, profile_tflite
from benchmarks.table import Table, show
from compression.command import positive, run_command
from compression.progress import console
from edge_iqa import backends, image, machine, views
from edge_iqa.bundle import Bundle
from edge_iqa.files import write_json
from edge_iqa.manifest import RUNTIMES
from edge_iqa.timing import measure_interleaved
from export import parity
from export.layers import Layer, sum_work

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples" / "photos"
REPEATS = 30
SHOWN = 15
METHODS = {
    "onnx": "ONNX Runtime's own profile, after its optimizations",
    "tflite": "differences between ever longer parts of the model: LiteRT's Python package tells no times",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="cost.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    parser.add_argument("--repeats", type=positive, default=REPEATS, help="runs of each part (%(default)s)")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the result")
    return run_command(run, parser.parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Measure, print, plot, write.

    Raises:
        EdgeIqaError: the bundle cannot be read.
    """
    bundle = Bundle.open(options.bundle)
    spec = bundle.manifest.views
    photo = pick(read_photos([EXAMPLES]), 1)[0]
    seen = views.cut(image.read(photo.data, long_side_px=spec.long_side_px), spec)
    watch = machine.Watch()
    peaks = measure_peaks()
    files = {runtime: bundle.model(runtime) for runtime in RUNTIMES}
    with console.status("layers"):
        layers = {
            "onnx": profile_onnx(files["onnx"], seen, options.repeats),
            "tflite": list(profile_tflite(files["tflite"], seen, options.repeats)),
        }
    wholes = time_wholes(files, seen, options.repeats)
    models = {runtime: describe(layers[runtime], peaks, runtime, wholes[runtime]) for runtime in RUNTIMES}
    facts, usage = machine.describe(), watch.read()
    result = {
        "kind": "cost",
        "device": "host",
        "settings": {"threads": 1, "repeats": options.repeats, "clock": "cpu, the fastest of the repeats"},
        "machine": facts,
        "usage": usage.to_dict(),
        "warnings": usage.warnings(facts),
        "versions": backends.available(),
        "bundle": {
            "label": bundle.label,
            "manifest_sha256": bundle.manifest_sha256,
            "judging_sha256": bundle.judging_sha256,
        },
        "views": list(spec.shape),
        "peaks": peaks.to_dict(),
        "models": models,
    }
    _show(result)
    path = write_json(options.out / "cost-host.json", result)
    picture = plot(options.out / "cost-host.png", models, bundle.label)
    console.print(f"wrote {path} and {picture.name}")


def time_wholes(files: Mapping[str, bytes], seen: np.ndarray, repeats: int) -> dict[str, float]:
    """Milliseconds of each whole model, the fastest of the repeats."""
    tasks: dict[str, Any] = {}
    for runtime, content in files.items():
        model = parity.from_file(f"model.{runtime}", content, threads=1)
        tasks[runtime] = lambda model=model: model(seen)
    recorded = measure_interleaved(tasks, warmup=3, repeats=repeats, clock=time.thread_time_ns)
    return {runtime: float(each.whole_ms.min()) for runtime, each in recorded.items()}


def describe(layers: Sequence[Layer], peaks: Peaks, runtime: str, whole_ms: float) -> dict[str, Any]:
    """Sums over the layers, the roofline, the ratio, and what each kind of operator takes beyond it."""
    rows = [{**asdict(layer), "roofline_ms": peaks.bound_ms(layer, runtime)} for layer in layers]
    beyond: dict[str, float] = defaultdict(float)
    for row in rows:
        beyond[row["kind"]] += row["ms"] - row["roofline_ms"]
    roofline_ms = sum(row["roofline_ms"] for row in rows)
    return {
        **sum_work(layers),
        "roofline_ms": roofline_ms,
        "measured_ms": whole_ms,
        "measured_over_roofline": whole_ms / roofline_ms,
        "layers_ms": sum(row["ms"] for row in rows),
        "layers_measured_by": METHODS[runtime],
        "beyond_roofline_ms": dict(sorted(beyond.items(), key=lambda each: -each[1])),
        "layers": rows,
    }


def plot(path: Path, models: Mapping[str, Mapping[str, Any]], title: str) -> Path:
    """Draw the layers that take longest, measured and as the roofline has them, and write a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7), layout="constrained")
    figure.suptitle(f"{title}: one thread, ms a layer")
    for axes, (runtime, model) in zip(figure.subplots(1, len(models)), models.items(), strict=True):
        rows = sorted(model["layers"], key=lambda row: row["ms"])[-SHOWN:]
        names = [f"{row['kind']} {row['macs'] / 1e6:.0f}M {_tell_kind(row)}" for row in rows]
        at = np.arange(len(rows))
        axes.barh(at, [row["ms"] for row in rows], color="0.8", label="measured")
        axes.barh(at, [row["roofline_ms"] for row in rows], height=0.4, color="C0", label="roofline")
        axes.set_yticks(at, names, fontsize=7)
        axes.set(
            title=f"{runtime}: {model['measured_ms']:.1f} ms, {model['measured_over_roofline']:.2f} x roofline"
        )
        axes.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _tell_kind(row: Mapping[str, Any]) -> str:
    """What a layer multiplies: int8, float, nothing, or some of both."""
    if row["int8_macs"] in (0, row["macs"]):
        return "-" if not row["macs"] else "int8" if row["int8_macs"] else "float"
    return f"{row['int8_macs'] / row['macs']:.0%} int8"


def _show(result: Mapping[str, Any]) -> None:
    rates = result["peaks"]["macs_per_s"]
    rows = [
        (runtime, *(f"{rates[runtime][kind] / 1e9:.1f}" for kind in ("int8", "fp32"))) for runtime in rates
    ]
    show(Table("GMAC/s of large 1x1 convolutions", ("runtime", "int8", "float"), tuple(rows)))
    columns = ("runtime", "M MACs", "of it int8", "MB moved", "roofline ms", "measured ms", "ratio")
    rows = [
        (
            runtime,
            f"{model['macs'] / 1e6:.0f}",
            f"{model['int8_macs'] / 1e6:.0f}",
            f"{(model['weight_bytes'] + model['activation_bytes']) / 1e6:.1f}",
            f"{model['roofline_ms']:.2f}",
            f"{model['measured_ms']:.2f}",
            f"{model['measured_over_roofline']:.2f}",
        )
        for runtime, model in result["models"].items()
    ]
    show(Table(f"{result['bundle']['label']}, one thread", columns, tuple(rows)))
    for runtime, model in result["models"].items():
        _show_layers(runtime, model)
    for warning in result["warnings"]:
        console.print(f"warning: {warning}")


def _show_layers(runtime: str, model: Mapping[str, Any]) -> None:
    rows = [
        (
            row["kind"],
            _tell_kind(row),
            f"{row['macs'] / 1e6:.1f}",
            f"{(row['weight_bytes'] + row['activation_bytes']) / 1e3:.0f}",
            f"{row['roofline_ms']:.3f}",
            f"{row['ms']:.3f}",
        )
        for row in sorted(model["layers"], key=lambda row: -row["ms"])[:SHOWN]
    ]
    columns = ("slowest layers", "", "M MACs", "kB moved", "roofline ms", "measured ms")
    show(Table(f"{runtime}: {model['layers_measured_by']}", columns, tuple(rows), labels=2))
    beyond = ", ".join(f"{kind} {ms:.2f}" for kind, ms in list(model["beyond_roofline_ms"].items())[:6])
    console.print(f"{runtime}, ms beyond the roofline by kind: {beyond}")


if __name__ == "__main__":
    raise SystemExit(main())
