"""Films that are watched: what was said of each frame, and how good the chosen frame is against the best there was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.camera_states import Watched
from compression.footage import Film
from compression.footage.worth import label_frame, use_one_thread
from edge_iqa import Inspector
from edge_iqa.camera.states import STILL
from edge_iqa.stream.buffer import Buffer

_EVERY = 3
"""Of the frames that may be chosen so many are labelled: one in three, and the chosen one."""


@dataclass(frozen=True)
class Task:
    """One film to watch.

    Attributes:
        seed, width_px, height_px: see `compression.footage.Film`.
        labelled: whether the chosen frame is held to the best there was.
    """

    seed: int
    width_px: int
    height_px: int
    labelled: bool


@dataclass(frozen=True)
class Choice:
    """The frame that `best` gave, by labels 0-1 of what was rendered.

    Attributes:
        film: which.
        chosen, best: label of the chosen frame, and the highest of those that were labelled, it included.
        allowed: states that are right for the chosen frame.
        labels: label by frame, for the plot.
    """

    film: str
    index: int
    chosen: float
    best: float
    allowed: frozenset[str]
    labels: dict[int, float]

    @property
    def is_sound(self) -> bool:
        """Whether the chosen frame is one of those that compete: still, and nothing wrong."""
        return self.allowed <= STILL


@dataclass(frozen=True)
class Case:
    """A film that was watched; `choice` is None where it was not asked for, or no frame is free of faults."""

    film: str
    background: str
    frames: list[Watched]
    choice: Choice | None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        frames = [{**vars(frame), "allowed": sorted(frame.allowed)} for frame in self.frames]
        choice = self.choice and {**vars(self.choice), "allowed": sorted(self.choice.allowed)}
        return {"film": self.film, "background": self.background, "frames": frames, "choice": choice}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Case:
        """Back from what `to_dict` gave."""
        frames = [Watched(**{**row, "allowed": frozenset(row["allowed"])}) for row in values["frames"]]
        choice = values["choice"]
        if choice is not None:
            labels = {int(index): label for index, label in choice["labels"].items()}
            choice = Choice(**{**choice, "allowed": frozenset(choice["allowed"]), "labels": labels})
        return cls(values["film"], values["background"], frames, choice)


def watch_film(task: Task, inspector: Inspector) -> Case:
    """Render a film, watch it, and label what was chosen."""
    film = Film(task.seed, task.width_px, task.height_px)
    name, truths = str(task.seed), film.truths
    hints = {text: hint for hint, text in inspector.words.hints.items()}
    frames = []
    with inspector.watch(_render(film)) as watch:
        for report, truth in zip(watch, truths, strict=True):
            hint = None if report.hint is None else hints[report.hint]
            frames.append(
                Watched(
                    name, truth.kind, truth.allowed, truth.noise,
                    report.state, hint, report.score, report.time_ms,
                )
            )  # fmt: skip
        chosen = watch.best(1) if task.labelled else []
    choice = _judge_choice(film, name, chosen[0].index) if chosen else None
    return Case(name, film.background, frames, choice)


def _render(film: Film) -> Iterator[Buffer]:
    for index in range(len(film)):
        yield film.shoot(index)


def _judge_choice(film: Film, name: str, chosen: int) -> Choice | None:
    truths = film.truths
    # where focus or light are still being set `steady` may be right too, of a product that is too far
    sound = [truth.index for truth in truths if truth.allowed <= STILL]
    if not sound:
        return None
    labels = {index: label_frame(film, index) for index in sorted({*sound[::_EVERY], chosen})}
    best = max(labels.values())
    return Choice(name, chosen, labels[chosen], best, truths[chosen].allowed, labels)


_inspector: Inspector | None = None


def open_inspector(bundle: Path | None) -> None:
    """Open the inspector of this process; one thread each."""
    global _inspector
    use_one_thread()
    _inspector = Inspector.open(bundle, threads=1)


def watch_here(task: Task) -> Case:
    """`watch_film` with the inspector of this process."""
    if _inspector is None:
        raise RuntimeError("expected open_inspector to have run in this process")
    return watch_film(task, _inspector)
