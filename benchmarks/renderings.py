"""Held-out photos and scenes, spoiled and labelled as in training, scored from encoded bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.scoring import Row, make_rng, score
from compression.data import Photo
from compression.degradations import degrade
from compression.labels import Sample
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
