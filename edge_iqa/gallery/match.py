"""How one photo relates to another, how far they are apart, and how sure that is."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any


class Kind(str, enum.Enum):
    """Kinds, the surest first.

    Attributes:
        EXACT: the same file, or the same pixels.
        NEAR: a copy: coded again, resized, brightened, cropped by up to 15 %, or mirrored where that was asked.
        SAME_PRODUCT: most likely another view of the same product. Less sure: `Match.chance` says how much.
    """

    EXACT = "exact"
    NEAR = "near"
    SAME_PRODUCT = "same product"

    def __str__(self) -> str:
        return self.value


ORDER = {kind: place for place, kind in enumerate(Kind)}

CHANCE_AT_0, CHANCE_FALL = 2.02, -18.9
"""Log odds that two photos at an embedding distance are of one product: at distance 0, and their change per unit."""
LEAST_CHANCE = 0.5


@dataclass(frozen=True)
class Match:
    """A photo of the gallery that a photo matches.

    Attributes:
        name: of the photo in the gallery.
        kind: how they are related.
        distance: of their embeddings, 1 - cosine: 0 is the same, 1 nothing in common, at most 2.
        likeness: how alike they are once laid onto each other, 0 to 1; what decides whether a copy is one. 1 of exact
            ones; 0 of two that could not be laid onto each other.
        chance: that both show one product, 0 to 1; of copies it is 1.
        mirrored: the copy has left and right changed.
    """

    name: str
    kind: Kind
    distance: float
    likeness: float
    chance: float
    mirrored: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "distance": self.distance,
            "likeness": self.likeness,
            "chance": self.chance,
            "mirrored": self.mirrored,
        }


def estimate_chance(distance: float) -> float:
    """Chance that two photos at this distance of embeddings show one product.

    Fitted on pairs of validation photos: of one product where sender (or product, in the grocery set) and category are
    the same. A sender's second shirt counts as the same product there, so read it as an upper bound. On test photos the
    mean chance of such claims was 0.65, and 0.54 of them were right (`benchmarks/results/duplicates-host.json`).
    """
    return 1 / (1 + math.exp(-(CHANCE_AT_0 + CHANCE_FALL * distance)))
