"""Every variant through LoadGen's scenarios: a query asks for encoded photos, an answer is the report of each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.photos import Photo
from benchmarks.progress import Progress
from benchmarks.scenarios import loadgen
from benchmarks.variants import Absence, Variant
from edge_iqa import timing
from edge_iqa.errors import DependencyError, EdgeIqaError

_WARMUP, _ROUNDS = 5, 3
"""Rounds over all photos before a variant's first scenario: at least, then until steady; and those that tell about how
long an answer takes."""


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        scenarios: of LoadGen, in order.
        seconds: least duration of each; None: LoadGen's own rules.
        asked: whether somebody asked for them, rather than a profile.
    """

    scenarios: tuple[str, ...]
    seconds: float | None
    asked: bool = False


@dataclass(frozen=True)
class Scenarios:
    """What came of it.

    Attributes:
        rows: one a variant and scenario, as plain JSON values.
        missing, failed: what there is no row of.
        unsteady: variant → what its warm-up came to.
    """

    rows: tuple[dict[str, Any], ...] = ()
    missing: tuple[Absence, ...] = ()
    failed: tuple[Absence, ...] = ()
    unsteady: tuple[tuple[str, str], ...] = ()


def check(plan: Plan) -> None:
    """Refuse at once what cannot be run and was asked for.

    Raises:
        DependencyError: LoadGen is not installed.
    """
    if plan.asked and plan.scenarios:
        loadgen.load()


def measure_scenarios(
    plan: Plan,
    variants: Sequence[Variant],
    photos: Sequence[Photo],
    steady: timing.Steady,
    on_query: Callable[[], object],
) -> Scenarios:
    """Run every scenario on each variant in turn; where one fails, the others go on.

    Args:
        photos: that can be read.
        steady: when a warm-up is over.
        on_query: called between queries.
    """
    if not plan.scenarios:
        return Scenarios()
    try:
        loadgen.load()
    except DependencyError as error:
        return Scenarios(missing=(Absence(f"scenarios {', '.join(plan.scenarios)}", str(error)),))
    rows, failed, unsteady = [], [], []
    for variant in variants:
        try:
            expected_ms, recorded = _warm_up(variant, photos, steady, on_query)
        except EdgeIqaError as error:
            failed.append(Absence(f"scenarios of {variant.name}", str(error)))
            continue
        if not recorded.steady:
            came = f"was not steady after {recorded.warmup_ms.size} rounds"
            unsteady.append((f"scenarios of {variant.name}", came))
        for scenario in plan.scenarios:
            request = loadgen.Request(scenario, len(photos), expected_ms, plan.seconds)
            try:
                heard = _run(request, variant, photos, on_query)
            except EdgeIqaError as error:
                failed.append(Absence(f"{variant.name} {scenario}", str(error)))
            else:
                rows.append(describe(request, variant, heard))
    return Scenarios(tuple(rows), (), tuple(failed), tuple(unsteady))


def describe(request: loadgen.Request, variant: Variant, heard: loadgen.Heard) -> dict[str, Any]:
    """One row: LoadGen's figures and judgment as they are, and ours from what was recorded here."""
    return {
        "backend": variant.backend,
        "precision": variant.model.precision,
        "threads": variant.inspector.backend.threads,
        "scenario": request.scenario,
        "n": heard.told.queries,
        "photos_answered": int(heard.indices.size),
        "expected_ms": request.expected_ms,
        "loadgen": heard.told.to_dict(),
        "ours": summarize(request, heard),
    }


def summarize(request: loadgen.Request, heard: loadgen.Heard) -> dict[str, Any]:
    """Our figures: percentiles of a query's latency with their intervals; of Offline photos per second.

    Offline asks for the photos in the same order again and again, so the median pass over all of them gives an
    interval; `samples_per_second` is of the whole query, as LoadGen has it.
    """
    if request.scenario != "Offline":
        return timing.summarize(heard.latencies_ms).to_dict()
    count, ends_ms = request.photos, heard.answers_ms
    passes_ms = np.diff(np.concatenate([[0.0], ends_ms[count - 1 :: count]]))
    typical = timing.percentile(passes_ms, 0.5) if passes_ms.size else None
    return {
        "n": int(passes_ms.size),
        "samples_per_second": ends_ms.size / float(ends_ms[-1]) * 1000,
        "median_pass": typical
        and {
            "value": 1000 * count / typical.value,
            "low": 1000 * count / typical.high,
            "high": 1000 * count / typical.low,
        },
    }


def _run(
    request: loadgen.Request, variant: Variant, photos: Sequence[Photo], on_query: Callable[[], object]
) -> loadgen.Heard:
    seconds = loadgen.LEAST_SECONDS if request.seconds is None else request.seconds
    per_query = 8 if request.scenario == "MultiStream" else 1
    expected = max(1, round(seconds * 1000 / (request.expected_ms * per_query)))
    progress, done = Progress(f"{variant.name}, {request.scenario}", expected), 0

    def note() -> None:
        nonlocal done
        done += 1
        progress.on_round(done)
        on_query()

    try:
        return loadgen.run(request, lambda index: variant.inspector.inspect(photos[index].data), note)
    finally:
        progress.clear()


def _warm_up(
    variant: Variant, photos: Sequence[Photo], steady: timing.Steady, on_query: Callable[[], object]
) -> tuple[float, timing.Recording]:
    """How long an answer takes, as the mean over the photos, and how the warm-up went."""
    progress = Progress(f"{variant.name}: warm-up before the scenarios", 2 * steady.window + _ROUNDS)

    def on_round(done: int) -> None:
        progress.on_round(done)
        on_query()

    recorded = timing.measure_interleaved(
        {photo.name: functools.partial(variant.inspector.inspect, photo.data) for photo in photos},
        warmup=_WARMUP,
        repeats=_ROUNDS,
        on_round=on_round,
        steady=steady,
    )
    progress.clear()
    expected_ms = float(np.mean([np.median(each.whole_ms) for each in recorded.values()]))
    return expected_ms, next(iter(recorded.values()))
