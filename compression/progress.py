"""Progress as every workshop command shows it: how far, how long still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")

console = Console(highlight=False, markup=False, emoji=False)
"""Prints what it is given: names of categories and paths may hold brackets and colons."""


def progress_bar() -> Progress:
    """Make a bar with count, a `note` field (a loss, say), time spent and time left."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def track(values: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield `values` under a progress bar."""
    with progress_bar() as bar:
        task = bar.add_task(what, total=total, note="")
        for value in values:
            yield value
            bar.advance(task)
