"""How long does a verdict take here? From a photo's encoded bytes to its report, on real photos.

    python benchmarks/latency.py                                   example photos, default bundle
    python benchmarks/latency.py --photos DIR --threads 2          your photos, two threads
    python benchmarks/latency.py --bundle bundles/default-0.3.1    float beside int8

Needs `edge_iqa` (the checkout's, else the installed one) with at least one inference runtime, and no
torch; rich, where installed, draws the tables. Every model file of the bundle that an installed
runtime can run is measured, in turn (see `edge_iqa.timing`), through the `Inspector` that an app uses.

Exit code: 0 all was measured, 1 something failed, 2 wrong usage, 3 not the device asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import functools
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where neither edge_iqa nor benchmarks is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

import edge_iqa
from benchmarks import devices
from benchmarks.device_file import Device
from benchmarks.latency_screen import print_result
from benchmarks.photos import Photo, pick, read_photos
from benchmarks.progress import Progress
from benchmarks.system import System
from benchmarks.table import show
from benchmarks.variants import PRECISIONS, Absence, Opened, Variant, open_variants
from edge_iqa import Report, backends, files, machine, opencv, timing
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError, EdgeIqaError, PhotoError
from edge_iqa.inspector import STAGES

SCHEMA = 1
CHECKOUT = Path(__file__).resolve().parent.parent
EXAMPLES = CHECKOUT / "examples" / "photos"
RESULTS = CHECKOUT / "benchmarks" / "results"

WARMUP = 5
REPEATS = 400
"""Enough for p99, which needs 368."""
QUICK_REPEATS = 40
"""Enough for p90, which needs 36."""
EXAMPLE_PHOTOS = 4
"""Of the examples, from the smallest file to the largest: a fault in a photo takes no longer to judge."""
QUICK_PHOTOS = 3
LARGE_PIXELS = 8_000_000
"""A phone photo; below, the figures say little about what a phone's camera hands over."""


def main(argv: Sequence[str] | None = None, system: System | None = None) -> int:
    """Run the command on this machine (tests hand over another); returns its exit code."""
    system = system or System()
    try:
        known = devices.read_devices()
    except EdgeIqaError as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return 1
    options = _parse(argv, known)
    if options.devices:
        show(devices.to_table(known))
        return 0
    device = devices.find(options.device, known, system)
    if device is None:
        print(devices.refuse(options.device, known, system), file=sys.stderr)
        return 3
    options.device = device.name
    try:
        files.make_folder(options.out, "--out")
        result = measure(options)
        path = files.write_json(_result_path(options), result)
    except EdgeIqaError as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlatency.py: stopped; nothing was written", file=sys.stderr)
        return 130
    print_result(result)
    print(f"written to {path}")
    return 1 if result["failed"] else 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every photo on every variant; returns what the result file holds.

    Raises:
        EdgeIqaError: nothing could be measured.
    """
    photos = _choose_photos(options)
    bundle = Bundle.open(options.bundle)
    opened = open_variants(bundle, options.backend, options.threads)
    failed = list(opened.failed)
    told, results, ratios = [], [], []
    with contextlib.ExitStack() as stack:
        for variant in opened.variants:
            stack.enter_context(variant.inspector)
        watch = machine.Watch()
        for index, photo in enumerate(photos, 1):
            try:
                report = opened.variants[0].inspector.inspect(photo.data)
            except PhotoError as error:
                failed.append(Absence(photo.name, str(error)))
                continue
            progress = Progress(f"{photo.name} ({index} of {len(photos)})", WARMUP + options.repeats)
            recorded = _record(photo, opened.variants, options.repeats, progress)
            told.append(_describe_photo(photo, report))
            results += [_summarize(photo, variant, recorded[variant.name]) for variant in opened.variants]
            ratios += compare_precisions(photo.name, backends.RUNTIMES, recorded)
        usage = watch.read()
    if not told:
        raise DataError("; ".join(f"{absence.what}: {absence.why}" for absence in failed))
    return {
        **_describe_run(options, bundle, opened, usage),
        "notes": _notes(bundle, told),
        "missing": [asdict(absence) for absence in opened.missing],
        "failed": [asdict(absence) for absence in failed],
        "photos": told,
        "results": results,
        "ratios": ratios,
    }


def _choose_photos(options: argparse.Namespace) -> list[Photo]:
    photos = read_photos(options.photos or [EXAMPLES])
    if options.quick:
        return pick(photos, QUICK_PHOTOS)
    return photos if options.photos else pick(photos, EXAMPLE_PHOTOS)


def _record(
    photo: Photo, variants: Sequence[Variant], repeats: int, progress: Progress
) -> dict[str, timing.Recording]:
    return timing.measure_interleaved(
        {variant.name: functools.partial(variant.inspector.inspect, photo.data) for variant in variants},
        warmup=WARMUP,
        repeats=repeats,
        read_stages=lambda report: {stage: report.timing_ms[stage] for stage in STAGES},
        on_round=progress.on_round,
    )


def _summarize(photo: Photo, variant: Variant, recorded: timing.Recording) -> dict[str, Any]:
    """Percentiles per stage; `rest` is what the whole takes beyond its stages."""
    rest_ms = recorded.whole_ms - sum(recorded.stages_ms.values())
    samples_ms = {**recorded.stages_ms, "rest": rest_ms, "whole": recorded.whole_ms}
    return {
        "photo": photo.name,
        "backend": variant.backend,
        "precision": variant.model.precision,
        "threads": variant.inspector.backend.threads,
        "stages": {stage: timing.summarize(samples).to_dict() for stage, samples in samples_ms.items()},
    }


def compare_precisions(
    photo: str, backend_names: Iterable[str], recorded: Mapping[str, timing.Recording]
) -> list[dict[str, Any]]:
    """How many times as long float takes as int8, for each backend that `recorded` has both of."""
    slow, fast = PRECISIONS
    ratios = []
    for backend in backend_names:
        above, below = recorded.get(f"{backend} {slow}"), recorded.get(f"{backend} {fast}")
        if above is None or below is None:
            continue
        stages = {
            "model": timing.ratio(above.stages_ms["model"], below.stages_ms["model"]),
            "whole": timing.ratio(above.whole_ms, below.whole_ms),
        }
        told = {stage: estimate and asdict(estimate) for stage, estimate in stages.items()}
        ratios.append({"photo": photo, "backend": backend, "slow": slow, "fast": fast, "stages": told})
    return ratios


def _describe_run(
    options: argparse.Namespace, bundle: Bundle, opened: Opened, usage: machine.Usage
) -> dict[str, Any]:
    facts = machine.describe()
    installed_at = Path(edge_iqa.__file__).resolve().parent
    return {
        "schema": SCHEMA,
        "kind": "latency",
        "device": options.device,
        "measured_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "settings": {
            "quick": options.quick,
            "warmup": WARMUP,
            "repeats": options.repeats,
            "confidence": timing.CONFIDENCE,
            "threads": opened.variants[0].inspector.backend.threads,
            "opencv_threads": opencv.load().getNumThreads(),
        },
        "machine": facts,
        "usage": usage.to_dict(),
        "warnings": usage.warnings(facts),
        "versions": {
            "edge_iqa": edge_iqa.__version__,
            "edge_iqa_from": "checkout" if installed_at == CHECKOUT / "edge_iqa" else "installed package",
            "numpy": np.__version__,
            "opencv": opencv.load().__version__,
            "backends": {variant.backend: variant.inspector.backend.version for variant in opened.variants},
        },
        "bundle": {
            "name": bundle.name,
            "version": bundle.version,
            "experimental": bundle.experimental,
            "manifest_sha256": bundle.manifest_sha256,
            "judging_sha256": bundle.judging_sha256,
            "models": [asdict(variant.model) for variant in opened.variants],
        },
    }


def _describe_photo(photo: Photo, report: Report) -> dict[str, Any]:
    return {
        "name": photo.name,
        "width_px": report.width_px,
        "height_px": report.height_px,
        "bytes": len(photo.data),
        "sha256": photo.sha256,
    }


def _notes(bundle: Bundle, photos: Sequence[dict[str, Any]]) -> list[str]:
    notes = []
    if bundle.experimental:
        notes.append(f"the bundle {bundle.label} is experimental")
    largest = max(photo["width_px"] * photo["height_px"] for photo in photos)
    if largest < LARGE_PIXELS:
        notes.append(
            f"the largest photo has {largest / 1e6:.1f} megapixels: a phone's camera gives 8 and more, "
            "which take longer to decode; measure such photos with --photos"
        )
    return notes


def _result_path(options: argparse.Namespace) -> Path:
    # a quick look never takes the place of a full measurement
    folder: Path = options.out
    return folder / f"latency-{options.device}{'-quick' if options.quick else ''}.json"


def _parse(argv: Sequence[str] | None, known: Mapping[str, Device]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="latency.py",
        description="Measure how long a verdict takes, stage by stage, from a photo's encoded bytes.",
    )
    add = parser.add_argument
    add(
        "--device",
        choices=tuple(known),
        default=devices.HOST,
        help="what this machine must be (%(default)s); --devices says what each is known by",
    )
    add("--devices", action="store_true", help="list the devices, and measure nothing")
    add("--photos", nargs="+", type=Path, help=f"folders or files ({EXAMPLE_PHOTOS} of the example photos)")
    add("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    add("--backend", choices=tuple(backends.RUNTIMES), help="only this one (all that are installed)")
    add("--threads", type=_count, help="threads for the model, at most one per core (1)")
    add("--repeats", type=_count, help=f"kept rounds per photo ({REPEATS}; with --quick {QUICK_REPEATS})")
    add("--out", type=Path, default=RESULTS, help="folder for the result (benchmarks/results)")
    add(
        "--quick",
        action="store_true",
        help=f"few rounds, {QUICK_PHOTOS} photos, and a result file of its own",
    )
    options = parser.parse_args(argv)
    if options.repeats is None:
        options.repeats = QUICK_REPEATS if options.quick else REPEATS
    return options


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
