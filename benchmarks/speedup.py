"""How many times faster than a ResNet-50 is a bundle's model, and int8 than its own float?

    python benchmarks/speedup.py                              the default bundle
    python benchmarks/speedup.py --bundle DIR --student FILE  another one, and what it was made from

The ResNet-50 is torchvision's in fp32 in ONNX Runtime, with random weights, on which its time does not
depend; it sees the same views of the example photos, all in one batch. All run on one thread, in turn.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.float_files import read_models
from benchmarks.photos import pick, read_photos
from benchmarks.progress import Progress
from benchmarks.table import Table, show
from compression.command import positive, run_command
from compression.distill_options import REFERENCE
from compression.models.yardstick import Yardstick
from edge_iqa import backends, image, machine, timing, views
from edge_iqa.bundle import Bundle
from edge_iqa.files import write_json
from edge_iqa.views import ViewSpec
from export import parity
from export.contract import ModelInfo
from export.onnx import export_onnx

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples" / "photos"
LARGE = "resnet50.fp32.onnx"
WARMUP = 3
REPEATS = 60
PHOTOS = 3
CLOCKS: dict[str, Callable[[], int]] = {"wall": time.perf_counter_ns, "cpu": time.thread_time_ns}
"""wall: what a user waits. cpu: what the one thread ran, the fairer one beside other work."""

RATIOS = (
    (LARGE, "model.int8.tflite", "ResNet-50 fp32 (onnx) / int8 (tflite)", 60.0, True),
    (LARGE, "model.int8.onnx", "ResNet-50 fp32 (onnx) / int8 (onnx)", None, True),
    ("model.int8.tflite", "model.fp32.tflite", "int8 / float (tflite)", 0.6, False),
    ("model.int8.onnx", "model.fp32.onnx", "int8 / float (onnx)", 0.8, False),
)
"""What is divided by what, its name, its bound, and whether more is better."""

SHIPPED = REFERENCE / "default.safetensors"
"""What the bundle that edge_iqa ships was made from."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="speedup.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    parser.add_argument(
        "--student",
        type=Path,
        default=SHIPPED,
        help="what the bundle was made from, for float models that it lacks (%(default)s)",
    )
    parser.add_argument("--repeats", type=positive, default=REPEATS, help="rounds a photo (%(default)s)")
    parser.add_argument(
        "--clock", choices=sorted(CLOCKS), default="wall", help="cpu on a busy machine (wall)"
    )
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the result")
    return run_command(run, parser.parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Measure, print, write.

    Raises:
        EdgeIqaError: the bundle, the student or the photos cannot be read.
    """
    bundle = Bundle.open(options.bundle)
    files = {**read_models(bundle, options.student), LARGE: export_large(bundle.manifest.views)}
    seen = [
        views.cut(
            image.read(photo.data, long_side_px=bundle.manifest.views.long_side_px), bundle.manifest.views
        )
        for photo in pick(read_photos([EXAMPLES]), PHOTOS)
    ]
    watch = machine.Watch()
    recorded = record(files, seen, options.repeats, CLOCKS[options.clock])
    result = describe(recorded, bundle, options, watch.read())
    _show(result)
    print(f"written to {write_json(options.out / 'speedup-host.json', result)}")


def export_large(spec: ViewSpec) -> bytes:
    """A ResNet-50 as ONNX."""
    with tempfile.TemporaryDirectory() as folder:
        info = ModelInfo(spec, (), Yardstick.OUT, "")
        return export_onnx(Yardstick(), info, Path(folder) / LARGE).read_bytes()


def record(
    files: Mapping[str, bytes], seen: Sequence[Any], repeats: int, clock: Callable[[], int]
) -> dict[str, list[float]]:
    """Milliseconds of each model, in rounds that are the same for all; photos take turns from round to round."""
    current = list(seen[:1])
    tasks: dict[str, Callable[[], object]] = {}
    for name, content in files.items():
        model = parity.from_file(name, content, threads=1)
        tasks[name] = lambda model=model: model(current[0])  # type: ignore[misc]
    progress = Progress("speedup", WARMUP + repeats)

    def next_photo(done: int) -> None:
        current[0] = seen[done % len(seen)]
        progress.on_round(done)

    recorded = timing.measure_interleaved(
        tasks, warmup=WARMUP, repeats=repeats, on_round=next_photo, clock=clock
    )
    return {name: each.whole_ms.tolist() for name, each in recorded.items()}


def describe(
    recorded: Mapping[str, Sequence[float]],
    bundle: Bundle,
    options: argparse.Namespace,
    usage: machine.Usage,
) -> dict[str, Any]:
    """What the result file holds."""
    facts = machine.describe()
    return {
        "kind": "speedup",
        "device": "host",
        "settings": {"repeats": options.repeats, "clock": options.clock, "threads": 1, "photos": PHOTOS},
        "machine": facts,
        "usage": usage.to_dict(),
        "warnings": usage.warnings(facts),
        "versions": backends.available(),
        "bundle": {
            "label": bundle.label,
            "manifest_sha256": bundle.manifest_sha256,
            "judging_sha256": bundle.judging_sha256,
        },
        "views": list(bundle.manifest.views.shape),
        "reference": "torchvision resnet50, fp32, random weights: its time does not depend on them",
        "models": {name: timing.summarize(samples).to_dict() for name, samples in recorded.items()},
        "ratios": [_compare(recorded, *each) for each in RATIOS],
    }


def _compare(
    recorded: Mapping[str, Sequence[float]],
    above: str,
    below: str,
    what: str,
    bound: float | None,
    at_least: bool,
) -> dict[str, Any]:
    """One ratio; a bound holds for the worse end of its interval, and is not held where there is none."""
    estimate = timing.ratio(recorded[above], recorded[below])
    held = None
    if bound is not None:
        held = estimate is not None and (estimate.low >= bound if at_least else estimate.high <= bound)
    return {
        "what": what,
        "estimate": None if estimate is None else asdict(estimate),
        "bound": None if bound is None else f"{'>=' if at_least else '<='} {bound:g}",
        "held": held,
    }


def _show(result: Mapping[str, Any]) -> None:
    rows = [
        (name, "-" if each["p50_ms"] is None else f"{each['p50_ms']['value']:.2f}")
        for name, each in result["models"].items()
    ]
    show(
        Table(
            f"{result['bundle']['label']}, {result['views'][0]} views, one thread",
            ("model", "p50 ms"),
            tuple(rows),
        )
    )
    ratios = []
    for each in result["ratios"]:
        found, held = each["estimate"], {None: "", True: "held", False: "missed"}[each["held"]]
        told = "-" if found is None else f"{found['value']:.2f} ({found['low']:.2f} to {found['high']:.2f})"
        ratios.append((each["what"], told, each["bound"] or "", held))
    show(Table("medians of ratios within rounds", ("ratio", "measured", "bound", ""), tuple(ratios)))
    print(f"{result['reference']}.")
    for warning in result["warnings"]:
        print(f"warning: {warning}")


if __name__ == "__main__":
    raise SystemExit(main())
