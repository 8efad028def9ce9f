"""A policy checks what was measured, may only tighten scores, and is read as if an enemy had written it."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_iqa.codes import CAUSES, FORMAT, MEASURES_WITH_RULES
from edge_iqa.errors import PolicyError
from edge_iqa.manifest import Thresholds
from edge_iqa.measurement import MEASURES, Measurement
from edge_iqa.policy import FOLDER, Policy, open_policy, parse_policy

OURS = """\
title = "Our shop"
[thresholds]
sharpness = 0.9
[[rules]]
measure = "short_side_px"
at_least = 1600
[[rules]]
measure = "format"
one_of = ["jpeg", "png"]
severity = "should"
"""
TODAY = datetime.date(2026, 11, 26)
BUNDLE = Thresholds(accept=0.6, reject=0.5, attributes={"sharpness": 0.8, "noise": 0.8}, dark_below=0.4)


def _policy(rules: str) -> Policy:
    return parse_policy(rules.encode(), "ours")


def _values(**values: float) -> dict[str, Measurement]:
    return {name: Measurement(value, MEASURES[name].unit) for name, value in values.items()}


def test_a_team_writes_its_own_in_ten_lines(tmp_path: Path) -> None:
    assert OURS.count("\n") == 10
    path = tmp_path / "shop.toml"
    path.write_text(OURS)
    for given_path in (path, str(path)):
        policy = open_policy(given_path)
        assert (policy.name, policy.title) == ("shop", "Our shop")
    side, file = policy.check(_values(short_side_px=1599), "webp", TODAY)
    assert (side.rule, side.status, side.value, side.unit) == ("shop/short-side", "broken", 1599, "px")
    assert (side.bound, side.severity, side.code, side.source) == (">= 1600 px", "must", "TOO_SMALL", "own")
    assert (file.rule, file.status, file.value, file.bound) == (
        "shop/format",
        "broken",
        "webp",
        "one of jpeg, png",
    )
    assert (file.severity, file.code) == ("should", "FORMAT")


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        (0.74, "broken", "FILL_LOW"),
        (0.75, "held", "FILL_LOW"),
        (0.9, "held", "FILL_LOW"),
        (0.91, "broken", "FILL_HIGH"),
    ],
)
def test_bounds_are_inclusive_and_each_side_has_its_cause(value: float, status: str, code: str) -> None:
    policy = _policy('[[rules]]\nmeasure = "fill"\nat_least = 0.75\nat_most = 0.9')
    (result,) = policy.check(_values(fill=value), None, TODAY)
    assert (result.status, result.code, result.bound) == (status, code, ">= 75 % and <= 90 %")


def test_what_was_not_measured_is_said_to_be_so() -> None:
    policy = _policy(OURS)
    for values, format_name in (
        ({}, None),
        (_values(fill=0.9), None),
        (_values(short_side_px=float("nan")), None),
    ):
        results = policy.check(values, format_name, TODAY)
        assert [(each.status, each.value) for each in results] == [("not measured", None)] * 2


@pytest.mark.parametrize(
    ("day", "small", "large"),
    [
        ("2027-01-30", ["broken", "upcoming"], ["held", "held"]),
        ("2027-01-31", ["broken"], ["held"]),
        ("2026-04-13", ["upcoming", "upcoming"], ["held", "held"]),
        ("2026-04-14", ["broken", "upcoming"], ["held", "held"]),
    ],
)
def test_a_rule_is_in_force_from_its_first_day_to_its_last(
    day: str, small: list[str], large: list[str]
) -> None:
    policy = _policy(
        '[[rules]]\nid = "warned"\nmeasure = "short_side_px"\nat_least = 500\nseverity = "should"\n'
        "starts = 2026-04-14\nends = 2027-01-30\n"
        '[[rules]]\nmeasure = "short_side_px"\nat_least = 500\nstarts = 2027-01-31\n'
    )
    on = datetime.date.fromisoformat(day)
    for side, expected in ((499, small), (500, large)):
        results = policy.check(_values(short_side_px=side), None, on)
        assert [each.status for each in results] == expected
    assert policy.check(_values(), None, on)[-1].starts == "2027-01-31"


def test_without_a_day_it_is_today() -> None:
    today = datetime.date.today()
    yesterday, tomorrow = today - datetime.timedelta(1), today + datetime.timedelta(1)
    policy = _policy(
        f'[[rules]]\nid = "past"\nmeasure = "pixels"\nat_least = 9\nends = {yesterday}\n'
        f'[[rules]]\nid = "now"\nmeasure = "pixels"\nat_least = 9\nstarts = {today}\nends = {today}\n'
        f'[[rules]]\nid = "next"\nmeasure = "pixels"\nat_least = 9\nstarts = {tomorrow}\n'
    )
    results = policy.check(_values(pixels=1), None)
    assert [(each.rule, each.status) for each in results] == [
        ("ours/now", "broken"),
        ("ours/next", "upcoming"),
    ]


def test_every_measure_has_a_cause_for_every_bound_that_a_rule_may_set() -> None:
    assert set(CAUSES) == {*MEASURES, FORMAT}
    assert set(MEASURES) - set(MEASURES_WITH_RULES) == {"motion_direction"}
    checked = 0
    for name in MEASURES:
        for key, code, value in (("at_least", CAUSES[name].low, -1.0), ("at_most", CAUSES[name].high, 2.0)):
            text = f'[[rules]]\nmeasure = "{name}"\n{key} = 1'
            if code is None:
                with pytest.raises(PolicyError, match=r"motion_direction|:3: rules\[0\]\.at_"):
                    _policy(text)
                continue
            (result,) = _policy(text).check(_values(**{name: value}), None, TODAY)
            assert (result.status, result.code) == ("broken", code)
            checked += 1
    assert checked > len(MEASURES)


def test_scores_are_only_tightened() -> None:
    policy = _policy("[thresholds]\naccept = 0.7\nreject = 0.4\nsharpness = 0.9\nnoise = 0.1\ndetail = 0.5")
    bounds, notes = policy.tighten(BUNDLE)
    assert (bounds.accept, bounds.reject, bounds.dark_below) == (0.7, 0.5, 0.4)
    assert dict(bounds.attributes) == {"sharpness": 0.9, "noise": 0.8}
    assert len(notes) == 3
    for name, note in zip(("reject", "noise", "detail"), notes, strict=True):
        assert note.startswith(f"policy ours: {name} ") or f"no score {name}" in note


def test_what_is_refused_is_never_accepted() -> None:
    bounds, notes = _policy("[thresholds]\nreject = 0.8").tighten(BUNDLE)
    assert (bounds.accept, bounds.reject, notes) == (0.8, 0.8, ())


@given(
    st.fixed_dictionaries(
        {}, optional={name: st.floats(0, 1) for name in ("accept", "reject", "sharpness", "noise")}
    )
)
def test_tightening_never_loosens_whatever_the_policy_says(bounds: dict[str, float]) -> None:
    result, notes = Policy("ours", "", (), bounds).tighten(BUNDLE)
    assert result.accept >= max(BUNDLE.accept, result.reject) and result.reject >= BUNDLE.reject
    assert all(result.attributes[name] >= BUNDLE.attributes[name] for name in BUNDLE.attributes)
    looser = {"accept": 0.6, "reject": 0.5, "sharpness": 0.8, "noise": 0.8}
    assert len(notes) == sum(bound < looser[name] for name, bound in bounds.items())


RULE = '[[rules]]\nmeasure = "fill"\nat_least = 0.5\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "ours:1: expected at least one [[rules]]"),
        ("title = 3\n" + RULE, "ours:1: title: expected text, got 3"),
        ('title = "a\\u001b[2J"\n' + RULE, "ours:1: title: expected one line of text"),
        ("titel = 1\n" + RULE, "ours:1: titel: expected one of the keys title, thresholds, rules, got 'titel'"),
        ("rules = 3", "ours:1: rules: expected a list, got 3"),
        ("rules = [3]", "ours:1: rules[0]: expected a table, got 3"),
        ("thresholds = 3\n" + RULE, "ours:1: thresholds: expected a table, got 3"),
        ("[thresholds]\naccept = 60", "ours:2: thresholds.accept: expected a number from 0 to 1, got 60"),
        ("[thresholds]\naccept = nan", "ours:2: thresholds.accept: expected a number from 0 to 1, got nan"),
        ("[thresholds]\nsharpnes = 0.5", "ours:2: thresholds.sharpnes: expected one of the keys accept"),
        ("[thresholds]\naccept = 0.5\nreject = 0.6", "ours:3: thresholds.reject: expected at most the bound"),
        ("[[rules]]\nat_least = 1", "ours:1: rules[0]: the field 'measure' is missing"),
        ('[[rules]]\nmeasure = "fil"', "ours:2: rules[0].measure: expected one of format, width_px"),
        ("[[rules]]\nmeasure = []", "ours:2: rules[0].measure: expected one of format, width_px"),
        (RULE + "at_lest = 1", "ours:4: rules[0].at_lest: expected one of the keys measure"),
        (RULE + "at_most = 85", "ours:4: rules[0].at_most: expected a number from 0 to 1, got 85"),
        (RULE + "at_most = 0.4", "ours:4: rules[0].at_most: expected at_least, 0.5, or more, got 0.4"),
        (RULE + 'at_most = "1"', "ours:4: rules[0].at_most: expected a number from 0 to 1, got '1'"),
        (RULE + "at_most = true", "ours:4: rules[0].at_most: expected a number from 0 to 1, got True"),
        (RULE + "at_most = inf", "ours:4: rules[0].at_most: expected a number from 0 to 1, got inf"),
        (RULE + 'one_of = ["jpeg"]', "ours:4: rules[0].one_of: only formats are listed"),
        (RULE + 'severity = "may"', "ours:4: rules[0].severity: expected one of must, should, got 'may'"),
        (RULE + 'source = "a page"', "ours:4: rules[0].source: expected an address that begins with https://"),
        (RULE + 'source = "javascript:x"', "ours:4: rules[0].source: expected an address"),
        (RULE + 'read = "2026-11-26"', "ours:4: rules[0].read: expected a date such as 2027-01-31, without quotes"),
        (RULE + "starts = 2027-01-31T00:00:00", "ours:4: rules[0].starts: expected a date"),
        (RULE + "starts = 2027-02-30", "ours:4: not TOML: "),
        (RULE + "starts = 2027-01-31\nends = 2027-01-30", "ours:5: rules[0].ends: expected the day of `starts`"),
        (RULE + 'id = "A b"', "ours:4: rules[0].id: expected a short name"),
        (RULE + RULE, "ours:4: rules[1]: expected an id of its own, got 'fill' a second time"),
        ('[[rules]]\nmeasure = "fill"', "ours:1: rules[0]: expected a bound for fill: at_least or at_most"),
        ('[[rules]]\nmeasure = "border"\nat_least = 0.1', "ours:3: rules[0].at_least: no photo gets worse"),
        ('[[rules]]\nmeasure = "pixels"\nat_least = -1', "ours:3: rules[0].at_least: expected a number from 0 up"),
        ('[[rules]]\nmeasure = "pixels"\nat_most = nan', "ours:3: rules[0].at_most: expected a number from 0 up"),
        ('[[rules]]\nmeasure = "skew"\nat_least = -inf', "ours:3: rules[0].at_least: expected a finite number"),
        ('[[rules]]\nmeasure = "format"', "ours:1: rules[0]: expected the key one_of"),
        ('[[rules]]\nmeasure = "format"\none_of = []', "ours:3: rules[0].one_of: expected one or more of jpeg"),
        ('[[rules]]\nmeasure = "format"\none_of = ["jpg"]', "ours:3: rules[0].one_of[0]: expected one of jpeg"),
        ('[[rules]]\nmeasure = "format"\nat_least = 1', "ours:3: rules[0].at_least: a format has no size"),
        ("#" * 65_537, "ours: expected a policy of at most 65536 bytes"),
    ],
)  # fmt: skip
def test_a_bad_policy_is_refused_with_line_and_key(text: str, says: str) -> None:
    with pytest.raises(PolicyError) as error:
        _policy(text)
    assert str(error.value).startswith(says)


def test_a_file_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as stream:
        stream.truncate(10**10)  # sparse: takes no room, and would not fit the memory
    with pytest.raises(PolicyError, match=re.escape(f"{path}: expected a policy of at most 65536 bytes")):
        open_policy(path)


@pytest.mark.parametrize(
    "name", ["nope", "", "GENERAL.toml", "../general", "policies/general", "x.toml", "a\0b.toml"]
)
def test_a_policy_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(PolicyError, match=r"expected (one of the policies amazon-main, |a policy in TOML)"):
        open_policy(name)


def test_a_file_name_cannot_control_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\033[2J.toml"
    path.write_text(OURS)
    assert open_policy(path).name == "a?[2J"


def _read(data: bytes) -> None:
    try:
        policy = parse_policy(data, "ours")
    except PolicyError as error:
        assert str(error).startswith("ours:")
        return
    policy.check(_values(fill=0.5, pixels=3), "jpeg", TODAY)
    policy.tighten(BUNDLE)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_policy_or_a_policy_error(data: bytes) -> None:
    _read(data)


WORDS = (
    *OURS.splitlines(keepends=True), *RULE.splitlines(keepends=True), "at_most = 0.9\n", "starts = 2027-01-31\n",
    "ends = 2026-01-01\n", "[", "]", "=", '"', "'''", '"""', "{", "}", "\n", "\\", "nan", "-inf", "1e400", "rules", ".",
    "\r", "\0", "é", "[[rules.x]]\n", "[rules]\n", 'one_of = ["jpeg", 3]\n', "0x" + "f" * 400, "true", "07:32:00",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
def test_any_mixture_of_what_policies_are_made_of_gives_one_or_a_policy_error(text: str) -> None:
    _read(text.encode())


@given(st.data())
def test_a_shipped_policy_with_a_part_cut_out_gives_one_or_a_policy_error(data: st.DataObject) -> None:
    whole = (FOLDER / "google-merchant.toml").read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    _read(whole[:start] + whole[end:])
