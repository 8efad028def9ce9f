"""What a command shows while it works and when it is done: with rich where it is installed, plain where not."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def say(line: str) -> None:
    """Print one line now, even into a pipe."""
    print(line, flush=True)


def track(values: Sequence[T], what: str) -> Iterator[T]:
    """Yield `values` under a progress bar on standard error; without rich, a line each tenth."""
    try:
        from rich.console import Console
        from rich.progress import track as rich_track
    except ImportError:
        yield from _track_plainly(values, what)
        return
    yield from rich_track(values, what, console=Console(stderr=True), transient=True)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; all columns but the first are right-aligned."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        say(format_table(title, columns, rows))
        return
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, emoji=False).print(table)  # names of categories may hold brackets and colons


def format_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as plain text."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [title]
    for row in (columns, *rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _track_plainly(values: Sequence[T], what: str) -> Iterator[T]:
    step = max(1, len(values) // 10)
    for index, value in enumerate(values):
        if index % step == 0:
            print(f"{what}: {index} of {len(values)}", file=sys.stderr, flush=True)
        yield value
