"""Print the result of `latency.py`: the screen shows what the file holds, and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.footprint.tables import list_measured, list_sizes
from benchmarks.latency_record import tell_model
from benchmarks.scenarios import screen
from benchmarks.table import Table, show
from benchmarks.validity import Reason
from edge_iqa import timing
from edge_iqa.inspector import STAGES

COLUMNS = (*STAGES, "whole")
PERCENTILES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}
_MISSING = "-"


def print_result(result: dict[str, Any]) -> None:
    """Print why it does not count, if so, where it was measured, the tables, and what a reader must know beside."""
    for reason in result["invalid"]:
        print(f"INVALID: {Reason(**reason)}")
    print(_headline(result))
    for table in tables(result):
        show(table)
    repeats, confidence = result["settings"]["repeats"], result["settings"]["confidence"]
    needed = {name: timing.fewest(share, confidence) for name, share in PERCENTILES.items()}
    short = [f"{name} needs {count}" for name, count in needed.items() if count > repeats]
    if short:
        print(f"-: too few repeats to tell; {', '.join(short)}")
    if result["unknown"]:
        print(f"unknown here: {', '.join(result['unknown'])}")
    for reason in screen.list_reasons(result["scenarios"]):
        print(reason)
    for note in result["notes"]:
        print(f"note: {note}")
    footprint = result.get("footprint") or {"missing": []}
    for absence in (*result["missing"], *footprint["missing"]):
        print(f"not measured: {absence['what']}: {absence['why']}")
    for absence in result["failed"]:
        print(f"failed: {absence['what']}: {absence['why']}")
    for warning in result["warnings"]:
        print(f"WARNING: {warning}")


def tables(result: dict[str, Any]) -> list[Table]:
    """One table of milliseconds per photo, then float against int8, and LoadGen's scenarios, where measured."""
    drawn = [_photo_table(result, photo) for photo in result["photos"]]
    drawn += [_ratio_table(result)] if result["ratios"] else []
    drawn += [screen.to_table(result["scenarios"])] if result["scenarios"] else []
    drawn += list_measured(result.get("footprint"))
    if not result["valid"]:
        drawn = [replace(table, title=f"INVALID: {table.title}") for table in drawn]
    return [*drawn, *list_sizes(result.get("footprint"))]


def _headline(result: dict[str, Any]) -> str:
    facts, versions, bundle = result["machine"], result["versions"], result["bundle"]
    threads, used = result["settings"]["threads"], len(result["settings"]["cores"])
    pinned = f", all threads on {used} of {facts['cores']} core(s)" if 0 < used < facts["cores"] else ""
    memory = f", {facts['memory_bytes'] / 2**30:.0f} GiB" if facts["memory_bytes"] else ""
    return (
        f"{result['device']}: {facts['cpu'] or facts['architecture']}, {facts['cores']} core(s){memory}\n"
        f"{', '.join(versions['backends'].values())}; {facts['python']}; {facts['os']}\n"
        f"bundle {bundle['name']}-{bundle['version']}; {threads} thread(s) for the model{pinned}\n"
    )


def _photo_table(result: dict[str, Any], photo: dict[str, Any]) -> Table:
    rows: list[tuple[str, ...]] = []
    for measured in result["results"]:
        if measured["photo"] != photo["name"]:
            continue
        if rows:
            rows.append(())
        rows.extend(
            (
                tell_model(measured) if percentile == "p50" else "",
                percentile,
                *(_number(measured["stages"][stage], percentile) for stage in COLUMNS),
                _interval(measured["stages"]["whole"], percentile),
            )
            for percentile in PERCENTILES
        )
    size = f"{photo['width_px']}x{photo['height_px']}, {photo['bytes'] / 1e6:.2f} MB"
    title = f"{photo['name']} ({size}): milliseconds, n = {result['settings']['repeats']}"
    return Table(title, ("", "", *COLUMNS, "whole, 95 %"), tuple(rows), labels=2)


def _ratio_table(result: dict[str, Any]) -> Table:
    rows = tuple(
        (
            entry["photo"],
            f"{entry['backend']} {entry['slow']} / {entry['fast']}",
            *(_ratio(entry["stages"][stage]) for stage in ("model", "whole")),
        )
        for entry in result["ratios"]
    )
    title = "Float over int8 in the same run: median of rounds (95 % interval)"
    return Table(title, ("photo", "", "model", "whole"), rows, labels=2)


def _number(timing: dict[str, Any], percentile: str) -> str:
    estimate = timing[f"{percentile}_ms"]
    return _MISSING if estimate is None else _ms(estimate["value"])


def _interval(timing: dict[str, Any], percentile: str) -> str:
    estimate = timing[f"{percentile}_ms"]
    return _MISSING if estimate is None else f"{_ms(estimate['low'])} to {_ms(estimate['high'])}"


def _ms(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.1f}"


def _ratio(estimate: dict[str, float] | None) -> str:
    if estimate is None:
        return _MISSING
    return f"{estimate['value']:.2f} ({estimate['low']:.2f} to {estimate['high']:.2f})"
