"""How long does a verdict take here? From a photo's encoded bytes to its report, on real photos.

    python benchmarks/latency.py                                   example photos, default bundle
    python benchmarks/latency.py --photos DIR --threads 2          your photos, two threads
    python benchmarks/latency.py --bundle bundles/default-0.3.1    float beside int8
    python benchmarks/latency.py --device jetson                   refuses where this is no Jetson
    python benchmarks/latency.py --device jetson --remote me@orin  the same, run there through ssh
    python benchmarks/latency.py --device android                  a phone on a cable: the model alone

Needs `edge_iqa` (the checkout's, else the installed one) with at least one inference runtime, and no
torch; rich, where installed, draws the tables. Every model file of the bundle that an installed
runtime can run is measured, in turn (see `edge_iqa.timing`), through the `Inspector` that an app uses.

A run that is cut off, by Ctrl-C or by a link that drops, keeps the photos that were done, marked as partial.

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
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where neither edge_iqa nor benchmarks is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import devices, latency_record
from benchmarks.conditions import Probe, read_notes
from benchmarks.device import Device
from benchmarks.drift import Drift, find_drift
from benchmarks.keeper import Keeper, Streamer
from benchmarks.latency_options import EXAMPLE_PHOTOS, EXAMPLES, QUICK_PHOTOS, parse
from benchmarks.latency_record import compare_precisions
from benchmarks.phone.run import NAME as ANDROID
from benchmarks.phone.run import run_on_phone
from benchmarks.photos import Photo, pick, read_photos
from benchmarks.pinning import pin
from benchmarks.progress import Progress
from benchmarks.remote.run import run_there
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
    keeper = Streamer() if options.stream else Keeper()
    try:
        if options.remote is not None:
            return run_there(options, sys.argv[1:] if argv is None else argv, known, _choose_photos(options))
        device = devices.find(options.device, known, system)
        if device is None and options.device == ANDROID:
            return run_on_phone(options, known, system)
        if device is None:
            print(devices.refuse(options.device, known, system), file=sys.stderr)
            return 3
        if not options.stream:
            files.make_folder(options.out, "--out")
        measure(options, device, system, keeper)
        return keeper.finish(options)
    except EdgeIqaError as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return keeper.cut(options, "it failed", 1)
    except KeyboardInterrupt:
        print(
            f"\nlatency.py: stopped{'; nothing was written' if keeper.last is None else ''}", file=sys.stderr
        )
        return keeper.cut(options, "it was interrupted", 130)


def measure(options: argparse.Namespace, device: Device, system: System, keeper: Keeper) -> None:
    """Measure every photo on every variant.

    Args:
        device: what this machine is.
        keeper: gets, after each photo, what the result file holds of the photos done so far.

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
        for measured in _measure_photos(photos, opened, options.repeats, sampler, keeper):
            usage = watch.read()
            samples, drifts, unsteady = list(sampler.samples), measured["drifts"], measured["unsteady"]
            run = Run(before, probe.read(), samples, usage, drifts, unsteady, notes)
            result = {
                **latency_record.describe_run(device, settings, facts, usage, bundle, opened),
                **judge(run, device).to_dict(),
                "conditions": latency_record.describe_conditions(run),
                "notes": latency_record.find_notes(bundle, measured["photos"]),
                "missing": [
                    asdict(absence)
                    for absence in (*opened.missing, *list_unmeasured(device.ways, options.backend))
                ],
                "failed": [asdict(absence) for absence in (*opened.failed, *measured["failed"])],
                **{key: measured[key] for key in ("photos", "results", "ratios")},
            }
            keeper.keep(result, len(photos))


def _measure_photos(
    photos: Sequence[Photo], opened: Opened, repeats: int, sampler: Sampler, keeper: Keeper
) -> Iterator[dict[str, Any]]:
    """Figures of the photos so far, and how their rounds went, after each photo from the first that could be read.

    Raises:
        DataError: no photo could be read.
    """
    told: dict[str, list[Any]] = {key: [] for key in ("photos", "results", "ratios", "failed")}
    drifts: dict[str, Drift] = {}
    unsteady: dict[str, str] = {}

    def so_far() -> dict[str, Any]:
        return {
            **{key: list(values) for key, values in told.items()},
            "drifts": dict(drifts),
            "unsteady": dict(unsteady),
        }

    for index, photo in enumerate(photos, 1):
        try:
            report = opened.variants[0].inspector.inspect(photo.data)
        except PhotoError as error:
            told["failed"].append(Absence(photo.name, str(error)))
            if told["photos"]:
                yield so_far()
            continue
        progress = keeper.watch(f"{photo.name} ({index} of {len(photos)})", 2 * STEADY.window + repeats)
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
        yield so_far()
    if not told["photos"]:
        failed = (*opened.failed, *told["failed"])
        raise DataError("; ".join(f"{absence.what}: {absence.why}" for absence in failed))


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
    if options.quick:
        return pick(photos, QUICK_PHOTOS)
    return photos if options.photos else pick(photos, EXAMPLE_PHOTOS)


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


if __name__ == "__main__":
    sys.exit(main())
