"""What one photo is to another: the same, a copy, another view of what may be one product, or nothing."""

from __future__ import annotations

from edge_iqa.gallery.fingerprint import Fingerprint
from edge_iqa.gallery.likeness import NEAR, compare
from edge_iqa.gallery.match import LEAST_CHANCE, Kind, Match, estimate_chance

_FARTHEST = 0.7
"""Embedding distance beyond which no copy lies; the farthest of 3,955 measured was 0.53."""


def judge(
    name: str, photo: Fingerprint, turned: Fingerprint | None, stored: Fingerprint, distance: float
) -> Match | None:
    """How a photo relates to a stored one; None where in no way that is worth telling.

    Args:
        turned: the photo with left and right changed, where that counts.
        distance: of the embeddings.
    """
    match = relate(name, photo, turned, stored, distance)
    return None if match.chance < LEAST_CHANCE else match


def relate(
    name: str, photo: Fingerprint, turned: Fingerprint | None, stored: Fingerprint, distance: float
) -> Match:
    """The same, also of two that have nothing in common: `SAME_PRODUCT` with whatever chance there is."""
    if photo.is_exactly(stored):
        return Match(name, Kind.EXACT, 0.0, 1.0, 1.0)
    likeness = _measure(photo, stored, distance)
    if likeness >= NEAR:
        return Match(name, Kind.NEAR, distance, likeness, 1.0)
    reversed_ = 0.0 if turned is None else _measure(turned, stored, distance)
    if reversed_ >= NEAR:
        return Match(name, Kind.NEAR, distance, reversed_, 1.0, mirrored=True)
    return Match(name, Kind.SAME_PRODUCT, distance, max(likeness, reversed_), estimate_chance(distance))


def _measure(photo: Fingerprint, stored: Fingerprint, distance: float) -> float:
    if distance > _FARTHEST:
        return 0.0
    comparison = compare(stored, photo)
    return 0.0 if comparison is None else comparison.likeness
