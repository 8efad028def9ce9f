"""One rule of a policy: a bound of one measurement, with where it comes from and when it is in force."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from edge_iqa.codes import CAUSES, FORMAT
from edge_iqa.measurement import MEASURES
from edge_iqa.report import RuleResult

SEVERITIES = ("must", "should")
UNVERIFIED = "unverified"
"""Source of a bound whose page could not be read."""
OWN = "own"
"""Source of a bound that the writer of the policy sets for themselves."""


@dataclass(frozen=True)
class Rule:
    """A bound of one measurement.

    Attributes:
        id: short name, unique in its policy, such as `long-side`.
        measure: a name in `MEASURES`, or `format`.
        severity: `must` (refused otherwise) or `should` (advice).
        at_least, at_most: bounds, both inclusive, in the unit of the measure; None is no bound.
        one_of: for `format`, the formats that are taken, as in `Header.format`.
        source: address of the page that says so, or `UNVERIFIED`, or `OWN`.
        read: day on which the page was read.
        starts, ends: first and last day on which it is in force; None is no such limit.
    """

    id: str
    measure: str
    severity: str
    at_least: float | None = None
    at_most: float | None = None
    one_of: tuple[str, ...] = ()
    source: str = OWN
    read: datetime.date | None = None
    starts: datetime.date | None = None
    ends: datetime.date | None = None

    @property
    def unit(self) -> str:
        """Unit of the measure; "" for counts and formats."""
        return "" if self.measure == FORMAT else MEASURES[self.measure].unit

    @property
    def bound(self) -> str:
        """What it asks for, in words."""
        if self.measure == FORMAT:
            return f"one of {', '.join(self.one_of)}"
        low = None if self.at_least is None else f">= {format_value(self.at_least, self.unit)}"
        high = None if self.at_most is None else f"<= {format_value(self.at_most, self.unit)}"
        return " and ".join(side for side in (low, high) if side)

    def has_ended(self, on: datetime.date) -> bool:
        """Whether its last day is past."""
        return self.ends is not None and on > self.ends

    def is_in_force(self, on: datetime.date) -> bool:
        """Whether that day is neither before its first day nor past its last."""
        return not self.has_ended(on) and (self.starts is None or on >= self.starts)

    def check(self, value: float | str | None, on: datetime.date, policy: str) -> RuleResult:
        """Compare with what was measured.

        Args:
            value: in the rule's unit; the name of a format for `format`; None where it was not measured.
            on: the day for which to answer.
            policy: name of the policy.
        """
        missing = value is None or (isinstance(value, float) and not math.isfinite(value))
        broken = not missing and not self._holds(value)
        status = "broken" if broken else "held"
        if missing:
            status, value = "not measured", None
        elif broken and self.starts is not None and on < self.starts:
            status = "upcoming"
        return RuleResult(
            rule=f"{policy}/{self.id}",
            measure=self.measure,
            status=status,
            value=value,
            unit=self.unit,
            bound=self.bound,
            severity=self.severity,
            source=self.source,
            read=_to_text(self.read),
            starts=_to_text(self.starts),
            code=self._find_code(value),
        )

    def miss(self, value: float | str | None) -> float:
        """How far a value is out of bounds, as a share of the larger of value and bound: 0 within, at most 1.

        A format that is not taken misses by 1, what was not measured by 0.
        """
        if isinstance(value, str) or value is None:
            return 0.0 if value is None or self._holds(value) else 1.0
        low = 0.0 if self.at_least is None else self.at_least - value
        high = 0.0 if self.at_most is None else value - self.at_most
        gap, bound = (low, self.at_least) if low >= high else (high, self.at_most)
        if gap <= 0 or bound is None:
            return 0.0
        return min(1.0, gap / max(abs(value), abs(bound)))

    def _holds(self, value: float | str | None) -> bool:
        if isinstance(value, str) or value is None:
            return value in self.one_of
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def _find_code(self, value: float | str | None) -> str:
        """Cause of the side that the value is on; where it is within both bounds, of the lower one."""
        above = isinstance(value, (int, float)) and self.at_most is not None and value > self.at_most
        causes = CAUSES[self.measure]
        low = causes.low if self.measure == FORMAT or self.at_least is not None else None
        return (causes.high if above or low is None else low) or ""


def format_value(value: float, unit: str) -> str:
    """A value as people read it: shares as percent, bytes as MB (of a million bytes), others with their unit.

    Digits are kept, so that two values that differ never read the same.
    """
    if unit == "share":
        return f"{_shorten(value * 100)} %"
    if unit == "bytes":
        return f"{_shorten(value / 1e6)} MB"
    return f"{_shorten(value)} {unit}".rstrip() if unit != "times" else _shorten(value)


def _shorten(value: float) -> str:
    rounded = round(value, 6)
    return str(int(rounded)) if rounded == int(rounded) else f"{rounded:.10g}"


def _to_text(day: datetime.date | None) -> str | None:
    return None if day is None else day.isoformat()
