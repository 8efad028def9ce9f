"""What the result file of `latency.py` holds."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import edge_iqa
from benchmarks.device import Device
from benchmarks.photos import Photo
from benchmarks.rounds import Rounds
from benchmarks.validity import Run
from benchmarks.variants import PRECISIONS, Opened, Variant, tell_name
from edge_iqa import Report, machine, opencv, timing
from edge_iqa.bundle import Bundle

KIND = "latency"
SCHEMA = 3
"""2: figures are judged (`valid`, `invalid`, `unknown`, `conditions`), and warm-ups are as long as they need.
3: `settings.profile` in place of `settings.quick`, `scenarios`, and every round, so that two runs can be compared."""
CHECKOUT = Path(__file__).resolve().parent.parent
LARGE_PIXELS = 8_000_000
"""A phone photo; below, the figures say little about what a phone's camera hands over."""


def summarize(photo: str, variant: Variant, recorded: timing.Recording) -> dict[str, Any]:
    """Percentiles per stage; `rest` is what the whole takes beyond its stages."""
    rest_ms = recorded.whole_ms - sum(recorded.stages_ms.values())
    samples_ms = {**recorded.stages_ms, "rest": rest_ms, "whole": recorded.whole_ms}
    return {
        "photo": photo,
        "backend": variant.backend,
        "precision": variant.model.precision,
        "provider": variant.provider,
        "threads": variant.inspector.backend.threads,
        "stages": {stage: timing.summarize(samples).to_dict() for stage, samples in samples_ms.items()},
        "rounds_ms": recorded.whole_ms.round(3).tolist(),
    }


def tell_model(row: Mapping[str, Any]) -> str:
    """What the variant of a row is called, such as `onnx int8 CUDA`."""
    return tell_name(row["backend"], row["precision"], row.get("provider", ""))


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


def describe_run(
    device: Device,
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
    usage: machine.Usage,
    bundle: Bundle,
    opened: Opened,
) -> dict[str, Any]:
    """What was measured, on what, with what."""
    installed_at = Path(edge_iqa.__file__).resolve().parent
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "device": device.name,
        "measured_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "settings": settings,
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


def describe_conditions(run: Run) -> dict[str, Any]:
    """The machine before and after, what was looked at between, and what its device wants recorded."""
    return {
        "before": run.before.to_dict(),
        "after": run.after.to_dict(),
        "samples": [sample.to_dict() for sample in run.samples],
        "recorded": dict(run.notes),
    }


def describe_photo(photo: Photo, report: Report, rounds: Rounds) -> dict[str, Any]:
    """A photo, and how its rounds went."""
    first = next(iter(rounds.recorded.values()))
    return {
        "name": photo.name,
        "width_px": report.width_px,
        "height_px": report.height_px,
        "bytes": len(photo.data),
        "sha256": photo.sha256,
        "warmup_rounds": first.warmup_ms.size,
        "steady": first.steady,
        "drift": rounds.drift.to_dict(),
        "set_aside": list(rounds.set_aside),
        "yardstick_ms": rounds.speed.whole_ms.round(4).tolist(),
    }


def find_notes(bundle: Bundle, photos: Sequence[dict[str, Any]]) -> list[str]:
    """What a reader must know beside the figures."""
    notes = []
    if bundle.experimental:
        notes.append(f"the bundle {bundle.label} is experimental")
    largest = max(photo["width_px"] * photo["height_px"] for photo in photos)
    notes += [
        f"{photo['name']} was measured {len(photo['set_aside']) + 1} times; set aside: its rounds "
        f"{', '.join(photo['set_aside'])}"
        for photo in photos
        if photo["set_aside"]
    ]
    if largest < LARGE_PIXELS:
        notes.append(
            f"the largest photo has {largest / 1e6:.1f} megapixels: a phone's camera gives 8 and more, "
            "which take longer to decode; measure such photos with --photos"
        )
    return notes
