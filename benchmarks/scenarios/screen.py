"""LoadGen's scenarios on the screen: its figures and judgment beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.table import Table

_MISSING = "-"
_FIGURES = {"SingleStream": "p90, ms", "MultiStream": "p99 of 8 photos, ms", "Offline": "photos a second"}


def to_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One row a variant and scenario: the scenario's figure by LoadGen, then ours with its interval."""
    cells = tuple(
        (
            f"{row['backend']} {row['precision']}",
            row["scenario"],
            _FIGURES[row["scenario"]],
            str(row["n"] if row["scenario"] != "Offline" else row["photos_answered"]),
            *_figures(row),
            "VALID" if row["loadgen"]["valid"] else "INVALID",
        )
        for row in rows
    )
    columns = ("", "scenario", "figure", "n", "LoadGen", "ours", "95 %", "LoadGen says")
    return Table("LoadGen's scenarios, all photos together", columns, cells, labels=3)


def list_reasons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What LoadGen has against its own figures, a line each."""
    return [
        f"LoadGen, {row['backend']} {row['precision']} {row['scenario']}: {said}"
        for row in rows
        for said in _against(row["loadgen"])
    ]


def _against(told: Mapping[str, Any]) -> list[str]:
    invalid = [] if told["valid"] else [f"INVALID: {told['why']}"]
    return invalid + [f"error: {error}" for error in told["errors"]]


def _figures(row: Mapping[str, Any]) -> tuple[str, str, str]:
    told, ours = row["loadgen"], row["ours"]
    if row["scenario"] == "Offline":
        typical = ours["median_pass"]  # the mean of all, which is LoadGen's figure, has slow seconds in it
        return _number(told["samples_per_second"]), _number(typical and typical["value"]), _interval(typical)
    estimate = ours["p90_ms" if row["scenario"] == "SingleStream" else "p99_ms"]
    return _number(told["latency_ms"]), _number(estimate and estimate["value"]), _interval(estimate)


def _number(value: float | None) -> str:
    if value is None:
        return _MISSING
    return f"{value:.2f}" if value < 100 else f"{value:.1f}"


def _interval(estimate: Mapping[str, float] | None) -> str:
    return _MISSING if estimate is None else f"{_number(estimate['low'])} to {_number(estimate['high'])}"
