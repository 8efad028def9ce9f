"""Rows → the bytes of a result: JSON lines, CSV, or Parquet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from edge_iqa.batch import parquet
from edge_iqa.batch.rows import COLUMNS, Value, flatten
from edge_iqa.errors import OutputError
from edge_iqa.plain_json import dump, replace_surrogates

Row = dict[str, Any]
Write = Callable[[Iterable[Row]], Iterator[bytes]]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def choose(out: str) -> Write:
    """What writes a result of that name.

    Raises:
        OutputError: another ending than those of `FORMATS`.
        DependencyError: Parquet is asked for, and pyarrow is not installed.
    """
    suffix = os.path.splitext(out)[1].lower()
    if suffix not in FORMATS:
        raise OutputError(
            f"{out}: expected a name that ends in {', '.join(FORMATS)}, got {suffix or 'no ending'!r}"
        )
    if suffix == ".parquet":
        parquet.load()
    return FORMATS[suffix]


def write_jsonl(rows: Iterable[Row]) -> Iterator[bytes]:
    """As `edge-iqa inspect --json` prints them."""
    return (f"{dump(row)}\n".encode() for row in rows)


def write_csv(rows: Iterable[Row]) -> Iterator[bytes]:
    """Comma-separated (RFC 4180), UTF-8, a line of names first."""
    yield _join(list(COLUMNS))
    for row in rows:
        yield _join([_to_cell(value) for value in flatten(row).values()])


def _to_cell(value: Value) -> str | float:
    """No text is a formula to a spreadsheet; a path with `./` before it is the same file."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = replace_surrogates(value)
    return f"./{text}" if text.startswith(_FORMULA) else text


def _join(values: list[Any]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerow(values)
    return stream.getvalue().encode()


FORMATS: dict[str, Write] = {".jsonl": write_jsonl, ".csv": write_csv, ".parquet": parquet.write_parquet}
"""By the ending of the result's name."""
