"""How long does a verdict take here? From a photo's encoded bytes to its report, on real photos.

    python benchmarks/latency.py                                   example photos, default bundle
    python benchmarks/latency.py --photos DIR --threads 2          your photos, two threads
    python benchmarks/latency.py --bundle bundles/default-0.3.1    float beside int8
    python benchmarks/latency.py --device jetson                   refuses where this is no Jetson

Needs `edge_iqa` (the checkout's, else the installed one) with at least one inference runtime, and no
torch; rich, where installed, draws the tables. Every model file of the bundle that an installed
runtime can run is measured, in turn (see `edge_iqa.timing`), through the `Inspector` that an app uses.

Figures count only where the machine was left in peace (`benchmarks/validity.py`); the others are INVALID,
each with its reasons, and go to a file that says so in its name.

Exit code: 0 all was measured and is valid, 1 something failed, 2 wrong usage, 3 not the device asked for,
4 the figures are INVALID.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where neither edge_iqa nor benchmarks is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import devices, latency_record, megapixels
from benchmarks.conditions import Probe, read_notes
from benchmarks.device import Device
from benchmarks.drift import find_drift
from benchmarks.latency_options import CACHE, EXAMPLE_PHOTOS, EXAMPLES, QUICK_PHOTOS, parse
from benchmarks.latency_record import compare_precisions
from benchmarks.latency_screen import print_result
from benchmarks.photos import Photo, pick, read_photos
from benchmarks.pinning import pin
from benchmarks.progress import Progress
from benchmarks.sampler import Sampler
from benchmarks.system import System
from benchmarks.table import show
from benchmarks.validity import Run, judge
from benchmarks.variants import Absence, Opened, Variant, list_unmeasured, open_variants
from edge_iqa import backends, files, machine, opencv, timing
from edge_iqa.backends.base import clamp_threads
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError, EdgeIqaError, PhotoError
from edge_iqa.inspector import STAGES

WARMUP = 5
"""At least; then until steady."""
STEADY = timing.Steady(window=5, tolerance=0.02, at_most=60)
INVALID = 4
"""Exit code of figures that do not count."""


def main(argv: Sequence[str] | None = None, system: System | None = None) -> int:
    """Run the command on this machine (tests hand over another); returns its exit code."""
    system = system or System()
    try:
        known = devices.read_devices()
    except EdgeIqaError as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return 1
    options = parse(argv, known)
    if options.devices:
        show(devices.to_table(known))
        return 0
    device = devices.find(options.device, known, system)
    if device is None:
        print(devices.refuse(options.device, known, system), file=sys.stderr)
        return 3
    try:
        files.make_folder(options.out, "--out")
        result = measure(options, device, system)
        path = files.write_json(_result_path(options, result), result)
    except EdgeIqaError as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlatency.py: stopped; nothing was written", file=sys.stderr)
        return 130
    print_result(result)
    print(f"written to {path}")
    if result["failed"]:
        return 1
    return 0 if result["valid"] else INVALID


def measure(options: argparse.Namespace, device: Device, system: System) -> dict[str, Any]:
    """Measure every photo on every variant; returns what the result file holds.

    Args:
        device: what this machine is.

    Raises:
        EdgeIqaError: nothing could be measured.
    """
    photos, bundle = _choose_photos(options), Bundle.open(options.bundle)
    facts = machine.describe()  # before the cores are fewer
    with _limit_opencv(options.opencv_threads), contextlib.ExitStack() as stack:
        threads = max(clamp_threads(options.threads), opencv.load().getNumThreads())
        cores = stack.enter_context(pin(threads, system))
        opened = open_variants(bundle, options.backend, options.threads)
        for variant in opened.variants:
            stack.enter_context(variant.inspector)
        probe = Probe(system, device.bounds, cores)
        notes, before = read_notes(system, device.record), probe.read()
        watch, sampler = machine.Watch(), Sampler(probe)
        measured = _measure_photos(photos, opened, options.repeats, sampler)
        usage = watch.read()
        run = Run(
            before, probe.read(), sampler.samples, usage, measured["drifts"], measured["unsteady"], notes
        )
        settings = {
            "quick": options.quick,
            "warmup_at_least": WARMUP,
            "warmup_at_most": STEADY.at_most,
            "repeats": options.repeats,
            "confidence": timing.CONFIDENCE,
            "threads": opened.variants[0].inspector.backend.threads,
            "opencv_threads": opencv.load().getNumThreads(),
            "cores": list(cores),
        }
    return {
        **latency_record.describe_run(device, settings, facts, usage, bundle, opened),
        **judge(run, device).to_dict(),
        "conditions": latency_record.describe_conditions(run),
        "notes": latency_record.find_notes(bundle, measured["photos"]),
        "missing": [
            asdict(absence) for absence in (*opened.missing, *list_unmeasured(device.ways, options.backend))
        ],
        "failed": [asdict(absence) for absence in (*opened.failed, *measured["failed"])],
        **{key: measured[key] for key in ("photos", "results", "ratios")},
    }


def _measure_photos(
    photos: Sequence[Photo], opened: Opened, repeats: int, sampler: Sampler
) -> dict[str, Any]:
    """Figures of each photo, and how its rounds went.

    Raises:
        DataError: no photo could be read.
    """
    told: dict[str, list[Any]] = {key: [] for key in ("photos", "results", "ratios", "failed")}
    drifts, unsteady = {}, {}
    for index, photo in enumerate(photos, 1):
        try:
            report = opened.variants[0].inspector.inspect(photo.data)
        except PhotoError as error:
            told["failed"].append(Absence(photo.name, str(error)))
            continue
        progress = Progress(f"{photo.name} ({index} of {len(photos)})", 2 * STEADY.window + repeats)
        recorded = _record(photo, opened.variants, repeats, progress, sampler)
        rounds = list(recorded.values())
        # a run is told to drift once in twenty quiet ones, however many photos it has
        drift = find_drift([each.whole_ms for each in rounds], 1 - (1 - timing.CONFIDENCE) / len(photos))
        drifts[photo.name] = drift
        if not rounds[0].steady:
            unsteady[photo.name] = f"was not steady after {rounds[0].warmup_ms.size} rounds"
        told["photos"].append(latency_record.describe_photo(photo, report, rounds[0], drift))
        told["results"] += [
            latency_record.summarize(photo.name, variant, recorded[variant.name])
            for variant in opened.variants
        ]
        told["ratios"] += compare_precisions(photo.name, backends.RUNTIMES, recorded)
    if not told["photos"]:
        failed = (*opened.failed, *told["failed"])
        raise DataError("; ".join(f"{absence.what}: {absence.why}" for absence in failed))
    return {**told, "drifts": drifts, "unsteady": unsteady}


@contextlib.contextmanager
def _limit_opencv(threads: int | None) -> Iterator[None]:
    """Let OpenCV use as many threads; as many as it chooses by itself for `None`, as in an app."""
    cv2 = opencv.load()
    before = cv2.getNumThreads()
    if threads is not None:
        cv2.setNumThreads(clamp_threads(threads))
    try:
        yield
    finally:
        if threads is not None:
            cv2.setNumThreads(before)


def _choose_photos(options: argparse.Namespace) -> list[Photo]:
    photos = read_photos(options.photos or [EXAMPLES])
    made = megapixels.make(photos, options.megapixels, CACHE) if options.megapixels else []
    if options.quick or not options.photos:
        photos = pick(photos, QUICK_PHOTOS if options.quick else EXAMPLE_PHOTOS)
    return [*photos, *(each.photo for each in made)]


def _record(
    photo: Photo, variants: Sequence[Variant], repeats: int, progress: Progress, sampler: Sampler
) -> dict[str, timing.Recording]:
    def on_round(done: int) -> None:
        progress.on_round(done)
        sampler.on_round(done)

    recorded = timing.measure_interleaved(
        {variant.name: functools.partial(variant.inspector.inspect, photo.data) for variant in variants},
        warmup=WARMUP,
        repeats=repeats,
        read_stages=lambda report: {stage: report.timing_ms[stage] for stage in STAGES},
        on_round=on_round,
        steady=STEADY,
    )
    progress.clear()
    return recorded


def _result_path(options: argparse.Namespace, result: Mapping[str, Any]) -> Path:
    # neither a quick look nor an invalid figure ever takes the place of a measurement
    folder: Path = options.out
    quick, invalid = "-quick" if options.quick else "", "" if result["valid"] else "-invalid"
    return folder / f"latency-{result['device']}{quick}{invalid}.json"


if __name__ == "__main__":
    sys.exit(main())
