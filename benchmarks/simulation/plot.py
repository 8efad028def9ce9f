"""The roofline of a device with the layers of its models on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.simulation import MARK


def draw_roofline(path: Path, result: Mapping[str, Any]) -> Path:
    """Draw and write a PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6), layout="constrained")
    figure.suptitle(
        f"{MARK}, not measured: {result['title']}, {result['settings']['threads']} thread(s), "
        f"{result['bundle']['label']}"
    )
    roof, bars = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_roof(roof, result)
    _draw_bars(bars, result)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _draw_roof(axes: Any, result: Mapping[str, Any]) -> None:
    """Rates that the bounds allow over multiplications a byte; a point a layer, as large as its share of the time."""
    rates, threads = result["rates"], result["settings"]["threads"]
    at = np.geomspace(0.1, 3e3, 200)
    slope = at * rates["memory_bytes_per_s"]
    for key, style, name in (("int8_macs_per_s", "-", "int8"), ("fp32_macs_per_s", "--", "float")):
        axes.plot(at, np.minimum(slope, rates[key] * threads) / 1e9, style, color="0.3", lw=1.5)
        axes.annotate(
            f"{name}: {rates[key] * threads / 1e9:.1f} GMAC/s",
            (at[-1], rates[key] * threads / 1e9),
            xytext=(-4, 4),
            textcoords="offset points",
            ha="right",
            fontsize=9,
        )
    for index, model in enumerate(result["models"]):
        rows = [row for row in model["layers"] if row["macs"]]
        moved = [max(1, row["weight_bytes"] + row["activation_bytes"]) for row in rows]
        axes.scatter(
            [row["macs"] / each for row, each in zip(rows, moved, strict=True)],
            [row["macs"] / row["at_least_ms"] / 1e6 for row in rows],
            s=[15 + 1500 * row["at_least_ms"] / model["at_least_ms"] for row in rows],
            color=f"C{index}",
            alpha=0.45,
            edgecolors="white",
            label=model["name"],
        )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="multiplications a byte",
        ylabel="GMAC/s at most",
        title=f"{MARK}: the roof, and layers (area: share of the time)",
    )
    axes.grid(alpha=0.25, which="both")
    legend = axes.legend(loc="lower right")
    for handle in legend.legend_handles:
        handle.set_sizes([60])


def _draw_bars(axes: Any, result: Mapping[str, Any]) -> None:
    models = result["models"]
    at = np.arange(len(models))
    times = [model["at_least_ms"] for model in models]
    axes.barh(at, times, color=[f"C{index}" for index in at], alpha=0.6, hatch="//", edgecolor="white")
    for place, model in zip(at, models, strict=True):
        axes.annotate(
            f" {MARK}: at least {model['at_least_ms']:.1f} ms",
            (0, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(at, [model["name"] for model in models])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.15 * max(times)), xlabel="ms, lower bound", title=f"{MARK}: the network alone")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw_agreement(path: Path, result: Mapping[str, Any]) -> Path:
    """Draw simulated against measured times of models left out, and write a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7.5), layout="constrained")
    axes = figure.subplots()
    rows = result["models"]
    times = [row[key] for row in (*rows, *result["shipped"]) for key in ("measured_ms", "simulated_ms")]
    ends = np.array([min(times) / 1.5, max(times) * 1.5])
    axes.fill_between(ends, ends * 0.7, ends * 1.3, color="0.9", label="within 30 %")
    axes.plot(ends, ends, color="0.5", lw=1)
    for index, (runtime, marker) in enumerate((("onnx", "o"), ("tflite", "s"))):
        for precision, filled in (("fp32", False), ("int8", True)):
            same = [row for row in rows if (row["runtime"], row["precision"]) == (runtime, precision)]
            axes.plot(
                [row["measured_ms"] for row in same],
                [row["simulated_ms"] for row in same],
                marker,
                color=f"C{index}",
                markerfacecolor=f"C{index}" if filled else "white",
                alpha=0.8,
                label=f"{precision} {runtime}",
            )
    axes.plot(
        [row["measured_ms"] for row in result["shipped"]],
        [row["simulated_ms"] for row in result["shipped"]],
        "*",
        color="black",
        markersize=13,
        label=f"files of {result['bundle']['label']}",
    )
    axes.set(
        xscale="log",
        yscale="log",
        xlim=ends,
        ylim=ends,
        xlabel="measured p50, ms, one thread",
        ylabel=f"{MARK}, ms",
        title=f"{MARK} against measured: {result['models_left_out']} models of {result['networks']} networks,\n"
        f"each at prices fitted without any of its family ({result['families']} families)",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.25, which="both")
    axes.legend(loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path
