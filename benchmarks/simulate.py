"""How far can a simulated time be trusted? `python benchmarks/simulate.py [--quick]`

Times networks of many kinds on this host, as LiteRT and ONNX Runtime run them in float and int8 on one
thread; finds what each unit of work costs (`benchmarks/simulation/work.py`); and foretells the time of each
network at prices that were fitted without it and all of its family. So are networks that nobody had timed
when the units of work were chosen, and the files of the bundle: nothing is fitted on them. With what this
writes, `latency.py --simulate` gives a time with a band on this machine; a device that was never measured
gets a lower bound alone.

Networks that were exported are kept in --runs: the first run spends some minutes on them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.device import Rates
from benchmarks.pinning import pin
from benchmarks.roofline import Peaks, measure_peaks
from benchmarks.rows import show_figure
from benchmarks.simulation import MARK
from benchmarks.simulation.bound import bound_model
from benchmarks.simulation.calibration import FILE, KIND, SCHEMA
from benchmarks.simulation.collect import WARMUP, File, make_files, read_files, time_files
from benchmarks.simulation.judge import find_bands, judge_errors
from benchmarks.simulation.plot import draw_agreement
from benchmarks.simulation.prices import Timed, fit_prices, leave_out
from benchmarks.simulation.work import UNITS, count_work
from benchmarks.speedup import CLOCKS
from benchmarks.system import System
from benchmarks.table import Table, show
from compression.command import positive, run_command
from compression.models.others import NETWORKS, UNSEEN
from compression.progress import console
from edge_iqa import backends, machine, timing
from edge_iqa.bundle import Bundle
from edge_iqa.files import make_folder, write_json
from edge_iqa.manifest import RUNTIMES

HERE = Path(__file__).resolve().parent
REPEATS = 60
QUICK_REPEATS = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="simulate.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--bundle", type=Path, help="folder of a bundle to foretell besides (the one that edge_iqa ships)")
    add("--repeats", type=positive, help=f"rounds ({REPEATS}; with --quick {QUICK_REPEATS})")
    add("--clock", choices=sorted(CLOCKS), default="wall", help="cpu on a busy machine (%(default)s)")
    add("--quick", action="store_true", help="few rounds, and a result file of its own")
    add("--runs", type=Path, default=Path("runs/simulate"), help="exported networks (%(default)s)")
    add("--out", type=Path, default=HERE / "results", help="folder for the result")
    options = parser.parse_args(argv)
    options.repeats = options.repeats or (QUICK_REPEATS if options.quick else REPEATS)
    return run_command(run, options)


def run(options: argparse.Namespace) -> None:
    """Export, time, fit, judge, write.

    Raises:
        EdgeIqaError: the bundle cannot be read, or a network cannot be exported.
        ValueError: too few repeats for a median.
    """
    if options.repeats < timing.fewest(0.5):
        raise ValueError(f"--repeats: a median needs {timing.fewest(0.5)} rounds, got {options.repeats}")
    for folder, name in ((options.out, "--out"), (options.runs, "--runs")):
        make_folder(folder, name)
    bundle = Bundle.open(options.bundle)
    files = [file for network in NETWORKS for file in make_files(network, options.runs)]
    unseen = [file for network in UNSEEN for file in make_files(network, options.runs)]
    shipped = read_files(bundle)
    watch = machine.Watch()
    with pin(1, System()):
        peaks = [measure_peaks()]
        with console.status("timing"):
            times = time_files([*files, *unseen, *shipped], options.repeats, CLOCKS[options.clock])
        peaks.append(measure_peaks())  # a moment that others disturb shows less than there is
    result = {
        "kind": KIND,
        "schema": SCHEMA,
        "device": "host",
        "settings": {
            "threads": 1,
            "warmup": WARMUP,
            "repeats": options.repeats,
            "clock": options.clock,
            "quick": options.quick,
        },
        **_describe_machine(watch.read()),
        "bundle": {
            "label": bundle.label,
            "manifest_sha256": bundle.manifest_sha256,
            "judging_sha256": bundle.judging_sha256,
        },
        **describe(files, unseen, shipped, times, peaks),
    }
    _show(result)
    path = options.out / (FILE.replace(".json", "-quick.json") if options.quick else FILE)
    write_json(path, result)
    picture = draw_agreement(path.with_suffix(".png"), result)
    console.print(f"wrote {path} and {picture.name}")


def describe(
    files: Sequence[File],
    unseen: Sequence[File],
    shipped: Sequence[File],
    times: Mapping[str, timing.Timing],
    peaks: Sequence[Peaks],
) -> dict[str, Any]:
    """Prices, errors of what was left out, and figures.

    Args:
        files: what prices are fitted on; each is foretold without its family.
        unseen, shipped: foretold from `files` without their family.
        peaks: measured one after another; the best counts.
    """
    rates = to_rates(*peaks)
    prices = {}
    rows: dict[str, list[dict[str, Any]]] = {"models": [], "unseen": [], "shipped": []}
    for runtime in RUNTIMES:
        timed = [_to_timed(file, times[file.key]) for file in files if file.runtime == runtime]
        prices[runtime] = fit_prices(timed)
        for key, group in zip(rows, (files, unseen, shipped), strict=True):
            mine = [file for file in group if file.runtime == runtime]
            asked = [_to_timed(file, times[file.key]) for file in mine]
            foretold = zip(mine, asked, leave_out(timed, asked), strict=True)
            rows[key] += [_to_row(file, each, ms, times, rates) for file, each, ms in foretold]
    return {
        "networks": len({file.name for file in files}),
        "families": len({file.family for file in files}),
        "models_left_out": len(rows["models"]),
        "peaks": [each.to_dict() for each in peaks],
        "rates": asdict(rates),
        "units": UNITS,
        "prices": prices,
        "bands": find_bands(rows["models"]),
        "figures": [figure.to_dict() for figure in judge_errors(**rows)],
        **rows,
    }


def to_rates(*peaks: Peaks) -> Rates:
    """What no model here can exceed: the best rate of both runtimes, and of a copy of any size, caches and all."""
    int8, fp32 = (
        max(rates[precision] for each in peaks for rates in each.macs_per_s.values())
        for precision in ("int8", "fp32")
    )
    return Rates(int8, fp32, max(rate for each in peaks for rate in each.copy_bytes_per_s.values()), 0.0)


def _to_timed(file: File, measured: timing.Timing) -> Timed:
    assert measured.p50_ms is not None  # run() asks for repeats enough
    return Timed(
        file.name, file.family, file.precision, count_work(file.list_layers()), measured.p50_ms.value
    )


def _to_row(
    file: File, timed: Timed, simulated_ms: float, times: Mapping[str, timing.Timing], rates: Rates
) -> dict[str, Any]:
    """One model: simulated at prices that know nothing of its family, and measured."""
    return {
        "name": file.name,
        "family": file.family,
        "runtime": file.runtime,
        "precision": file.precision,
        "work": dict(timed.work),
        "bound_ms": bound_model(file.list_layers(as_run=False), rates).at_least_ms,
        "simulated_ms": simulated_ms,
        "measured_ms": timed.ms,
        "measured": times[file.key].to_dict(),
        "error": simulated_ms / timed.ms - 1,
    }


def _describe_machine(usage: machine.Usage) -> dict[str, Any]:
    facts = machine.describe()
    return {
        "machine": facts,
        "usage": usage.to_dict(),
        "warnings": usage.warnings(facts),
        "versions": backends.available(),
    }


def _show(result: Mapping[str, Any]) -> None:
    rows = [
        (
            row["name"],
            f"{row['runtime']} {row['precision']}",
            f"{row['bound_ms']:.2f}",
            f"{row['simulated_ms']:.2f}",
            f"{row['measured_ms']:.2f}",
            f"{row['error']:+.0%}",
        )
        for row in (*result["models"], *result["unseen"], *result["shipped"])
    ]
    columns = ("network", "file", "at least, ms", f"{MARK}, ms", "measured, ms", "error")
    show(
        Table(
            "Foretold at prices that were fitted without the network's family", columns, tuple(rows), labels=2
        )
    )
    prices = [
        (unit, *(f"{result['prices'][runtime][unit] * 1e6:.4g}" for runtime in RUNTIMES), what)
        for unit, what in UNITS.items()
    ]
    show(Table("Prices", ("unit", *(f"{runtime}, ns" for runtime in RUNTIMES), "of"), tuple(prices)))
    figures = [tuple(show_figure(figure)) for figure in result["figures"]]
    show(Table("Figures", ("figure", "measured", "bound", ""), tuple(figures)))
    for warning in result["warnings"]:
        console.print(f"warning: {warning}")


if __name__ == "__main__":
    raise SystemExit(main())
