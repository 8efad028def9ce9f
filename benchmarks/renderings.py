"""Held-out photos and scenes, spoiled and labelled as in training, scored from encoded bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring import Device, Row, make_rng, score, score_all
from compression.data import Photo
from compression.dataset import add_scenes, label_photos
from compression.degradations import degrade
from compression.labels import Sample
from compression.models import ATTRIBUTES
from compression.scenes import stock
from compression.variants import FULL_PX
from edge_iqa import image

_APART = (0.2, 0.4)
"""How far apart two severities of one fault lie that must be told apart."""


@dataclass(frozen=True)
class Work:
    """One photo or scene with its labelled renderings.

    Attributes:
        background: what a scene stands on; "photo" for a real photo.
    """

    photo: Photo
    samples: Sequence[Sample]
    background: str


@dataclass(frozen=True)
class Renderings:
    """What all that score are asked: photos and scenes with every fault, and the teacher's score of each rendering."""

    work: Sequence[Work]
    scenes: int
    teacher: Mapping[str, float]

    def score(self, device: Device) -> list[Row]:
        """Rows by one of those; the teacher's score goes with each."""
        rows = score_all(device, score_renderings, self.work, "renderings")
        for row in rows:
            row["teacher"] = self.teacher.get(row.get("file", ""))
        return rows


def make_renderings(
    teacher: Callable[[Sequence[Sample]], NDArray[np.floating[Any]]],
    photos: Sequence[Photo],
    scene_count: int,
    cache: Path,
    categories: tuple[str, ...],
) -> Renderings:
    """Render and label photos and scenes with every fault, and ask the teacher.

    Args:
        teacher: samples → float (n, 1+A), its scores.
        scene_count: scenes made of the photos.
        cache: of renderings.
        categories: that a scene can be of.
    """
    scenes = add_scenes(photos, "test", scene_count, cache)
    everything = [*photos, *scenes]
    samples = label_photos(everything, ATTRIBUTES, cache, categories, every_fault=True)
    work = [
        Work(photo, each, _background(photo)) for photo, each in zip(everything, samples, strict=True) if each
    ]
    flat = [sample for each in samples for sample in each]
    told = {str(sample.path): float(value) for sample, value in zip(flat, teacher(flat)[:, 0], strict=True)}
    return Renderings(work, len(scenes), told)


def score_renderings(work: Work) -> list[Row]:
    """One row a rendering; single faults are also rendered at a second severity (rows without a label)."""
    frame = image.read(work.photo.path, long_side_px=FULL_PX)
    about = {
        "photo": str(work.photo.path),
        "group": work.photo.group,
        "background": work.background,
        "size": _name_size(max(frame.pixels.shape[:2])),
        "truth": work.photo.category,
    }
    rows = []
    for sample in work.samples:
        steps = sample.variant.steps
        row = {
            **about,
            "name": sample.variant.name,
            "severity": sample.variant.severity,
            "faults": len(steps),
        }
        row |= {"label": float(sample.target[0]), "file": str(sample.path), **score(sample.path.read_bytes())}
        rows.append(row)
        if len(steps) == 1:
            name, severity = steps[0]
            rng = make_rng(str(work.photo.path.name), name)
            step = float(rng.uniform(*_APART))
            other = severity - step if severity > 0.5 else severity + step
            second = score(degrade(frame.pixels, [(name, other)], rng))
            rows.append({**about, "name": name, "severity": other, "faults": 1, "label": None, **second})
    return rows


def _name_size(long_side_px: int) -> str:
    for name, most in (("up to 700 px", 700), ("up to 1600 px", 1600)):
        if long_side_px <= most:
            return name
    return "over 1600 px"


def _background(photo: Photo) -> str:
    return "photo" if photo.mask is None else stock.background_of(photo)
