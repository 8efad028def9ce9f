"""A picture of one film: what was true, what was said, the score, the labels and the hints, over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.camera_cases import Case
from compression.footage import FPS
from edge_iqa.camera.names import STATES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_film(path: Path, case: Case) -> Path:
    """Draw it as PNG."""
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(12, 6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    _draw_states(top, case)
    times = [index / FPS for index in range(len(case.frames))]
    bottom.plot(times, [_or_nan(frame.score) for frame in case.frames], label="score", color="C0")
    if case.choice:
        labels = case.choice.labels
        bottom.plot(
            [i / FPS for i in labels], [100 * v for v in labels.values()], ".", color="C2", label="label"
        )
        bottom.axvline(case.choice.index / FPS, color="C2", label="best()")
    for at in range(1, len(case.frames)):
        if case.frames[at].hint != case.frames[at - 1].hint:
            bottom.axvline(at / FPS, color="C3", linewidth=0.8, linestyle=":")
            bottom.annotate(
                case.frames[at].hint or "no hint", (at / FPS, 4), rotation=90, fontsize=7, color="C3"
            )
    bottom.set(xlabel="s", ylabel="0 worst, 100 best", ylim=(0, 100))
    bottom.legend(loc="lower right", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _draw_states(axes: Axes, case: Case) -> None:
    rows = {state: row for row, state in enumerate(STATES)}
    for at, frame in enumerate(case.frames):
        for state in frame.allowed:
            axes.broken_barh([(at / FPS, 1 / FPS)], (rows[state] - 0.4, 0.8), color="0.85")
    times = [(index + 0.5) / FPS for index in range(len(case.frames))]
    axes.scatter(times, [rows[frame.state] for frame in case.frames], s=4, c=_color(case), zorder=3)
    axes.set_yticks(list(rows.values()), list(rows))
    axes.set(title=f"film {case.film}: gray is right, dots are what was said (red: wrong)")
    axes.grid(alpha=0.3)


def _color(case: Case) -> Sequence[str]:
    return ["C0" if frame.state in frame.allowed else "C3" for frame in case.frames]


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
