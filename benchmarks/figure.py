"""One figure of a bench: what it is, what was measured, its bound and whether that is held."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from edge_iqa import timing


class Estimated(Protocol):
    """A measured value, its 95 % interval and the number of observations behind it: `Measured`, or the `Estimate` of
    `compression.metrics`.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Measured(timing.Estimate):
    """An estimate of a bench that runs where there is no workshop."""

    n: int


@dataclass(frozen=True)
class Figure:
    """One figure of the bench; `held` is None where there is no bound or nothing was measured.

    Attributes:
        at_least: direction of the bound: True for shares, False for errors.
        point: the bound holds for the value, not for the worse end of its interval.
    """

    what: str
    estimate: Estimated | None
    bound: float | None = None
    at_least: bool = True
    point: bool = False

    @property
    def held(self) -> bool | None:
        if self.bound is None or self.estimate is None:
            return None
        if self.at_least:
            return (self.estimate.value if self.point else self.estimate.low) >= self.bound
        return (self.estimate.value if self.point else self.estimate.high) <= self.bound

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "held": self.held}
