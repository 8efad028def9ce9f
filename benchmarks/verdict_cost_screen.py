"""Tables of `benchmarks/verdict_cost.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table import Table, show

_HELD = {None: "", True: "held", False: "missed"}


def print_result(result: Mapping[str, Any]) -> None:
    """Print what was measured, with bounds and warnings."""
    if result["time"]:
        _show_times(result)
        _show_stages(result)
    if result["memory"]:
        _show_memory(result)
    if result["cleanvision"]:
        _show_beside(result["cleanvision"])
    for warning in result["warnings"]:
        print(f"warning: {warning}")


def _show_times(result: Mapping[str, Any]) -> None:
    rows: list[tuple[str, ...]] = []
    for photo in result["time"]:
        rows.append((photo["name"], "decode", _tell(photo["decode"]["p50_ms"], 1), "", "", ""))
        for name, verdict in photo["verdicts"].items():
            ratio = verdict["over_decode"]
            rows.append(
                (
                    "",
                    name,
                    _tell(verdict["p50_ms"], 1),
                    _tell(ratio["estimate"], 2, with_interval=True),
                    ratio["bound"] or "",
                    _HELD[ratio["held"]],
                )
            )
    columns = ("photo", "what", "p50 ms", "over full decode", "bound", "")
    title = f"{result['bundle']['label']}, one thread, {result['settings']['clock']} clock"
    show(Table(title, columns, tuple(rows), labels=2))


def _show_stages(result: Mapping[str, Any]) -> None:
    stages = list(result["time"][0]["stages_wall_ms"])
    rows = tuple(
        (photo["name"], *(f"{photo['stages_wall_ms'][stage]:.1f}" for stage in stages))
        for photo in result["time"]
    )
    show(Table("stages of a verdict, median ms by the wall clock", ("photo", *stages), rows))


def _show_memory(result: Mapping[str, Any]) -> None:
    rows = tuple(
        (
            each["format"],
            f"{each['pixels_bytes'] / 1e6:.0f}",
            f"{each['file_bytes'] / 1e6:.0f}",
            f"{(each['peak_bytes'] - each['base_bytes']) / 1e6:.0f}",
            f"{each['over_pixels']:.2f}",
            each["bound"] or "",
            _HELD[each["held"]],
        )
        for each in result["memory"]
    )
    columns = ("48 MP photo", "pixels MB", "file MB", "peak over base MB", "over pixels", "bound", "")
    show(Table("memory of one verdict", columns, rows))


def _show_beside(beside: Mapping[str, Any]) -> None:
    if "missing" in beside:
        print(f"CleanVision was left out: {beside['missing']}")
        return
    ratio = beside["theirs_over_ours"]
    row = (
        f"CleanVision {beside['version']}",
        _tell(beside["theirs"]["p50_ms"], 0),
        _tell(beside["ours"]["p50_ms"], 0),
        _tell(ratio["estimate"], 1, with_interval=True),
        ratio["bound"],
        _HELD[ratio["held"]],
    )
    columns = ("beside", "its ms", "our ms", "its over ours", "bound", "")
    show(Table(f"{beside['photos']} photos, from their files", columns, (row,)))


def _tell(estimate: Mapping[str, float] | None, digits: int, with_interval: bool = False) -> str:
    if estimate is None:
        return "-"
    value, low, high = (f"{estimate[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})" if with_interval else value
