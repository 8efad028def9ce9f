"""Cost against pixels: JPEG, progressive JPEG and PNG of the same photos, from few megapixels to many."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import megapixels
from benchmarks.encodings import FORMATS
from benchmarks.figure import Figure
from benchmarks.megapixels import Made
from benchmarks.peak_memory import measure_peak
from benchmarks.scales.growth import compare_units, find_exponent
from benchmarks.scales.part import Found, Observed, Setting, observe
from edge_iqa import Inspector, Report, timing
from edge_iqa.inspector import STAGES
from edge_iqa.policy import DEFAULT

SERIES = 3
"""Photos of each size as baseline JPEG; of the other formats there is one."""
ROUNDS, ROUNDS_OF_OTHERS = 20, 8
BOUND = 1.0
_STEADY_OF_OTHERS = timing.Steady(window=3, tolerance=0.02, at_most=15)
NAMES = dict(zip(FORMATS, ("JPEG", "progressive JPEG", "PNG"), strict=True))


def measure(setting: Setting) -> Found:
    """Time whole verdicts and their stages on one thread; memory in a process of its own a photo.

    Raises:
        EdgeIqaError: the photos cannot be made, or not judged.
    """
    make = partial(megapixels.make, setting.photos, setting.sizes, setting.cache / "megapixels")
    kinds = {
        FORMATS[0]: make(each=1 if setting.quick else SERIES),
        **{kind: make(kinds=[kind]) for kind in FORMATS[1:]},
    }
    figures: list[Figure] = []
    photos: list[dict[str, Any]] = []
    with (
        observe(setting, 1) as observed,
        Inspector.open(setting.bundle, setting.backend, threads=1) as inspector,
    ):
        for kind, made in kinds.items():
            recorded = _record(inspector, made, kind, setting, observed)
            figures += _find_figures(made, recorded, kind)
            photos += [_describe(each, recorded[each.photo.name]) for each in made]
        conditions = observed.close()
    for each in photos:
        each["memory"] = None
    chosen = {made.photo.name: made for each in kinds.values() for made in each if not made.series}
    for each in photos:
        if each["name"] in chosen:
            each["memory"] = _measure_memory(chosen[each["name"]], setting)
    return Found(figures, {"photos": photos}, conditions)


def _record(
    inspector: Inspector, made: Sequence[Made], kind: str, setting: Setting, observed: Observed
) -> dict[str, timing.Recording]:
    is_first = kind == FORMATS[0]
    return observed.record(
        NAMES[kind],
        {each.photo.name: partial(inspector.inspect, each.photo.data) for each in made},
        setting.rounds(ROUNDS if is_first else ROUNDS_OF_OTHERS),
        read_stages,
        *(() if is_first else (_STEADY_OF_OTHERS,)),
    )


def read_stages(report: Report) -> dict[str, float]:
    """Milliseconds of each stage of a verdict."""
    return {stage: report.timing_ms[stage] for stage in STAGES}


def _find_figures(made: Sequence[Made], recorded: Mapping[str, timing.Recording], kind: str) -> list[Figure]:
    """Exponent, the ends, and each step between two sizes."""
    sizes = sorted({each.megapixels for each in made})
    if len(sizes) < 2:
        return []
    table = {(each.series, each.megapixels): each for each in made}
    rows = [[table[series, size] for size in sizes] for series in sorted({each.series for each in made})]
    pixels = np.array([[each.pixels for each in row] for row in rows], float)
    times = np.array([[recorded[each.photo.name].whole_ms for each in row] for row in rows])
    name, last = NAMES[kind], len(sizes) - 1
    steps = [
        Figure(
            f"{name}: cost of a pixel at {large:g} MP over {small:g} MP",
            compare_units(pixels, times, at, at - 1),
        )
        for at, (small, large) in enumerate(pairwise(sizes), 1)
    ]
    return [
        Figure(f"{name}: exponent of the cost over the pixels", find_exponent(pixels, times)),
        Figure(
            f"{name}: cost of {sizes[-1]:g} MP over that of {sizes[0]:g} MP, by pixels",
            compare_units(pixels, times, last, 0),
            BOUND if kind == FORMATS[0] else None,
            at_least=False,
        ),
        *steps,
    ]  # fmt: skip


def _describe(made: Made, recorded: timing.Recording) -> dict[str, Any]:
    return {
        "name": made.photo.name,
        "megapixels": made.megapixels,
        "series": made.series,
        "format": made.kind,
        "pixels": made.pixels,
        "bytes": len(made.photo.data),
        "sha256": made.photo.sha256,
        "steady": recorded.steady,
        "whole": recorded.timing.to_dict(),
        "stages_p50_ms": {stage: float(np.median(each)) for stage, each in recorded.stages_ms.items()},
    }


def _measure_memory(made: Made, setting: Setting) -> dict[str, Any]:
    """Most memory of one verdict, in a process that has judged a small photo before."""
    with tempfile.TemporaryDirectory() as name:
        small, path = Path(name) / "small", Path(name) / f"photo.{made.kind}"
        small.write_bytes(min(setting.photos, key=lambda photo: len(photo.data)).data)
        path.write_bytes(made.photo.data)
        peak = measure_peak(small, path, DEFAULT, setting.bundle, setting.backend)
    return {
        "bytes": peak.peak_bytes - peak.base_bytes,
        "over_pixels": peak.over_pixels,
        "read_by": peak.read_by,
    }
