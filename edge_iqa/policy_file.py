"""TOML → rules and thresholds of a policy. The file is hostile until it has been read."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

from edge_iqa import formats
from edge_iqa.codes import CAUSES, FORMAT, MEASURES_WITH_RULES
from edge_iqa.manifest import ATTRIBUTES
from edge_iqa.measurement import MEASURES
from edge_iqa.rule import OWN, SEVERITIES, UNVERIFIED, Rule
from edge_iqa.toml import Entry

MAX_BYTES = 64 * 1024

_KEYS = ("title", "thresholds", "rules")
_RULE_KEYS = (
    "measure", "at_least", "at_most", "one_of", "severity", "source", "read", "starts", "ends", "id",
)  # fmt: skip
_THRESHOLD_KEYS = ("accept", "reject", *ATTRIBUTES)
_ID = r"[a-z0-9]+(-[a-z0-9]+){0,15}"
_SOURCE = rf"{UNVERIFIED}|{OWN}|https?://[!-~]{{3,500}}"
_LONGEST_TITLE = 200


def read_title(root: Entry, name: str) -> str:
    """The title; where the file has none, the policy's name.

    Raises:
        PolicyError: no such text, or a key that no policy has.
    """
    root.check_keys(_KEYS)
    entry = root.get("title")
    if entry is None:
        return name
    title = entry.text()
    if len(title) > _LONGEST_TITLE or not title.isprintable():
        raise entry.refuse(f"one line of text of at most {_LONGEST_TITLE} letters")
    return title


def read_thresholds(root: Entry) -> Mapping[str, float]:
    """Bounds of scores, 0-1, by name: `accept`, `reject`, and attributes.

    Raises:
        PolicyError: one is not known, or no such number.
    """
    table = root.get("thresholds")
    if table is None:
        return {}
    table.check_keys(_THRESHOLD_KEYS)
    bounds = {name: entry.number(0, 1) for name, entry in table.members()}
    if bounds.get("reject", 0) > bounds.get("accept", 1):
        raise table["reject"].refuse(f"at most the bound of accept, {bounds['accept']:g}")
    return bounds


def read_rules(root: Entry) -> tuple[Rule, ...]:
    """All rules, in the order of the file.

    Raises:
        PolicyError: one has a wrong key or value, or two have the same id.
    """
    entries = root.get("rules")
    rules: dict[str, Rule] = {}
    for entry in [] if entries is None else entries.items():
        rule = _read_rule(entry)
        if rule.id in rules:
            raise entry.say(f"expected an id of its own, got {rule.id!r} a second time; add a key `id`")
        rules[rule.id] = rule
    return tuple(rules.values())


def _read_rule(entry: Entry) -> Rule:
    entry.check_keys(_RULE_KEYS)
    measure = entry["measure"].choice(*MEASURES_WITH_RULES)
    severity, source = entry.get("severity"), entry.get("source")
    at_least, at_most = _read_bounds(entry, measure)
    starts, ends = _read_day(entry, "starts"), _read_day(entry, "ends")
    if starts and ends and starts > ends:
        raise entry["ends"].refuse(f"the day of `starts`, {starts}, or a later one")
    return Rule(
        id=_read_id(entry, measure),
        measure=measure,
        severity=SEVERITIES[0] if severity is None else severity.choice(*SEVERITIES),
        at_least=at_least,
        at_most=at_most,
        one_of=_read_formats(entry, measure),
        source=OWN if source is None else _read_source(source),
        read=_read_day(entry, "read"),
        starts=starts,
        ends=ends,
    )


def _read_id(entry: Entry, measure: str) -> str:
    """As the file says; else from the measure, without its unit: `long_side_px` is `long-side`."""
    given = entry.get("id")
    if given is None:
        return re.sub(r"_(px|bytes)$", "", measure).replace("_", "-")
    return given.text(_ID, "a short name of a-z, 0-9 and '-'")


def _read_source(entry: Entry) -> str:
    return entry.text(_SOURCE, f"an address that begins with https://, or {UNVERIFIED}, or {OWN}")


def _read_day(entry: Entry, key: str) -> datetime.date | None:
    found = entry.get(key)
    return None if found is None else found.day()


def _read_bounds(entry: Entry, measure: str) -> tuple[float | None, float | None]:
    causes = CAUSES[measure]
    at_least = _read_bound(entry, "at_least", measure, causes.low)
    at_most = _read_bound(entry, "at_most", measure, causes.high)
    if measure != FORMAT and at_least is None and at_most is None:
        sides = [key for key, code in (("at_least", causes.low), ("at_most", causes.high)) if code]
        raise entry.say(f"expected a bound for {measure}: {' or '.join(sides)}")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise entry["at_most"].refuse(f"at_least, {at_least:g}, or more")
    return at_least, at_most


def _read_bound(entry: Entry, key: str, measure: str, code: str | None) -> float | None:
    """One side; a share is 0 to 1, so that nobody writes 85 for 85 %."""
    bound = entry.get(key)
    if bound is None:
        return None
    if measure == FORMAT:
        raise bound.say("a format has no size; name those that are taken in one_of")
    if code is None:
        raise bound.say(f"no photo gets worse in that direction of {measure}; use the other bound")
    unit = MEASURES[measure].unit
    if unit == "share":
        return bound.number(0, 1)
    return bound.number() if unit == "degrees" else bound.number(0)


def _read_formats(entry: Entry, measure: str) -> tuple[str, ...]:
    listed = entry.get("one_of")
    if listed is None:
        if measure == FORMAT:
            raise entry.say(f"expected the key one_of: a list of {', '.join(formats.NAMES)}")
        return ()
    if measure != FORMAT:
        raise listed.say(f"only formats are listed; bound {measure} by at_least or at_most")
    names = tuple(item.choice(*formats.NAMES) for item in listed.items())
    if not names or len(set(names)) != len(names):
        raise listed.refuse(f"one or more of {', '.join(formats.NAMES)}, none twice")
    return names
