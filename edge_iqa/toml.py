"""Strict reading of TOML, whose errors name file, line and key. The only importer of tomllib and tomli."""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from edge_iqa.errors import EdgeIqaError
from edge_iqa.fields import Field

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Keys = tuple[str | int, ...]
"""The way to a value: names of tables and keys, and the place (from 0) in an array."""

_MAX_BYTES = 1 << 20

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""+' r"|'''.*?'''+" r'|"(?:\\.|[^"\\])*"' r"|'[^']*'" r"|#[^\n]*" r"|[\[\]{}\n]",
    re.DOTALL,
)
_KEY = r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|[\w-]+)"""
_HEAD = re.compile(rf"\s*(\[{{0,2}})\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*[=\]]")


@dataclass(frozen=True)
class Source:
    """The text of a TOML file, to say where in it something stands.

    Attributes:
        name: the file, as messages name it.
        text: all of it.
        error: class of the errors.
    """

    name: str
    text: str
    error: type[EdgeIqaError]

    def refuse(self, keys: Keys, expected: str, came: object) -> EdgeIqaError:
        """Make the error that says what was expected at a key, and what came."""
        return self.say(keys, f"expected {expected}, got {came!r}")

    def say(self, keys: Keys, what: str) -> EdgeIqaError:
        """Make an error about a key: `policy.toml:7: rules[0].at_least: …`."""
        return self.error(f"{self.name}:{find_line(self.text, keys)}: {_join(keys)}{what}")


@dataclass(frozen=True)
class Entry(Field):
    """One TOML value with its place; what is asked of it and is not so raises an error of the source's class.

    Attributes:
        source: the file.
        keys: the way to the value; () is the whole file.
    """

    source: Source
    keys: Keys = ()

    OBJECT: ClassVar[str] = "a table"

    def say(self, what: str) -> EdgeIqaError:
        return self.source.say(self.keys, what)

    def day(self) -> datetime.date:
        """A date without a time, such as 2027-01-31 (no quotes)."""
        if not isinstance(self.value, datetime.date) or isinstance(self.value, datetime.datetime):
            raise self.refuse("a date such as 2027-01-31, without quotes")
        return self.value

    def check_keys(self, known: Mapping[str, str] | tuple[str, ...]) -> None:
        """Refuse a key of this table that is not known: a slip of the pen must not drop a rule in silence."""
        for key, entry in self.members():
            if key not in known:
                raise entry.say(f"expected one of the keys {', '.join(known)}, got {key!r}")

    def _child(self, key: str | int, value: object) -> Entry:
        return replace(self, value=value, keys=(*self.keys, key))


def read(path: Path, error: type[EdgeIqaError], what: str, max_bytes: int = _MAX_BYTES) -> Entry:
    """Read a file.

    Args:
        what: what the file should be, such as `a recipe`.
        max_bytes: a file may be anything; no more than this is read.

    Raises:
        EdgeIqaError: of the class `error`: not there, too large, or not TOML.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except (OSError, ValueError) as cause:  # a path with a NUL is a ValueError
        reason = cause.strerror if isinstance(cause, OSError) else cause
        raise error(f"{path}: expected {what} in TOML, could not read it ({reason})") from cause
    if len(data) > max_bytes:
        raise error(f"{path}: expected {what} of at most {max_bytes} bytes, got more")
    return parse(data, str(path), error)


def parse(data: bytes, name: str, error: type[EdgeIqaError]) -> Entry:
    """Read TOML from bytes; a byte order mark, as editors on Windows write, is passed over.

    Raises:
        EdgeIqaError: of the class `error`: not UTF-8, or not TOML.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = data.count(b"\n", 0, cause.start) + 1
        raise error(
            f"{name}:{line}: expected TOML in UTF-8, got the byte {data[cause.start]:#04x}"
        ) from cause
    try:
        root: dict[str, Any] = tomllib.loads(text)
    except RecursionError as cause:
        raise error(f"{name}: not TOML that can be read: nested too deeply") from cause
    except ValueError as cause:  # also numbers with too many digits
        found = re.search(r" \(at line (\d+), column \d+\)$", str(cause))
        line_at = found[1] if found else str(text.count("\n") + 1)
        raise error(f"{name}:{line_at}: not TOML: {cause}") from cause
    return Entry(root, "", Source(name, text, error))


def find_line(text: str, keys: Keys) -> int:
    """Number (from 1) of the line that sets a key; where none does, of what comes nearest to it."""
    best, found = 0, 1
    for number, path in _walk(text):
        common = next((i for i, (a, b) in enumerate(zip(path, keys, strict=False)) if a != b), None)
        depth = min(len(path), len(keys)) if common is None else common
        if depth > best:
            best, found = depth, number
    return found


def _walk(text: str) -> Iterator[tuple[int, Keys]]:
    """Line and full path of every table header and every key, in TOML that has been read without an error."""
    arrays: dict[Keys, int] = {}
    table: Keys = ()
    for number, statement in _split(text):
        head = _HEAD.match(statement)
        if head is None:
            continue
        parts = [part.strip("\"'") for part in re.findall(_KEY, head[2])]
        if not head[1]:
            yield number, (*table, *parts)
            continue
        table = (*_resolve(parts[:-1], arrays), parts[-1])
        if head[1] == "[[":
            arrays[table] = arrays.get(table, -1) + 1
        if table in arrays:
            table = (*table, arrays[table])
        yield number, table


def _resolve(parts: list[str], arrays: Mapping[Keys, int]) -> Keys:
    """Path of a table; of an array of tables it is the last one so far that is meant."""
    path: Keys = ()
    for part in parts:
        path = (*path, part)
        if path in arrays:
            path = (*path, arrays[path])
    return path


def _split(text: str) -> Iterator[tuple[int, str]]:
    """Statements with the number of their first line: a value may run over several lines."""
    number, start, depth = 1, 0, 0
    for token in _TOKEN.finditer(text + "\n"):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        elif token[0] == "\n" and depth == 0:
            yield number, text[start : token.start()]
            number += text.count("\n", start, token.end())
            start = token.end()


def _join(keys: Keys) -> str:
    """`rules[0].at_least: `, or nothing for the whole file."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")
    return f"{text if text.isprintable() else repr(text)}: " if text else ""
