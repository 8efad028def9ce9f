"""A run of `latency.py` on this machine: every photo on every variant, round by round; then LoadGen's scenarios, and
what a verdict costs besides its time."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from benchmarks import latency_record, megapixels, profiles, yardstick
from benchmarks.conditions import Probe, read_cores, read_notes
from benchmarks.device import Device
from benchmarks.drift import Drift
from benchmarks.footprint.bench import Footprint
from benchmarks.keeper import Keeper
from benchmarks.latency_options import CACHE, EXAMPLES
from benchmarks.latency_record import compare_precisions
from benchmarks.photos import Photo, read_photos
from benchmarks.pinning import pin
from benchmarks.rounds import STEADY, WARMUP, Effort, measure_rounds
from benchmarks.sampler import Sampler
from benchmarks.scenarios.measure import Plan, Scenarios, check, measure_scenarios
from benchmarks.system import System
from benchmarks.validity import Run, judge
from benchmarks.variants import Absence, Opened, Variant, open_variants
from edge_iqa import backends, machine, opencv, timing
from edge_iqa.backends.base import clamp_threads
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError, PhotoError


def check_plan(options: argparse.Namespace) -> None:
    """Refuse at once what was asked for and cannot be run.

    Raises:
        DependencyError: a scenario, without LoadGen.
    """
    check(_plan(options))


def choose_photos(options: argparse.Namespace) -> list[Photo]:
    """Photos to measure.

    Raises:
        DataError: there are none.
    """
    photos = read_photos(options.photos or [EXAMPLES])
    made = megapixels.make(photos, options.megapixels, CACHE) if options.megapixels else []
    return [
        *options.profile.choose(photos, given=bool(options.photos), chosen=options.stream),
        *(each.photo for each in made),
    ]


def measure(
    options: argparse.Namespace,
    device: Device,
    system: System,
    keeper: Keeper,
    change: Callable[[Variant], Variant] | None = None,
) -> None:
    """Measure every photo on every variant.

    Args:
        device: what this machine is.
        keeper: gets, after each photo, what the result file holds of the photos done so far, and in the end all.
        change: of each variant, to measure another one in its place (`benchmarks/trust.py` slows it down).

    Raises:
        EdgeIqaError: nothing could be measured.
    """
    photos, bundle = choose_photos(options), Bundle.open(options.bundle)
    facts, allowed = machine.describe(), read_cores()  # before the cores are fewer
    with _limit_opencv(options.opencv_threads), contextlib.ExitStack() as stack:
        threads = max(clamp_threads(options.threads), opencv.load().getNumThreads())
        cores = stack.enter_context(pin(threads, system))
        opened = _open(options, bundle, device, change, stack)
        probe = Probe(system, device.bounds, cores, tuple(set(allowed) - set(cores)))
        notes, before = read_notes(system, device.record), probe.read()
        footprint = Footprint(options, device, system)
        footprint.measure_idle()
        watch, sampler = machine.Watch(), Sampler(probe)
        settings = _describe_settings(options, opened, cores)

        def tell(measured: dict[str, Any], scenarios: Scenarios, usage: machine.Usage) -> dict[str, Any]:
            unsteady = {**measured["unsteady"], **dict(scenarios.unsteady)}
            run = Run(before, probe.read(), list(sampler.samples), usage, measured["drifts"], unsteady, notes)
            failed = (*opened.failed, *measured["failed"], *scenarios.failed, *footprint.failed)
            return {
                **latency_record.describe_run(device, settings, facts, usage, bundle, opened),
                **judge(run, device).to_dict(),
                "conditions": latency_record.describe_conditions(run),
                "notes": latency_record.find_notes(bundle, measured["photos"]),
                "missing": [asdict(absence) for absence in (*opened.missing, *scenarios.missing)],
                "failed": [asdict(absence) for absence in failed],
                **{key: measured[key] for key in ("photos", "results", "ratios")},
                "scenarios": list(scenarios.rows),
                "footprint": footprint.to_dict(),
            }

        measured: dict[str, Any] = {}
        for measured in _measure_photos(photos, opened, _plan_rounds(options, photos), sampler, keeper):
            keeper.keep(tell(measured, Scenarios(), watch.read()), len(photos))
        judged = [photo for photo in photos if photo.name in measured["drifts"]]

        def on_block() -> None:
            sampler.on_round()
            keeper.beat()

        footprint.measure_energy(judged, opened.variants, on_block)
        scenarios = measure_scenarios(_plan(options), opened.variants, judged, STEADY, on_block)
        usage = watch.read()
        footprint.measure(judged, bundle, opened.variants)
        keeper.keep(tell(measured, scenarios, footprint.join(usage)), len(photos))


def _open(
    options: argparse.Namespace,
    bundle: Bundle,
    device: Device,
    change: Callable[[Variant], Variant] | None,
    stack: contextlib.ExitStack,
) -> Opened:
    """The variants, changed where that is asked for; `stack` closes them."""
    opened = open_variants(bundle, options.backend, options.threads, device.ways)
    if change is not None:
        opened = replace(opened, variants=tuple(map(change, opened.variants)))
    for variant in opened.variants:
        stack.enter_context(variant.inspector)
    return opened


def _describe_settings(options: argparse.Namespace, opened: Opened, cores: Sequence[int]) -> dict[str, Any]:
    return {
        **profiles.to_settings(options),
        "warmup_at_least": WARMUP,
        "warmup_at_most": STEADY.at_most,
        "repeats": options.repeats,
        "yardstick": yardstick.VERSION,
        "confidence": timing.CONFIDENCE,
        "threads": opened.variants[0].inspector.backend.threads,
        "opencv_threads": opencv.load().getNumThreads(),
        "cores": list(cores),
    }


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(options.scenarios, options.scenario_seconds, asked=options.scenario is not None)


def _plan_rounds(options: argparse.Namespace, photos: Sequence[Photo]) -> Effort:
    # a run is told to drift once in twenty quiet ones, however many photos it has
    return Effort(options.repeats, profiles.count_tries(options), 1 - (1 - timing.CONFIDENCE) / len(photos))


def _measure_photos(
    photos: Sequence[Photo], opened: Opened, effort: Effort, sampler: Sampler, keeper: Keeper
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
        task = f"{photo.name} ({index} of {len(photos)})"
        rounds = measure_rounds(photo, opened.variants, effort, sampler, keeper.watch, task)
        drifts[photo.name] = rounds.drift
        if rounds.unsteady:
            unsteady[photo.name] = rounds.unsteady
        told["photos"].append(latency_record.describe_photo(photo, report, rounds))
        told["results"] += [
            latency_record.summarize(photo.name, variant, rounds.recorded[variant.name])
            for variant in opened.variants
        ]
        told["ratios"] += compare_precisions(photo.name, backends.RUNTIMES, rounds.recorded)
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
