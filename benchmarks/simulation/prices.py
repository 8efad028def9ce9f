"""Times of many models → the price of each unit of work, and how well prices tell the time of a model left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from benchmarks.simulation.work import UNITS, price
from edge_iqa.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Timed:
    """A model that was timed.

    Attributes:
        name: of the network.
        family: networks that are alike in all but size; they are left out together.
        precision: fp32 or int8.
        work: units → how many of each.
        ms: measured, of one run.
    """

    name: str
    family: str
    precision: str
    work: Mapping[str, int]
    ms: float


def fit_prices(timed: Sequence[Timed]) -> dict[str, float]:
    """Milliseconds of each unit, none below zero, with the least squared relative error over the models.

    Of one runtime, both precisions together: what does not multiply costs the same in both.

    Raises:
        DataError: no models, or a time that is not above zero.
    """
    if not timed or not all(each.ms > 0 for each in timed):
        raise DataError("prices: expected models with times above zero")
    work = np.array([[each.work[unit] for unit in UNITS] for each in timed], np.float64)
    scale = np.maximum(work.max(0), 1.0)  # counts differ by factors of millions
    times = np.array([each.ms for each in timed])
    found, _ = nnls(work / scale / times[:, None], np.ones(len(timed)))
    return dict(zip(UNITS, (found / scale).tolist(), strict=True))


def leave_out(timed: Sequence[Timed], asked: Sequence[Timed] | None = None) -> list[float]:
    """Milliseconds of models at prices that were fitted on `timed` without any of the model's family.

    Args:
        asked: whose times are foretold; None takes `timed`. Their own times are not looked at.

    Raises:
        DataError: there is one family only.
    """
    asked = timed if asked is None else asked
    prices = {}
    for family in {each.family for each in asked}:
        others = [each for each in timed if each.family != family]
        if not others:
            raise DataError(f"prices: expected models of two families or more, got {family} alone")
        prices[family] = fit_prices(others)
    return [price(each.work, prices[each.family]) for each in asked]
