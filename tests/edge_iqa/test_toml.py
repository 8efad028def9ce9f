"""TOML is read strictly, and an error names the file, the line and the key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_iqa import toml
from edge_iqa.errors import PolicyError, RecipeError

TEXT = '''\
title = "a"  # [not.a.header]
"quoted key" = 1
many = [
  ["x"],
  "[rules]",
]
long = """
a = 1
[b]
"""
dotted.inner.key = 2
inline = { first = 1, second = 2 }

[table]
here = 1
[table.below]
here = 2

[[rules]]
measure = "m"
[[rules]]
  measure = "n"
  at_most = 3
[rules.more]
deep = 4
'''


def _line_of(*words: str) -> int:
    """Number of the line with these words, found without any knowledge of TOML."""
    lines = TEXT.splitlines()
    return next(number for number, line in enumerate(lines, 1) if all(word in line for word in words))


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ((), 1),
        (("title",), _line_of("title")),
        (("quoted key",), _line_of("quoted key")),
        (("many", 1), _line_of("many")),
        (("long",), _line_of("long")),
        (("dotted", "inner", "key"), _line_of("dotted")),
        (("dotted", "inner"), _line_of("dotted")),
        (("inline", "second"), _line_of("inline")),
        (("table",), _line_of("[table]")),
        (("table", "here"), _line_of("here = 1")),
        (("table", "below", "here"), _line_of("here = 2")),
        (("table", "missing"), _line_of("[table]")),
        (("rules", 0, "measure"), _line_of('"m"')),
        (("rules", 1), _line_of('"m"') + 1),
        (("rules", 1, "measure"), _line_of('"n"')),
        (("rules", 1, "at_most"), _line_of("at_most")),
        (("rules", 1, "more", "deep"), _line_of("deep")),
        (("nowhere",), 1),
    ],
)
def test_every_key_has_the_line_that_sets_it(keys: toml.Keys, line: int) -> None:
    assert toml.parse(TEXT.encode(), "x.toml", PolicyError).source is not None
    assert toml.find_line(TEXT, keys) == line


def test_lines_end_as_on_windows_too() -> None:
    text = TEXT.replace("\n", "\r\n")
    assert toml.find_line(text, ("rules", 1, "at_most")) == _line_of("at_most")
    toml.parse(text.encode(), "x.toml", PolicyError)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a = 1\nb = \xff", "x.toml:2: expected TOML in UTF-8, got the byte 0xff"),
        (b"a = 1\nb = nope\n", "x.toml:2: not TOML: "),
        (b"a = 1\nb = ", "x.toml:2: not TOML: "),
        (b"a = 1\na = 2\n", "x.toml:2: not TOML: "),
        (b"a = 1\nb = 2026-02-30\n", "x.toml:2: not TOML: "),
        (b"a = " + b"[" * 5000, "x.toml: not TOML that can be read: nested too deeply"),
        (b"a = " + b"1" * 5000, "x.toml:1: not TOML: "),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(data: bytes, says: str) -> None:
    with pytest.raises(PolicyError) as error:
        toml.parse(data, "x.toml", PolicyError)
    assert str(error.value).startswith(says)


def test_errors_are_of_the_class_that_the_reader_asks_for(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(RecipeError, match="expected a recipe in TOML, could not read it"):
            toml.read(path, RecipeError, "a recipe")


def test_no_more_is_read_than_allowed(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * 101)
    with pytest.raises(PolicyError, match="at most 100 bytes, got more"):
        toml.read(path, PolicyError, "a policy", 100)
    assert toml.read(path, PolicyError, "a policy", 101).value == {}


def test_an_entry_says_what_was_expected_where_it_stands() -> None:
    root = toml.parse(TEXT.encode(), "x.toml", PolicyError)
    entry = root["rules"].items()[1]["at_most"]
    for ask, says in (
        (entry.text, "expected text, got 3"),
        (entry.day, "expected a date such as 2027-01-31, without quotes, got 3"),
        (entry.items, "expected a list, got 3"),
    ):
        with pytest.raises(PolicyError, match=re.escape(says)) as error:
            ask()
        assert str(error.value).startswith(f"x.toml:{_line_of('at_most')}: rules[1].at_most: ")
    with pytest.raises(PolicyError, match=r"x\.toml:\d+: table: the field 'missing' is missing"):
        root["table"]["missing"]
