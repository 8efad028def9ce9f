"""What `edge-iqa policies` shows: all policies in a table, or every rule of one."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from edge_iqa.policy import Policy, list_policies, open_policy
from edge_iqa.rule import UNVERIFIED, Rule


def show_policies(today: datetime.date | None = None) -> str:
    """A table of the policies that come along: rules in force or to come, and how many of them no page backs."""
    rows: list[tuple[str, ...]] = [("NAME", "MUST", "SHOULD", "UNVERIFIED", "TITLE")]
    for policy in map(open_policy, list_policies()):
        rules = _current(policy, today)
        counts = (
            sum(rule.severity == "must" for rule in rules),
            sum(rule.severity == "should" for rule in rules),
            sum(rule.source == UNVERIFIED for rule in rules),
        )
        rows.append((policy.name, *map(str, counts), policy.title))
    return "\n".join(_align(rows, numbers=(1, 2, 3)))


def show_policy(policy: Policy, today: datetime.date | None = None) -> str:
    """Every rule of a policy that has not ended, and its bounds of scores."""
    lines = [f"{policy.name}: {policy.title}"]
    rows = [("RULE", "BOUND", "SEVERITY", "IN FORCE", "READ", "SOURCE")]
    for rule in _current(policy, today):
        read = rule.read.isoformat() if rule.read else "-"
        rows.append((rule.id, f"{rule.measure} {rule.bound}", rule.severity, _span(rule), read, rule.source))
    if len(rows) > 1:
        lines += _align(rows)
    for name, bound in policy.thresholds.items():
        lines.append(f"score {name}: >= {bound * 100:g} of 100, where the bundle asks for less")
    return "\n".join(lines)


def list_to_dict() -> dict[str, Any]:
    """All policies that come along, as plain JSON values; rules that have ended too."""
    return {"policies": [open_policy(name).to_dict() for name in list_policies()]}


def _current(policy: Policy, today: datetime.date | None) -> list[Rule]:
    day = datetime.date.today() if today is None else today
    return [rule for rule in policy.rules if not rule.has_ended(day)]


def _span(rule: Rule) -> str:
    """`always`, `from 2027-01-31`, `to 2027-01-30`, or both."""
    sides = [f"{word} {day}" for word, day in (("from", rule.starts), ("to", rule.ends)) if day]
    return " ".join(sides) or "always"


def _align(rows: Sequence[tuple[str, ...]], numbers: tuple[int, ...] = ()) -> list[str]:
    """Rows as lines with columns below each other; columns of numbers stand to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            f"{cell:>{width}}" if column in numbers else f"{cell:{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
