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
    rows = [[row for row in model["layers"] if row["macs"]] for model in result["models"]]
    points = [
        [row["macs"] / max(1, row["weight_bytes"] + row["activation_bytes"]) for row in each] for each in rows
    ]
    least, most = min(map(min, points)) / 2, max(map(max, points)) * 4
    at = np.geomspace(least, most, 200)
    slope = at * rates["memory_bytes_per_s"]
    for key, style, name in (("int8_macs_per_s", "-", "int8"), ("fp32_macs_per_s", "--", "float")):
        peak = rates[key] * threads
        axes.plot(at, np.minimum(slope, peak) / 1e9, style, color="0.25", lw=1.8, zorder=1)
        axes.annotate(
            f"{name}: {peak / 1e9:.1f} GMAC/s",
            (at[-1], peak / 1e9),
            xytext=(-4, 5),
            textcoords="offset points",
            ha="right",
        )
    cache = f",\nleft of it: layers that caches of {rates['cache_bytes'] / 2**20:.1f} MiB can hold"
    axes.annotate(
        f"memory: {rates['memory_bytes_per_s'] / 1e9:.1f} GB/s{cache if rates['cache_bytes'] else ''}",
        (0.24, 0.03),
        xycoords="axes fraction",
        color="0.25",
        fontsize=9,
    )
    for index, (model, layers, xs) in enumerate(zip(result["models"], rows, points, strict=True)):
        axes.scatter(
            xs,
            [row["macs"] / row["at_least_ms"] / 1e6 for row in layers],
            s=[20 + 2500 * row["at_least_ms"] / model["at_least_ms"] for row in layers],
            color=f"C{index}",
            alpha=0.5,
            edgecolors="white",
            zorder=2,
            label=model["name"],
        )
    peaks = [rates[key] * threads / 1e9 for key in ("int8_macs_per_s", "fp32_macs_per_s")]
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(least, most),
        ylim=(min(peaks) / 6, max(peaks) * 1.8),
        xlabel="multiplications a byte read or written",
        ylabel="GMAC/s at most",
        title=f"{MARK}: the roof, and the layers (area: share of the time)",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    axes.grid(alpha=0.25)
    legend = axes.legend(loc="lower right")
    for handle in legend.legend_handles:
        handle.set_sizes([60])


def _draw_bars(axes: Any, result: Mapping[str, Any]) -> None:
    """The bound of each model as a bar; its band, where there is one, as a whisker."""
    models = result["models"]
    at = np.arange(len(models))
    bounds = [model["at_least_ms"] for model in models]
    colors = [f"C{index}" for index in at]
    axes.barh(at, bounds, height=0.45, color=colors, alpha=0.55, hatch="//", edgecolor="white")
    for place, model in zip(at, models, strict=True):
        told, guess = f"{MARK}: at least {model['at_least_ms']:.1f} ms", model["guess"]
        if guess:
            sides = [[guess["ms"] - guess["low_ms"]], [guess["high_ms"] - guess["ms"]]]
            axes.errorbar(guess["ms"], place, xerr=sides, fmt="o", color="0.2", capsize=5)
            told += f", about {guess['ms']:.1f} ({guess['low_ms']:.1f} to {guess['high_ms']:.1f})"
        axes.annotate(told, (0, place - 0.3), xytext=(2, 2), textcoords="offset points", fontsize=9)
    longest = max([*bounds, *(model["guess"]["high_ms"] for model in models if model["guess"])])
    axes.set_yticks(at, [model["name"] for model in models])
    axes.set(
        xlim=(0, 1.1 * longest),
        ylim=(len(models) - 0.4, -0.7),
        xlabel="ms, lower bound"
        if longest == max(bounds)
        else "ms: lower bound (bar), time and band (whisker)",
        title=f"{MARK}: the network alone",
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw_agreement(path: Path, result: Mapping[str, Any]) -> Path:
    """Draw simulated against measured times of models left out, and write a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7.5), layout="constrained")
    axes = figure.subplots()
    rows = result["models"]
    times = [
        row[key]
        for row in (*rows, *result["unseen"], *result["shipped"])
        for key in ("measured_ms", "simulated_ms")
    ]
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
    for key, marker, size, name in (
        ("unseen", "x", 7, "unseen until the units of work were chosen"),
        ("shipped", "*", 13, f"files of {result['bundle']['label']}"),
    ):
        axes.plot(
            [row["measured_ms"] for row in result[key]],
            [row["simulated_ms"] for row in result[key]],
            marker,
            color="black",
            markersize=size,
            label=name,
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
