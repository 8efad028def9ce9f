"""Photos and drawn listings with their copies, and the fingerprints of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.copies import COPIES, CURVES
from compression import listings
from compression.data import Photo
from compression.progress import track
from edge_iqa import Inspector, image
from edge_iqa.gallery import Fingerprint, make_fingerprint

ORIGINAL = "original"
PER_ORIGINAL = 1 + len(COPIES)
"""Without the copies by curves, which are told apart."""


@dataclass(frozen=True, eq=False)
class Case:
    """One photo.

    Attributes:
        original: number of the photo that it is, or is a copy of.
        kind: `ORIGINAL`, or a name in `COPIES` or `CURVES`.
        group: who sent it; of a listing its own.
        category: what the product is, or "".
    """

    original: int
    kind: str
    group: str
    category: str
    photo: Fingerprint

    @property
    def name(self) -> str:
        """What a gallery calls it."""
        return f"{self.original} {self.kind}"


def make_cases(
    inspector: Inspector, photos: Sequence[Photo], scenes: int, seeds: Sequence[int]
) -> list[Case]:
    """Every photo and so many listings, each with one copy of every kind, by curves too, under a progress bar."""
    total = (len(photos) + scenes) * (PER_ORIGINAL + len(CURVES))
    return list(track(_make(inspector, photos, scenes, seeds), total, "photos and copies"))


def _make(inspector: Inspector, photos: Sequence[Photo], scenes: int, seeds: Sequence[int]) -> Iterator[Case]:
    for number, photo in enumerate(photos):
        yield from _copy(inspector, number, photo.path.read_bytes(), photo.group, photo.category)
    for number, seed in enumerate(seeds[:scenes], len(photos)):
        yield from _copy(inspector, number, listings.draw_listing(seed).jpeg, f"listing {seed}", "")


def _copy(inspector: Inspector, number: int, data: bytes, group: str, category: str) -> Iterator[Case]:
    yield Case(number, ORIGINAL, group, category, make_fingerprint(inspector, data))
    pixels = image.read(data).pixels
    for turn, (kind, copy) in enumerate({**COPIES, **CURVES}.items()):
        made = copy(pixels, np.random.default_rng((number, turn, 3)))
        yield Case(number, kind, group, category, make_fingerprint(inspector, made))
