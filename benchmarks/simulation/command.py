"""`latency.py --device NAME --simulate`: bounds of every model file of a bundle, printed, written and drawn."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.device import Device, Rates
from benchmarks.latency_options import RESULTS
from benchmarks.simulation import ABOUT, KIND, MARK, SCHEMA
from benchmarks.simulation.bound import SimulationError, bound_layer, bound_model
from benchmarks.simulation.calibration import FILE, Calibration, read_calibration
from benchmarks.simulation.models import Model, read_models
from benchmarks.simulation.plot import draw_roofline
from benchmarks.table import Table, to_text
from edge_iqa import backends, files, machine
from edge_iqa.bundle import Bundle
from edge_iqa.errors import EdgeIqaError

_RATES = {
    "int8_macs_per_s": "how many 8-bit products a core makes a second",
    "fp32_macs_per_s": "how many float products a core makes a second",
    "memory_bytes_per_s": "how many bytes a second its memory moves",
    "cache_bytes": "how many bytes its caches hold",
}


def run(options: argparse.Namespace, known: Mapping[str, Device]) -> int:
    """Simulate; returns the exit code of `latency.py`: 0, or 1 with a sentence on standard error.

    Args:
        options: `device`, `bundle`, `backend`, `threads`, `out`.
        known: the devices that can be asked for.
    """
    try:
        files.make_folder(options.out, "--out")
        result = simulate(options, known)
        path = files.write_json(options.out / f"latency-{result['device']}-{MARK}.json", result)
        lines = [*tell(result), f"written to {path}", _draw(result, path.with_suffix(".png"))]
    except EdgeIqaError as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"{MARK}  {line}" for line in lines))
    return 0


def simulate(options: argparse.Namespace, known: Mapping[str, Device]) -> dict[str, Any]:
    """What the result file holds.

    Raises:
        EdgeIqaError: the device's rates are not complete, or no model file can be read.
    """
    device, threads = known[options.device], options.threads or 1
    held = [folder for folder in dict.fromkeys((options.out, RESULTS)) if (folder / FILE).is_file()]
    calibration = read_calibration(held[0] if held else RESULTS) if device.whatever else None
    rates = calibration.rates if calibration else find_rates(device, known)
    bundle = Bundle.open(options.bundle)
    models, unread = read_models(bundle, options.backend)
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "simulated": True,
        "device": device.name,
        "title": device.title,
        "about": ABOUT,
        "settings": {"threads": threads},
        "machine": machine.describe() if calibration else None,
        "rates": asdict(rates),
        "versions": backends.available(),
        "bundle": {
            "label": bundle.label,
            "manifest_sha256": bundle.manifest_sha256,
            "judging_sha256": bundle.judging_sha256,
        },
        "warnings": [f"when this machine was calibrated: {each}" for each in calibration.warnings]
        if calibration
        else [],
        "unread": unread,
        "models": [describe(model, rates, threads, calibration) for model in models],
    }


def find_rates(device: Device, known: Mapping[str, Device]) -> Rates:
    """Rates of a device that has them all.

    Raises:
        SimulationError: it has not; says which are missing, and which devices have them.
    """
    if device.rates.complete:
        return device.rates
    whole = [name for name, each in known.items() if each.rates.complete]
    kinds = [name for name in whole if known[name].family == device.name]
    missing = " nor ".join(_RATES[name] for name in device.rates.missing)
    if kinds:
        why = f"its kinds differ; say which one it is: --device {' or '.join(kinds)}"
    elif device.rates == Rates():
        why = f"such machines differ; devices whose rates are published: {', '.join(whole)}"
    else:
        why = (
            f"its maker has published neither, as far as we know; devices that have them: {', '.join(whole)}"
        )
    raise SimulationError(
        f"--simulate: a {device.name} ({device.title}) cannot be simulated: its device file knows neither {missing}, "
        f"and nothing is guessed. Why: {why}"
    )


def describe(
    model: Model, rates: Rates, threads: int, calibration: Calibration | None = None
) -> dict[str, Any]:
    """A model file's row, and those of its layers; `guess` has a time with a band where this machine was calibrated,
    which it was with one thread.
    """
    guess = None
    if calibration is not None and threads == 1:
        guess = calibration.guess(model.here, model.entry.runtime or "", model.entry.precision or "")
    bound = bound_model(model.layers, rates, threads)
    layers = [
        {"simulated": True, **asdict(layer), **asdict(bound_layer(layer, rates, threads))}
        for layer in model.layers
    ]
    for row in layers:
        del row["ms"]  # nothing was measured
    return {
        "simulated": True,
        "name": model.name,
        "backend": model.backend,
        "precision": model.entry.precision,
        "file": model.entry.path,
        "macs": sum(layer.macs for layer in model.layers),
        "int8_macs": sum(layer.int8_macs for layer in model.layers),
        "weight_bytes": sum(layer.weight_bytes for layer in model.layers),
        "activation_bytes": sum(layer.activation_bytes for layer in model.layers),
        **asdict(bound),
        "guess": guess and asdict(guess),
        "layers": layers,
    }


def tell(result: Mapping[str, Any]) -> list[str]:
    """What is printed, without the mark that each line gets."""
    threads, rates = result["settings"]["threads"], result["rates"]
    whence = "of the data sheet" if result["machine"] is None else "measured on this machine"
    cache = f", {rates['cache_bytes'] / 2**20:.1f} MiB of cache" if rates["cache_bytes"] else ""
    return [
        f"{result['device']} ({result['title']}), {threads} thread(s); bundle {result['bundle']['label']}",
        f"peaks {whence}: {rates['int8_macs_per_s'] / 1e9:.1f} G int8 and {rates['fp32_macs_per_s'] / 1e9:.1f} G "
        f"float multiplications a second and core, {rates['memory_bytes_per_s'] / 1e9:.1f} GB/s{cache}",
        result["about"],
        *to_text(_to_table(result["models"])).rstrip("\n").splitlines(),
        *(f"not simulated: {why}" for why in result["unread"]),
        *_tell_bands(result),
        *(f"WARNING: {warning}" for warning in result["warnings"]),
    ]


def _tell_bands(result: Mapping[str, Any]) -> list[str]:
    if result["machine"] is None:
        return [
            "no such device was ever measured, so there is no band: what it takes beyond these bounds, nobody knows"
        ]
    told = [
        f"{row['name']}: about {guess['ms']:.2f} ms, {guess['low_ms']:.2f} to {guess['high_ms']:.2f}: as far from "
        f"their simulated times were the {guess['n']} models measured here, each at prices fitted without it"
        for row in result["models"]
        if (guess := row["guess"])
    ]
    return told or ["no band: this machine was calibrated with one thread"]


def _to_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        "model",
        "M MACs",
        "of it int8",
        "MB moved",
        "multiplying, ms",
        "moving, ms",
        "the network takes",
    )
    told = tuple(
        (
            row["name"],
            f"{row['macs'] / 1e6:.0f}",
            f"{row['int8_macs'] / 1e6:.0f}",
            f"{(row['weight_bytes'] + row['activation_bytes']) / 1e6:.1f}",
            f"{row['compute_ms']:.2f}",
            f"{row['memory_ms']:.2f}",
            f"at least {row['at_least_ms']:.2f} ms",
        )
        for row in rows
    )
    return Table("Bounds of the roofline", columns, told)


def _draw(result: Mapping[str, Any], path: Path) -> str:
    try:
        return f"and drawn in {draw_roofline(path, result)}"
    except ImportError as error:
        return f"not drawn: {error}; run `pip install matplotlib`"
