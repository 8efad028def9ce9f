"""The section `footprint` of a result of `latency.py` → tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.footprint import cold, memory
from benchmarks.table import Table

_MISSING = "-"
_PERCENTILES = ("p50", "p90")


def list_tables(footprint: Mapping[str, Any] | None) -> list[Table]:
    """Cold start, memory, energy by each meter, sizes; only what was measured."""
    return [*list_measured(footprint), *list_sizes(footprint)]


def list_sizes(footprint: Mapping[str, Any] | None) -> list[Table]:
    """What no other work on the machine changes."""
    return [_sizes(footprint["sizes"])] if footprint and footprint["sizes"] else []


def list_measured(footprint: Mapping[str, Any] | None) -> list[Table]:
    """What counts only where the machine was left in peace."""
    if footprint is None:
        return []
    return [
        *([_cold(footprint["cold"])] if footprint["cold"] else []),
        *([_memory(footprint["memory"])] if footprint["memory"] else []),
        *(_energy(meter) for meter in footprint["energy"]["meters"]),
    ]


def _cold(told: Mapping[str, Any]) -> Table:
    columns, rows = (*cold.STEPS, "whole"), []
    for entry in told["results"]:
        stages = entry["stages"]
        rows += [
            (
                entry["backend"] if name == "p50" else "",
                name,
                *(_value(stages[step][f"{name}_ms"], 1) for step in columns),
                _interval(stages["whole"][f"{name}_ms"], 1),
                _value(stages["second"][f"{name}_ms"], 1),
            )
            for name in _PERCENTILES
        ]
    n = told["results"][0]["stages"]["whole"]["n"]
    title = f"Cold start ({told['cache']}) to the first verdict on {told['photo']}: milliseconds, n = {n}"
    return Table(title, ("", "", *columns, "whole, 95 %", "second"), tuple(rows), labels=2)


def _memory(entries: Any) -> Table:
    rows = []
    for entry in entries:
        steps = entry["steps"]
        rows.append(
            (
                f"{entry['photo']} ({entry['width_px']}x{entry['height_px']})",
                entry["backend"],
                *(_megabytes(steps[step]["uss_bytes"]) for step in memory.STEPS),
                _megabytes(steps["verdict"]["peak_bytes"]),
                _megabytes_interval(steps["verdict"]["peak_bytes"]),
            )
        )
    known = [step["peak_bytes"] for entry in entries for step in entry["steps"].values()]
    n = next((each["n"] for each in known if each), 0)
    title = f"Memory of a process of its own: MB, median of n = {n}"
    return Table(
        title, ("photo", "", *(f"{step}, USS" for step in memory.STEPS), "peak", "peak, 95 %"), tuple(rows), 2
    )


def _energy(meter: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            entry["photo"],
            entry["model"],
            _value(entry["joules"], 1, 1e3),
            _interval(entry["joules"], 1, 1e3),
            _value(entry["joules_above_idle"], 1, 1e3),
            _value(entry["watts"], 2),
            str(entry["count"]),
        )
        for entry in meter["verdicts"]
    )
    idle = "unknown" if meter["idle_watts"] is None else f"{meter['idle_watts']:.2f} W"
    title = f"Energy a verdict by {meter['name']} ({meter['covers']}); idle: {idle}"
    columns = ("photo", "", "mJ", "mJ, 95 %", "of it above idle", "W", "verdicts")
    return Table(title, columns, rows, labels=2)


def _sizes(told: Mapping[str, Any]) -> Table:
    rows = [
        ("edge_iqa, bundle and all", *_both(told["package"])),
        ("bundle", *_both(told["bundle"])),
        *((each["path"], *_both(each)) for each in told["models"]),
        (),
    ]
    for each in told["needs"]:
        rows.append((", ".join(each["distributions"]) or each["what"], _size(each["bytes"]), _MISSING))
        if each.get("besides", {}).get("distributions"):
            rows.append((f"what {each['what']} needs besides", _size(each["besides"]["bytes"]), _MISSING))
    return Table("Sizes: MB", ("", "installed", "in a wheel"), tuple(rows))


def _both(entry: Mapping[str, int]) -> tuple[str, str]:
    return _size(entry["bytes"]), _size(entry["deflated_bytes"])


def _size(count: int | None) -> str:
    return _MISSING if count is None else f"{count / 1e6:.2f}"


def _megabytes(figure: Mapping[str, Any] | None) -> str:
    return _MISSING if figure is None else f"{figure['median'] / 1e6:.1f}"


def _megabytes_interval(figure: Mapping[str, Any] | None) -> str:
    return _MISSING if figure is None else _interval(figure["p50"], 1, 1e-6)


def _value(estimate: Mapping[str, float] | None, digits: int, factor: float = 1.0) -> str:
    return _MISSING if estimate is None else f"{estimate['value'] * factor:.{digits}f}"


def _interval(estimate: Mapping[str, float] | None, digits: int, factor: float = 1.0) -> str:
    if estimate is None:
        return _MISSING
    return f"{estimate['low'] * factor:.{digits}f} to {estimate['high'] * factor:.{digits}f}"
