"""Print the result of `scale.py`: the screen shows what the file holds, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table import Table, show
from benchmarks.validity import Reason


def print_result(result: Mapping[str, Any]) -> None:
    """Print why it does not count, if so, a table of each part, the figures, and what was not measured."""
    for name, part in result["parts"].items():
        for reason in part["invalid"]:
            print(f"INVALID: {name}: {Reason(**reason)}")
    facts = result["machine"]
    print(f"{result['device']}: {facts['cpu'] or facts['architecture']}, {facts['cores']} core(s)")
    print(f"bundle {result['bundle']['label']}; {result['versions']['backend']}; {facts['python']}\n")
    for name, part in result["parts"].items():
        title, columns, rows = _TABLES[name](part)
        if rows:
            prefix = "" if part["valid"] else "INVALID: "
            show(Table(prefix + title, columns, tuple(rows)))
    show(
        Table(
            "figures",
            ("figure", "measured", "95 %", "n", "bound", ""),
            tuple(map(_figure, result["figures"])),
        )
    )
    for name, part in result["parts"].items():
        for why in part["missing"]:
            print(f"not measured: {name}: {why}")
        if part["unknown"]:
            print(f"unknown here: {name}: {', '.join(part['unknown'])}")


def _figure(figure: Mapping[str, Any]) -> tuple[str, ...]:
    found, sign = figure["estimate"], ">=" if figure["at_least"] else "<="
    bound = "" if figure["bound"] is None else f"{sign} {figure['bound']:g}"
    held = {None: "", True: "held", False: "MISSED"}[figure["held"]]
    if found is None:
        return figure["what"], "-", "-", "-", bound, held
    told = f"{found['value']:.3f}", f"{found['low']:.3f} to {found['high']:.3f}", str(found["n"])
    return (figure["what"], *told, bound, held)


_Content = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def _pixels(part: Mapping[str, Any]) -> _Content:
    rows = []
    for each in part["photos"]:
        stages, memory = each["stages_p50_ms"], each["memory"]
        cells = (*(f"{stages[stage]:.1f}" for stage in stages), _ms(each["whole"]["p50_ms"]))
        held = "" if memory is None else f"{memory['bytes'] / 1e6:.0f}"
        rows.append((each["name"], f"{each['bytes'] / 1e6:.2f}", *cells, held))
    stages = tuple(part["photos"][0]["stages_p50_ms"])
    return "pixels: p50 ms", ("photo", "MB", *stages, "whole", "memory, MB"), rows


def _views(part: Mapping[str, Any]) -> _Content:
    rows = [
        (str(each["views"]), *(f"{each[key]:.2f}" for key in ("views_ms", "model_ms", "whole_ms")))
        for each in part["views"]
    ]
    return "views: p50 ms", ("views", "cut", "model", "whole"), rows


def _threads(part: Mapping[str, Any]) -> _Content:
    rows = [
        (
            f"{each['model_threads']}",
            f"{each['opencv_threads']}",
            f"{each['stages_p50_ms']['model']:.1f}",
            f"{each['p50_ms']:.1f}",
        )
        for each in part["grid"]
    ]
    return "threads: p50 ms", ("of the model", "of OpenCV", "model", "whole"), rows  # fmt: skip


def _processes(part: Mapping[str, Any]) -> _Content:
    keys = ("photos_per_s", "photos_per_s_with_start", "start_s", "whole_s")
    rows = [(str(each["processes"]), *(f"{each[key]:.2f}" for key in keys)) for each in part["runs"]]
    return (
        f"processes: {part['count']} photos",
        ("processes", "photos/s once begun", "with start", "start s", "whole s"),
        rows,
    )


def _photos(part: Mapping[str, Any]) -> _Content:
    rows = [
        (
            str(each["photos"]),
            str(each["runs"]),
            f"{each['start_s']:.2f}",
            f"{each['ms_per_photo']:.1f}",
            f"{each['ms_per_photo_without_start']:.1f}",
            "-" if each["held_bytes"] is None else f"{each['held_bytes'] / 1e6:.0f}",
        )
        for each in part["runs"]
    ]
    columns = ("photos", "runs", "start s", "ms a photo", "without start", "held, MB")
    return "photos in one process", columns, rows


def _ms(estimate: Mapping[str, float] | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.1f}"


_TABLES = {
    "pixels": _pixels,
    "views": _views,
    "threads": _threads,
    "processes": _processes,
    "photos": _photos,
}
