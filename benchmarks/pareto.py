"""Which of several models nobody would choose: another is as good in everything and better in something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_SLACK = {"ms": 0.02}
"""One network timed twice differs by as much."""


_TOP = 1.005
"""A little above the best there is, whose logarithm is finite."""
_TICKS = (-0.5, 0.0, 0.5, 0.7, 0.8, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 1.0)


@dataclass(frozen=True)
class Point:
    """One model.

    Attributes:
        accuracy: more is better.
        low, high: its interval.
        ms, file_bytes: less is better.
        shipped: it goes into a bundle, and must not be dominated.
    """

    name: str
    accuracy: float
    low: float
    high: float
    ms: float
    file_bytes: int
    shipped: bool = False


def find_dominators(
    points: Sequence[Point], costs: Sequence[str] = ("ms", "file_bytes")
) -> dict[str, list[str]]:
    """Names of the points that dominate each point: none is worse in accuracy or a cost, one is better.

    Times that differ by less than 2 % count as equal.

    Args:
        costs: attributes of a point that count beside accuracy.
    """

    def costs_more(one: Point, other: Point, cost: str) -> bool:
        return bool(getattr(one, cost) > getattr(other, cost) * (1 + _SLACK.get(cost, 0.0)))

    def dominates(one: Point, other: Point) -> bool:
        if one.accuracy < other.accuracy or any(costs_more(one, other, cost) for cost in costs):
            return False
        return one.accuracy > other.accuracy or any(costs_more(other, one, cost) for cost in costs)

    return {point.name: [other.name for other in points if dominates(other, point)] for point in points}


def plot(path: Path, points: Sequence[Point], accuracy: str, title: str) -> Path:
    """Draw accuracy against latency and against bytes, the front of each as a line, and write a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    figure.suptitle(title)
    for axes, cost, scale, label in zip(
        figure.subplots(1, 2, sharey=True),
        ("ms", "file_bytes"),
        (1, 1e-6),
        ("ms, int8, one thread", "MB"),
        strict=True,
    ):
        _draw(axes, points, cost, scale)
        axes.set(xlabel=label, xscale="log")
        for axis in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            axis("{x:g}")
        axes.grid(alpha=0.3, which="both")
    # what is missing to 1, by its logarithm: good students lie close together, poor ones far below
    figure.axes[0].set_yscale("function", functions=(_spread, _unspread))
    lowest, highest = min(point.low for point in points), max(point.high for point in points)
    figure.axes[0].set_yticks([tick for tick in _TICKS if lowest - 0.1 <= tick <= highest + 0.01])
    figure.axes[0].set_ylim(lowest - 0.1, min(highest + 0.005, 1.0))
    figure.axes[0].set(ylabel=accuracy)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _spread(accuracy: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.log10(np.maximum(_TOP - accuracy, 1e-9))


def _unspread(height: NDArray[np.float64]) -> NDArray[np.float64]:
    return _TOP - 10.0**-height


def _draw(axes: Axes, points: Sequence[Point], cost: str, scale: float) -> None:
    dominators = find_dominators(points)
    here = find_dominators(points, (cost,))
    front = sorted((p for p in points if not here[p.name]), key=lambda point: getattr(point, cost))
    axes.step(
        [getattr(p, cost) * scale for p in front], [p.accuracy for p in front], where="post", color="0.7"
    )
    for point in points:
        x = getattr(point, cost) * scale
        color = "0.6" if dominators[point.name] else "C0"
        below, above = point.accuracy - point.low, point.high - point.accuracy
        axes.errorbar(x, point.accuracy, [[below], [above]], color=color, elinewidth=0.6)
        axes.plot(
            x,
            point.accuracy,
            "*" if point.shipped else "o",
            color=color,
            markersize=12 if point.shipped else 6,
        )
        place = (4, -9) if dominators[point.name] else (4, 4)
        axes.annotate(
            point.name, (x, point.accuracy), xytext=place, textcoords="offset points", fontsize=7, color=color
        )
