"""Which of several models nobody would choose: another is as good in everything and better in something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_SLACK = {"ms": 0.02}
"""One network timed twice differs by as much."""


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
        axes.grid(alpha=0.3, which="both")
    figure.axes[0].set(ylabel=accuracy)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


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
        axes.annotate(point.name, (x, point.accuracy), xytext=(4, 4), textcoords="offset points", fontsize=7)
