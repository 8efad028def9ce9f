"""What repairs have in common: how each is called, and how a photo is scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context

Scores = tuple[float, Mapping[str, float]]
"""Overall score and attributes, 0-100, higher is better."""

MOST_FALL = 2.0
"""Points that a repair may cost: an attribute that it was not made for, or the overall score where it is no judge."""

Scorer = Callable[[Pixels], Scores]
"""uint8 HxWx3 RGB, of any size → scores."""


class Repair(Protocol):
    """One way to make a photo better."""

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Repair a photo.

        Args:
            pixels: uint8 HxWx3, RGB; not written to.
            strength: 0 (leave it as it is) to 1; denoising may go beyond.
            context: where the product is, and what the photo should become.

        Returns:
            uint8 HxWx3; `pixels` themselves at strength 0.
        """
        ...


@dataclass(frozen=True)
class Step:
    """A repair that was chosen.

    Attributes:
        name: for people: "exposure", "white balance" and so on.
        repair: with its parameters.
        strength: 0-1.
    """

    name: str
    repair: Repair
    strength: float

    def apply(self, pixels: Pixels, context: Context) -> Pixels:
        """Make it."""
        return self.repair.apply(pixels, self.strength, context)


def apply_steps(pixels: Pixels, steps: Sequence[Step], context: Context) -> Pixels:
    """Make several, one after the other."""
    for step in steps:
        pixels = step.apply(pixels, context)
    return pixels
