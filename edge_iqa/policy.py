"""Policies: what a marketplace, or a team, asks of a photo beyond its quality.

A policy is a TOML file: rules, and bounds of scores that may only be tighter than the bundle's. Those of
`edge_iqa/policies` are known by name; a team names its own file::

    title = "Our shop"

    [[rules]]
    measure = "short_side_px"
    at_least = 1600

    [[rules]]
    measure = "background_white"
    at_least = 0.9
    severity = "should"
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edge_iqa import toml
from edge_iqa.codes import FORMAT
from edge_iqa.errors import PolicyError
from edge_iqa.manifest import Thresholds
from edge_iqa.measurement import Measurement
from edge_iqa.policy_file import MAX_BYTES, read_rules, read_thresholds, read_title
from edge_iqa.report import RuleResult
from edge_iqa.rule import Rule
from edge_iqa.toml import Entry

__all__ = ["DEFAULT", "FOLDER", "Policy", "Rule", "list_policies", "open_policy", "parse_policy"]

FOLDER = Path(__file__).parent / "policies"
DEFAULT = "general"
"""Name of the policy for everybody."""

_SUFFIX = ".toml"


@dataclass(frozen=True)
class Policy:
    """What is asked of a photo.

    Attributes:
        name: that of the file, without `.toml`.
        title: for people.
        rules: in the order of the file; those out of force too.
        thresholds: bounds of scores, 0-1: `accept`, `reject`, and attributes by name.
    """

    name: str
    title: str
    rules: tuple[Rule, ...]
    thresholds: Mapping[str, float]

    def __reduce__(self) -> tuple[object, ...]:
        """For other processes; the view of `thresholds` that nobody can write to cannot be sent."""
        return (_rebuild, (self.name, self.title, self.rules, dict(self.thresholds)))

    def check(
        self, values: Mapping[str, Measurement], format: str | None, on: datetime.date | None = None
    ) -> tuple[RuleResult, ...]:
        """Check every rule that has not ended.

        Args:
            values: what was measured, by name.
            format: of the file, as in `Header.format`; None where there is no file.
            on: the day for which to answer; None is today.

        Returns:
            One result for each rule, in the order of the rules.
        """
        day = datetime.date.today() if on is None else on
        results = []
        for rule in self.rules:
            if not rule.has_ended(day):
                measured = values.get(rule.measure)
                value = None if measured is None else measured.value
                results.append(rule.check(format if rule.measure == FORMAT else value, day, self.name))
        return tuple(results)

    def tighten(self, thresholds: Thresholds) -> tuple[Thresholds, tuple[str, ...]]:
        """Put this policy's bounds of scores in the place of the bundle's where they are tighter.

        Returns:
            The bounds that hold, and a note about each bound of the policy that is left out.
        """
        notes: list[str] = []
        overall = {
            name: self._choose(name, bound, notes)
            for name, bound in (("accept", thresholds.accept), ("reject", thresholds.reject))
        }
        attributes = {name: self._choose(name, bound, notes) for name, bound in thresholds.attributes.items()}
        for name in self.thresholds:
            if name not in overall and name not in attributes:
                notes.append(f"policy {self.name}: the bundle has no score {name}, so its bound is left out")
        # what is refused cannot be accepted: a tighter reject takes accept with it
        overall["accept"] = max(overall["accept"], overall["reject"])
        return replace(thresholds, attributes=attributes, **overall), tuple(notes)

    def _choose(self, name: str, bundle: float, notes: list[str]) -> float:
        bound = self.thresholds.get(name, bundle)
        if bound < bundle:
            notes.append(
                f"policy {self.name}: {name} {bound:g} is looser than {bundle:g} of the bundle, which stays; "
                "a policy may only tighten"
            )
        return max(bound, bundle)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "thresholds": dict(self.thresholds),
            "rules": [_rule_to_dict(rule) for rule in self.rules],
        }


def _rule_to_dict(rule: Rule) -> dict[str, Any]:
    values = {**vars(rule), "one_of": list(rule.one_of), "unit": rule.unit, "bound": rule.bound}
    return {
        key: value.isoformat() if isinstance(value, datetime.date) else value for key, value in values.items()
    }


def list_policies() -> list[str]:
    """Names of the policies that come along, sorted."""
    return sorted(path.stem for path in FOLDER.glob(f"*{_SUFFIX}"))


def open_policy(name_or_path: str | os.PathLike[str]) -> Policy:
    """Open a policy.

    Args:
        name_or_path: a name out of `list_policies()`, in upper or lower case, or a TOML file.

    Raises:
        PolicyError: no such policy, or a file that cannot be used; the message names file, line and key.
    """
    names = list_policies()
    given = os.fspath(name_or_path)
    if not isinstance(name_or_path, os.PathLike) and not _looks_like_path(given):
        given = given.lower()  # names are lower case, and people write them as the marketplaces do
    if given in names:
        path = FOLDER / f"{given}{_SUFFIX}"
    elif isinstance(name_or_path, str) and not _looks_like_path(given):
        raise PolicyError(
            f"expected one of the policies {', '.join(names)}, or a {_SUFFIX} file, got {name_or_path!r}"
        )
    else:
        path = Path(given)
    # a file may be called anything, and its name goes to terminals and into reports
    name = "".join(letter if letter.isprintable() else "?" for letter in path.stem)
    return _make(toml.read(path, PolicyError, "a policy", MAX_BYTES), name)


def parse_policy(data: bytes, name: str) -> Policy:
    """Read a policy from the bytes of a TOML file.

    Raises:
        PolicyError: they are none; the message names line and key.
    """
    if len(data) > MAX_BYTES:
        raise PolicyError(f"{name}: expected a policy of at most {MAX_BYTES} bytes, got {len(data)}")
    return _make(toml.parse(data, name, PolicyError), name)


def _make(root: Entry, name: str) -> Policy:
    title = read_title(root, name)
    rules, thresholds = read_rules(root), read_thresholds(root)
    if not rules and not thresholds:
        raise root.say("expected at least one [[rules]] or a bound in [thresholds], got neither")
    return _rebuild(name, title, rules, thresholds)


def _looks_like_path(text: str) -> bool:
    return text.endswith(_SUFFIX) or os.sep in text or "/" in text or os.path.isfile(text)


def _rebuild(name: str, title: str, rules: tuple[Rule, ...], thresholds: Mapping[str, float]) -> Policy:
    return Policy(name, title, rules, MappingProxyType(dict(thresholds)))
