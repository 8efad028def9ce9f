"""What the result of a phone measured through adb holds, and how it is shown. It is the model's time alone."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import edge_iqa
from benchmarks.device import Device
from benchmarks.drift import find_drift
from benchmarks.latency_record import describe_conditions
from benchmarks.phone.rounds import Model, Plan, Rounds
from benchmarks.system import System
from benchmarks.table import Table, show
from benchmarks.validity import Reason, Run, judge
from benchmarks.variants import Absence
from edge_iqa import timing
from edge_iqa.bundle import Bundle
from edge_iqa.manifest import FileEntry

KIND = "latency-model"
"""Not `latency`: a time of the model must not stand where a time of the whole verdict is meant."""
SCHEMA = 1
ABOUT = (
    "the model alone, in LiteRT's benchmark_model: reading the photo, cutting views and measuring pixels take time "
    "too; run latency.py on the phone itself (Termux) for the whole"
)
_MS_PER_US = 1e-3


def describe(
    device: Device,
    plan: Plan,
    rounds: Rounds,
    run: Run,
    bundle: Bundle,
    models: Mapping[str, FileEntry],
    missing: Sequence[Absence],
) -> dict[str, Any]:
    """The result of the rounds that were done, one at least.

    Args:
        models: by precision.
        missing: ways to compute them that the phone does not have.
    """
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "device": device.name,
        "measures": "model",
        "measured_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "settings": {
            "program": "benchmark_model",
            "rounds": plan.rounds,
            "runs_per_round_at_least": plan.runs,
            "warmup_at_least": plan.warmup,
            "threads": plan.threads,
            "cores": list(plan.cores),
            "pinned": plan.mask is not None,
            "confidence": timing.CONFIDENCE,
        },
        "usage": run.usage.to_dict(),
        "versions": {"edge_iqa": edge_iqa.__version__},
        "bundle": {
            "name": bundle.name,
            "version": bundle.version,
            "experimental": bundle.experimental,
            "manifest_sha256": bundle.manifest_sha256,
            "models": [asdict(entry) for entry in models.values()],
        },
        **judge(run, device).to_dict(),
        "conditions": describe_conditions(run),
        "notes": [ABOUT],
        "results": [
            _summarize(name, model, models[model.precision], rounds) for name, model in plan.models.items()
        ],
        "missing": [asdict(absence) for absence in missing],
        "ratios": _compare(rounds),
    }


def describe_phone(system: System, cores: int) -> dict[str, Any]:
    """As `edge_iqa.machine.describe` has it of this machine; neither serial number nor owner."""
    memory = re.search(r"^MemTotal:\s+(\d+) kB", system.read("proc/meminfo") or "", re.MULTILINE)
    told = {
        name: system.run(["getprop", key]) or None
        for name, key in (("maker", "ro.product.manufacturer"), ("model", "ro.product.model"))
    }
    return {
        **told,
        "cpu": system.run(["getprop", "ro.soc.model"]) or None,
        "architecture": system.architecture,
        "cores": cores,
        "memory_bytes": int(memory[1]) * 1024 if memory else None,
        "os": f"Android {system.run(['getprop', 'ro.build.version.release']) or 'of unknown version'}",
    }


def find_rounds_drift(rounds: Rounds) -> Any:
    """Whether the means of the rounds drift."""
    return find_drift([[each.mean_us for each in passes] for passes in rounds.passes.values()])


def print_result(result: Mapping[str, Any]) -> None:
    """Print it: the screen shows what the file holds."""
    for reason in result["invalid"]:
        print(f"INVALID: {Reason(**reason)}")
    facts, settings = result["machine"], result["settings"]
    print(f"{result['device']}: {facts['maker']} {facts['model']}, {facts['cpu']}; {facts['os']}")
    rows = tuple(_to_row(each) for each in result["results"])
    title = f"{'' if result['valid'] else 'INVALID: '}The model alone: milliseconds, {settings['threads']} thread(s)"
    columns = ("model", "runs", "mean", "mean, 95 %", "p50", "fastest", "slowest")
    show(Table(title, columns, rows))
    for ratio in result["ratios"]:
        told = ratio["model"]
        shown = "-" if told is None else f"{told['value']:.2f} ({told['low']:.2f} to {told['high']:.2f})"
        print(f"{ratio['slow']} over {ratio['fast']}: {shown}")
    if result["unknown"]:
        print(f"unknown there: {', '.join(result['unknown'])}")
    for note in result["notes"]:
        print(f"note: {note}")
    for absence in result["missing"]:
        print(f"not measured: {absence['what']}: {absence['why']}")


def _summarize(name: str, model: Model, entry: FileEntry, rounds: Rounds) -> dict[str, Any]:
    passes = rounds.passes[name][: rounds.done]
    medians = [each.median_us for each in passes if each.median_us is not None]
    return {
        "backend": "litert",
        "model": entry.path,
        "precision": entry.precision,
        "delegate": model.delegate or None,
        "runs": sum(each.count for each in passes),
        "mean_ms": _estimate([each.mean_us for each in passes]),
        "p50_ms": _estimate(medians) if len(medians) == len(passes) else None,
        "fastest_ms": min(each.least_us for each in passes) * _MS_PER_US,
        "slowest_ms": max(each.most_us for each in passes) * _MS_PER_US,
        "passes": [each.to_dict() for each in passes],
    }


def _estimate(values_us: list[float]) -> dict[str, float] | None:
    """Median of the rounds with its interval, ms; `None` where they are too few."""
    told = timing.percentile([value * _MS_PER_US for value in values_us], 0.5)
    return told and asdict(told)


def _compare(rounds: Rounds) -> list[dict[str, Any]]:
    if {"fp32", "int8"} - set(rounds.passes):
        return []
    slow, fast = ([each.mean_us for each in rounds.passes[name][: rounds.done]] for name in ("fp32", "int8"))
    told = timing.ratio(slow, fast)
    return [{"slow": "fp32", "fast": "int8", "model": told and asdict(told)}]


def _to_row(each: Mapping[str, Any]) -> tuple[str, ...]:
    mean, p50 = each["mean_ms"], each["p50_ms"]
    return (
        f"{each['backend']} {each['precision']}{' on ' + each['delegate'] if each['delegate'] else ''}",
        str(each["runs"]),
        "-" if mean is None else f"{mean['value']:.2f}",
        "-" if mean is None else f"{mean['low']:.2f} to {mean['high']:.2f}",
        "-" if p50 is None else f"{p50['value']:.2f}",
        f"{each['fastest_ms']:.2f}",
        f"{each['slowest_ms']:.2f}",
    )
