"""How sure a score is: a logistic curve, fitted on `val` and stored in the bundle.

C. Guo et al., "On calibration of modern neural networks" (2017), fit one temperature; a score is no logit, so here a
midpoint belongs to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Curve:
    """Chance that a photo is good, by its score.

    Attributes:
        midpoint: score (0-1) at which it is one half.
        temperature: score from there to a chance of 0.73; above 0.
    """

    midpoint: float
    temperature: float

    def chance(self, score: float) -> float:
        """Chance (0-1) that a photo of this score is good."""
        steps = (score - self.midpoint) / self.temperature
        return 1 / (1 + math.exp(-min(50.0, max(-50.0, steps))))

    def confidence(self, score: float) -> float:
        """Chance (0.5-1) that the likelier of good and bad is true."""
        chance = self.chance(score)
        return max(chance, 1 - chance)


@dataclass(frozen=True)
class Calibration:
    """Curves of a bundle's scores.

    Attributes:
        overall: of the overall score; good is a label of at least 0.7, bad one of at most 0.5.
        attributes: by attribute; bad is a fault that is worth a word.
    """

    overall: Curve
    attributes: Mapping[str, Curve] = field(default_factory=dict)
