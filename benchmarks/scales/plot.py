"""The result of `scale.py` as one picture, a panel a part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.scales.pixels import NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(path: Path, result: Mapping[str, Any]) -> Path:
    """Draw it as PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure as Canvas

    parts = {name: part for name, part in result["parts"].items() if _has_content(part)}
    panels = [(name, panel) for name in parts for panel in _PANELS[name]]
    columns = min(3, max(1, len(panels)))
    rows = -(-len(panels) // columns)
    figure = Canvas(figsize=(5 * columns, 4 * max(1, rows)), layout="constrained")
    axes = figure.subplots(max(1, rows), columns, squeeze=False).ravel()
    for at, (name, panel) in zip(axes, panels, strict=False):
        panel(at, parts[name])
        at.grid(alpha=0.3, which="both")
    for at in axes[len(panels) :]:
        at.set_axis_off()
    facts = result["machine"]
    invalid = "" if result["valid"] else "INVALID: "
    figure.suptitle(
        f"{invalid}{result['device']}: {facts['cpu'] or facts['architecture']}, {facts['cores']} cores; "
        f"{result['bundle']['label']}"
    )
    figure.savefig(path, dpi=100)
    return path


def _has_content(part: Mapping[str, Any]) -> bool:
    return any(part.get(key) for key in ("photos", "views", "grid", "runs"))


def _draw_pixels(axes: Axes, part: Mapping[str, Any]) -> None:
    """Medians of every photo, a line through the means of each size."""
    reference: float | None = None
    for index, (kind, name) in enumerate(NAMES.items()):
        photos = [each for each in part["photos"] if each["format"] == kind and each["whole"]["p50_ms"]]
        if not photos:
            continue
        x = np.array([each["pixels"] / 1e6 for each in photos])
        y = np.array([each["whole"]["p50_ms"]["value"] for each in photos])
        axes.plot(x, y, ".", color=f"C{index}")
        sizes = sorted({each["megapixels"] for each in photos})
        means = [
            np.exp(
                np.mean([np.log(b) for each, b in zip(photos, y, strict=True) if each["megapixels"] == size])
            )
            for size in sizes
        ]
        axes.plot(sizes, means, color=f"C{index}", label=name)
        if reference is None:
            reference = means[0] / sizes[0]
            axes.plot(sizes, [reference * size for size in sizes], "--", color="0.5", label="as the pixels")
    axes.set(
        xscale="log", yscale="log", xlabel="megapixels", ylabel="ms a verdict, p50", title="pixels: time"
    )
    _mark(axes, sorted({each["megapixels"] for each in part["photos"]}))
    axes.legend(fontsize=8)  # fmt: skip


def _draw_memory(axes: Axes, part: Mapping[str, Any]) -> None:
    for index, (kind, name) in enumerate(NAMES.items()):
        photos = [each for each in part["photos"] if each["format"] == kind and each["memory"]]
        x = [each["megapixels"] for each in photos]
        axes.plot(x, [each["memory"]["bytes"] / 1e6 for each in photos], ".-", color=f"C{index}", label=name)
    sizes = sorted({each["megapixels"] for each in part["photos"]})
    axes.plot(sizes, [3 * size for size in sizes], "--", color="0.5", label="the pixels, 3 bytes each")
    axes.set(xlabel="megapixels", ylabel="MB, the most", title="pixels: memory", ylim=(0, None))
    _mark(axes, sizes)
    axes.legend(fontsize=8)


def _draw_views(axes: Axes, part: Mapping[str, Any]) -> None:
    rows = part["views"]
    x = [each["views"] for each in rows]
    for key, name in (("whole_ms", "whole verdict"), ("model_ms", "model"), ("views_ms", "cutting views")):
        axes.plot(x, [each[key] for each in rows], ".-", label=name)
    own = next(each for each in rows if each["own"])
    axes.plot(
        x, [own["model_ms"] / own["views"] * count for count in x], "--", color="0.5", label="as the views"
    )
    axes.set(xlabel="views", ylabel="ms, p50", title="views, one thread", xlim=(0, None), ylim=(0, None))
    axes.legend(fontsize=8)  # fmt: skip


def _draw_threads(axes: Axes, part: Mapping[str, Any]) -> None:
    grid = part["grid"]
    for rest in sorted({each["opencv_threads"] for each in grid}):
        line = [each for each in grid if each["opencv_threads"] == rest]
        axes.plot(
            [each["model_threads"] for each in line],
            [each["p50_ms"] for each in line],
            ".-",
            label=f"{rest} for OpenCV",
        )
    axes.set(xlabel="threads of the model", ylabel="ms a verdict, p50", title=f"threads: {part['photo']}")
    _from_zero(axes, [each["p50_ms"] for each in grid])
    axes.set_xticks(sorted({each["model_threads"] for each in grid}))
    axes.legend(fontsize=8)


def _draw_processes(axes: Axes, part: Mapping[str, Any]) -> None:
    rows = part["runs"]
    x = [each["processes"] for each in rows]
    axes.plot(x, [each["photos_per_s"] for each in rows], ".-", label="once begun")
    axes.plot(x, [each["photos_per_s_with_start"] for each in rows], ".-", label="from start to file")
    axes.plot(
        x, [rows[0]["photos_per_s"] * count for count in x], "--", color="0.5", label="as the processes"
    )
    axes.set(xlabel="processes", ylabel="photos a second", title=f"processes: {part['count']} photos")
    axes.set_xticks(x)
    axes.set_ylim(0, None)
    axes.legend(fontsize=8)


def _draw_photos(axes: Axes, part: Mapping[str, Any]) -> None:
    rows = part["runs"]
    x = [each["photos"] for each in rows]
    axes.plot(x, [each["ms_per_photo"] for each in rows], ".-", label="ms a photo")
    axes.plot(x, [each["ms_per_photo_without_start"] for each in rows], ".-", label="without start-up")
    axes.set(xscale="log", yscale="log", xlabel="photos in one process", ylabel="ms", title="photos")
    held = [(done, each) for done, each in part["held"] if each is not None]
    lines, names = axes.get_legend_handles_labels()
    if held:
        right = axes.twinx()
        (line,) = right.plot(*zip(*((done, each / 1e6) for done, each in held), strict=True), color="C2")
        right.set(ylabel="MB held")
        _from_zero(right, [each / 1e6 for _, each in held])
        lines, names = [*lines, line], [*names, "MB held"]
    _mark(axes, x)
    axes.legend(lines, names, fontsize=8)


def _mark(axes: Axes, sizes: list[float]) -> None:
    axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)


def _from_zero(axes: Axes, values: Iterable[float]) -> None:
    axes.set_ylim(0, 1.25 * max(values))


_PANELS = {
    "pixels": (_draw_pixels, _draw_memory),
    "views": (_draw_views,),
    "threads": (_draw_threads,),
    "processes": (_draw_processes,),
    "photos": (_draw_photos,),
}
