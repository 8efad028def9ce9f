"""Typed reading of values from JSON (and, in `edge_iqa.toml`, from TOML).

Each is checked where it is taken, and an error says where it stood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from edge_iqa.errors import BundleError, EdgeIqaError

AnyField = TypeVar("AnyField", bound="Field")

_HUGE = 1e15
"""No number of ours comes near; NaN and infinity are not below it, so they are refused as well."""


@dataclass(frozen=True)
class Field:
    """One JSON value and the way to it, such as `manifest.json: thresholds.accept`.

    Every method raises `BundleError` where the value is not what it is asked to be.
    """

    value: object
    at: str

    OBJECT: ClassVar[str] = "an object"
    """What a value with members is called."""

    def refuse(self, expected: str) -> EdgeIqaError:
        """Make the error that says what was expected here and what came."""
        came = repr(self.value)
        came = came if len(came) <= 80 else came[:77] + "..."
        return self.say(f"expected {expected}, got {came}")

    def say(self, what: str) -> EdgeIqaError:
        """Make an error about this value."""
        return BundleError(f"{self.at}: {what}")

    def __getitem__(self: AnyField, key: str) -> AnyField:
        """A member that must be there."""
        members = self._object()
        if key not in members:
            raise self.say(f"the field {key!r} is missing")
        return self._child(key, members[key])

    def get(self: AnyField, key: str) -> AnyField | None:
        """A member that may be missing or null."""
        value = self._object().get(key)
        return None if value is None else self._child(key, value)

    def members(self: AnyField) -> Iterator[tuple[str, AnyField]]:
        """Name and value of every member of an object."""
        for key, value in self._object().items():
            yield key, self._child(key, value)

    def items(self: AnyField) -> list[AnyField]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            raise self.refuse("a list")
        return [self._child(index, value) for index, value in enumerate(self.value)]

    def text(self, pattern: str = r"(?s).+", expected: str = "text") -> str:
        """A string that `pattern` matches from end to end."""
        if not isinstance(self.value, str) or not re.fullmatch(pattern, self.value):
            raise self.refuse(expected)
        return self.value

    def choice(self, *names: str) -> str:
        """One of these strings."""
        if not isinstance(self.value, str) or self.value not in names:
            raise self.refuse("one of " + ", ".join(names))
        return self.value

    def flag(self) -> bool:
        """true or false."""
        if not isinstance(self.value, bool):
            raise self.refuse("true or false")
        return self.value

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`; true is no number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not low <= self.value <= high:
            raise self.refuse(f"a whole number from {low} to {high}")
        return self.value

    def number(self, low: float = -_HUGE, high: float = _HUGE) -> float:
        """A finite number from `low` to `high`; true is no number."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            unbounded = "a finite number" if low == -_HUGE else f"a number from {low:g} up"
            raise self.refuse(unbounded if high == _HUGE else f"a number from {low:g} to {high:g}")
        return float(value)

    def _object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.refuse(self.OBJECT)
        return self.value

    def _child(self: AnyField, key: str | int, value: object) -> AnyField:
        if isinstance(key, int):
            return replace(self, value=value, at=f"{self.at}[{key}]")
        return replace(self, value=value, at=f"{self.at}{': ' if self.at.endswith('.json') else '.'}{key}")


def parse(data: bytes, at: str) -> Field:
    """Read JSON strictly: UTF-8, no NaN or Infinity, no name twice in one object.

    Raises:
        BundleError: it is not that.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # also bad UTF-8, and numbers with too many digits
        raise BundleError(f"{at}: expected JSON, and reading it failed: {error}") from error
    return Field(value, at)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one object")
    return members
