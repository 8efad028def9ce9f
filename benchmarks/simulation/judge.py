"""How far simulated times can be trusted: figures over models that the prices were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from compression.metrics import estimate, estimate_share

BOUND = 0.30
"""How far a simulated time may lie from the measured one, as a share of it."""


def judge_errors(
    models: Sequence[Mapping[str, Any]],
    unseen: Sequence[Mapping[str, Any]],
    shipped: Sequence[Mapping[str, Any]],
) -> list[Figure]:
    """Errors of models left out; a bound holds for the worse end of the interval over families.

    Args:
        models: one each: `family`, `runtime`, `precision`, `error` (simulated / measured - 1), and `bound_ms` and
            `measured_ms`.
        unseen: the same of models that nobody had timed when the units of work were chosen.
        shipped: the same of the files of a bundle.
    """
    figures = [
        _mean("error of models left out, mean", models),
        _over("error of models left out, median", models, np.median),
        _over("error of the worst model left out", models, np.max, BOUND, point=True),
        Figure("models left out within 30 %", estimate_share(_errors(models) <= BOUND, _families(models))),
    ]
    for runtime, precision in dict.fromkeys((row["runtime"], row["precision"]) for row in models):
        same = [row for row in models if (row["runtime"], row["precision"]) == (runtime, precision)]
        figures.append(_mean(f"error of models left out, mean: {precision} {runtime}", same))
    if unseen:
        figures.append(_mean("error of models unseen until the units of work were chosen, mean", unseen))
        figures.append(_over("error of the worst model unseen until then", unseen, np.max, BOUND, point=True))
    if shipped:
        files = [{**row, "family": f"{row['runtime']} {row['precision']}"} for row in shipped]
        figures.append(_over("error of the bundle's models, the worst", files, np.max, BOUND, point=True))
    everything = [*models, *unseen, *shipped]
    beyond = np.array([row["bound_ms"] > row["measured_ms"] for row in everything])
    share = estimate_share(beyond, _families(everything))
    figures.append(Figure("models faster than their lower bound", share, 0.0, at_least=False, point=True))
    return figures


def find_bands(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each runtime and precision: between which times of the simulated time all models left out were measured."""
    bands = []
    for runtime, precision in dict.fromkeys((row["runtime"], row["precision"]) for row in rows):
        ratios = [
            row["measured_ms"] / row["simulated_ms"]
            for row in rows
            if (row["runtime"], row["precision"]) == (runtime, precision)
        ]
        bands.append(
            {
                "runtime": runtime,
                "precision": precision,
                "low": min(ratios),
                "high": max(ratios),
                "n": len(ratios),
            }
        )
    return bands


def _mean(what: str, rows: Sequence[Mapping[str, Any]]) -> Figure:
    return _over(what, rows, np.mean, BOUND)


def _over(
    what: str,
    rows: Sequence[Mapping[str, Any]],
    statistic: Any,
    bound: float | None = None,
    point: bool = False,
) -> Figure:
    errors = _errors(rows)
    found = estimate(lambda at: float(statistic(errors[at])), _families(rows))
    return Figure(what, found, bound, at_least=False, point=point)


def _errors(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    return np.array([abs(row["error"]) for row in rows])


def _families(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [row["family"] for row in rows]
