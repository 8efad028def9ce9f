"""Print a table: with rich where it is installed, as aligned plain text where it is not."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TextIO

_WIDTH = 110
"""Columns where the output is no terminal, and so has no width of its own."""


@dataclass(frozen=True)
class Table:
    """Cells as text; the first `labels` columns are names and align left, the others right.

    An empty row draws a line.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1


def show(table: Table, stream: TextIO | None = None) -> None:
    """Print `table` to `stream` (standard output)."""
    target = stream or sys.stdout
    try:
        import rich.box
        import rich.console
        import rich.markup
        import rich.table
    except ImportError:
        target.write(to_text(table) + "\n")
        return
    drawn = rich.table.Table(
        title=rich.markup.escape(table.title),
        title_justify="left",
        title_style="bold",
        box=rich.box.SIMPLE,
        collapse_padding=True,
        pad_edge=False,
    )
    for index, column in enumerate(table.columns):
        # on a narrow terminal a cell goes on below: a number that lost digits would be another number
        drawn.add_column(column, justify="left" if index < table.labels else "right", overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(rich.markup.escape, row)) if row else drawn.add_section()
    width = None if target.isatty() else _WIDTH
    rich.console.Console(file=target, width=width, highlight=False).print(drawn)


def to_text(table: Table) -> str:
    """The table as aligned plain text, title first."""
    filled = [table.columns, *(row for row in table.rows if row)]
    widths = [max(len(row[index]) for row in filled) for index in range(len(table.columns))]
    line = "  ".join("-" * width for width in widths)

    def align(row: tuple[str, ...]) -> str:
        cells = (
            cell.ljust(width) if index < table.labels else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    body = [align(row) if row else line for row in table.rows]
    return "\n".join([table.title, align(table.columns), line, *body, ""])
