"""What the bench of robustness looks at: photos and drawn scenes, each clean and spoiled by one fault, with labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring import make_rng
from compression import scenes
from compression.data import Photo
from compression.degradations import FAULTS, degrade
from compression.fidelity import Reference
from compression.labels import label
from compression.models import ATTRIBUTES
from compression.scenes.stock import WEB
from compression.sources import assess
from compression.variants import FULL_PX, Variant
from edge_iqa import image

FIRST_SCENE = 90_000
"""Scenes from this seed up are drawn for this bench alone."""
_LEAST = 0.05
"""Severity below which nobody sees a fault."""


@dataclass(frozen=True)
class Task:
    """One source: a real photo, or the seed of a scene to draw."""

    source: Photo | int

    @cached_property
    def name(self) -> str:
        """Tells it from all others by what it shows; a photo's is that of its content."""
        if isinstance(self.source, int):
            return f"scene-{self.source}"
        return f"photo-{hashlib.sha256(self.source.path.read_bytes()).hexdigest()[:20]}"

    @property
    def group(self) -> str:
        """What is resampled together."""
        return self.name if isinstance(self.source, int) else self.source.group


@dataclass(frozen=True, eq=False)
class Rendering:
    """A source, clean or spoiled, as a file.

    Attributes:
        fault: its name; "clean" for none.
        severity: 0-1.
        label: what it is worth, 0-1, as in training.
    """

    encoded: bytes
    fault: str
    severity: float
    label: float

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """uint8 HxWx3, RGB, as decoded from the file."""
        return image.read(self.encoded, long_side_px=FULL_PX).pixels


def plan(photos: Sequence[Photo], scenes: int) -> list[Task]:
    """Photos and scenes, spread evenly among each other, so that the first few hold both."""
    real = [(index / len(photos), Task(photo)) for index, photo in enumerate(photos)]
    drawn = [(index / scenes, Task(FIRST_SCENE + index)) for index in range(scenes)]
    return [task for _, task in sorted([*real, *drawn], key=lambda pair: pair[0])]


def pick(tasks: Sequence[Task], count: int) -> list[Task]:
    """At most so many of the tasks, spread evenly."""
    if len(tasks) <= count:
        return list(tasks)
    return [tasks[index * len(tasks) // count] for index in range(count)]


def render(task: Task) -> list[Rendering]:
    """The source clean, and spoiled by one fault, both drawn by the source's name.

    Raises:
        PhotoError: a photo that cannot be read.
    """
    pixels, mask, people = _read(task)
    rng = make_rng("robustness", task.name)
    fault = str(rng.choice(list(FAULTS)))
    severity = float(rng.uniform(_LEAST, 1))
    worth = assess(pixels, mask)
    made = []
    for steps in ((), ((fault, severity),)):
        encoded = degrade(pixels, steps, rng)
        seen = 0.0
        if steps:
            spoiled = image.read(encoded, long_side_px=FULL_PX).pixels
            seen = Reference(pixels, mask).compare(spoiled).impairment
        variant = Variant(steps)
        truth = float(label(seen, variant, ATTRIBUTES, worth, people)[0])
        made.append(Rendering(encoded, variant.name, variant.severity, truth))
    return made


def _read(task: Task) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, tuple[float, float]]:
    """Pixels, the product where it is known, and what people said."""
    if isinstance(task.source, int):
        scene = scenes.draw(task.source, *WEB[task.source % len(WEB)])
        return scene.pixels, scene.mask, (0.0, 1.0)
    photo = task.source
    mask = None if photo.mask is None else image.read(photo.mask, long_side_px=FULL_PX).pixels[..., 0]
    return image.read(photo.path, long_side_px=FULL_PX).pixels, mask, photo.bounds
