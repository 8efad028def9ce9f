"""How likely marks are laid over the photo, in three steps, each on what the one before says.

A mark alone is judged by its looks; then by its looks and the company it is in (letters stand among letters, one ink
or one veil comes again), each by a net of one hidden layer; then the photo by its likeliest marks, by a logistic
regression. `scripts/fit_overlay.py` fits the tables in `overlay_weights`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa.measures.overlay_properties import PROPERTIES, Described

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """One logistic regression.

    Attributes:
        bias: logarithm of the odds where every term is average.
        rows: by term its mean, deviation, weight of its standardized value and of that value's square.
    """

    bias: float
    rows: Sequence[tuple[float, float, float, float]]


@dataclass(frozen=True, eq=False)
class Net:
    """One hidden layer.

    Attributes:
        center, spread: mean and deviation of the terms (k,).
        inner: weights of the hidden units (k, u).
        shift: what is added to each of them (u,).
        outer: their weights (u,).
        bias: what is added to those.
    """

    center: Floats
    spread: Floats
    inner: Floats
    shift: Floats
    outer: Floats
    bias: float

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]], units: Sequence[Sequence[float]], bias: float) -> Net:
        """The net of rows of numbers: of each term mean and deviation; of each unit shift, weight and inner weights."""
        center, spread = np.array(rows, np.float32).T
        table = np.array(units, np.float32)
        return cls(center, spread, np.ascontiguousarray(table[:, 2:].T), table[:, 0], table[:, 1], bias)

    def weigh(self, terms: NDArray[np.floating]) -> Doubles:
        """Logarithm of the odds (n,) of terms (n, k)."""
        standard = np.clip((terms - self.center) / self.spread, -3, 3).astype(np.float32)
        hidden = np.maximum(standard @ self.inner + self.shift, 0)
        odds: Doubles = (hidden @ self.outer + self.bias).astype(np.float64)
        return odds


_INSIDE, _HUNG = PROPERTIES.index("inside"), PROPERTIES.index("hung")

COMPANY = ("alone", "ink", "veil", "around", "mean", "best", "beyond", "around_inside", *PROPERTIES)
"""Terms of the second step, in the order of `describe_company`."""

PHOTO = (
    "first", "second", "third", "fifth", "eighth", "twelfth", "sum", "group", "outside", "inside", "marks", "known",
)  # fmt: skip
"""Terms of the last step, in the order of `describe_photo`."""

_PLACES = np.array((0, 1, 2, 4, 7, 11))


def weigh(terms: NDArray[np.floating], table: Table) -> Doubles:
    """Logarithm of the odds (n,) of terms (n, k)."""
    center, spread, weight, square = np.array(table.rows).T
    standard = np.clip((terms - center) / spread, -3, 3)
    odds: Doubles = table.bias + standard @ weight + (standard * standard) @ square
    return odds


def to_chance(odds: Doubles) -> Doubles:
    """Chance, 0 to 1."""
    chance: Doubles = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return chance


def describe_company(described: Described, odds: Doubles) -> Doubles:
    """Terms of the second step: (n, len(COMPANY)).

    Args:
        odds: logarithms of the first step's odds (n,).
    """
    chance = to_chance(odds)
    alike = described.alike.astype(np.float64)
    count = np.maximum(alike.sum(1), 1)
    around = alike @ chance
    terms: Doubles = np.column_stack((
        odds, np.log1p(described.same_ink @ chance), np.log1p(described.same_veil @ chance), np.log1p(around),
        around / count, (alike * chance).max(1, initial=0), np.log1p(alike @ around / count),
        alike @ described.properties[:, _INSIDE] / count, described.properties,
    ))  # fmt: skip
    return terms


def describe_photo(described: Described, chance: Doubles, known: float) -> Doubles:
    """Terms of the last step: (1, len(PHOTO)).

    Args:
        chance: of each mark, after the second step (n,).
        known: confidence of the product's outline.
    """
    count = len(chance)
    likeliest = np.zeros(_PLACES[-1] + 1)
    top = np.sort(chance)[::-1][: len(likeliest)]
    likeliest[: len(top)] = top
    inside, hung = described.properties[:, _INSIDE], described.properties[:, _HUNG]
    group = (chance + described.alike @ chance).max(initial=0)
    free = chance[(inside < 0.5) & (hung < 0.5)].max(initial=0)
    laid = chance[inside > 0.5].max(initial=0)
    terms = (
        *np.log(likeliest[_PLACES] + 1e-3), math.log(chance.sum() + 0.1), math.log(group + 0.05),
        math.log(free + 1e-3), math.log(laid + 1e-3), math.log1p(count), known,
    )  # fmt: skip
    return np.array(terms)[None]
