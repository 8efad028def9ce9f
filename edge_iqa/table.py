"""Results as lines of a table that a person reads, on a terminal or in a file."""

from __future__ import annotations

import textwrap
import unicodedata
from collections import Counter
from dataclasses import dataclass

from edge_iqa.report import Failure, Report, Verdict

_COLORS = {"accept": "32", "fix": "36", "review": "33", "retake": "31", "error": "35"}
"""ANSI colors: green, cyan, yellow, red, magenta."""

_LONGEST_NAME = 40
_VERDICT_WIDTH = 7
_SCORE_WIDTH = 5


@dataclass(frozen=True)
class Layout:
    """How wide the columns are.

    Attributes:
        file_width: columns for the file name; longer ones lose their beginning.
        wrap_width: columns of the whole line, beyond which the reason goes on below; None never wraps.
        color: mark verdicts with ANSI colors.
    """

    file_width: int
    wrap_width: int | None = None
    color: bool = False

    @classmethod
    def fit(cls, names: list[str], wrap_width: int | None = None, color: bool = False) -> Layout:
        """Choose the width that shows these names, within reason."""
        widest = max((_measure(_printable(name)) for name in names), default=0)
        return cls(max(4, min(widest, _LONGEST_NAME)), wrap_width, color)


def format_head(layout: Layout) -> str:
    """The line above the table."""
    return f"{'VERDICT':{_VERDICT_WIDTH}}  {'SCORE':>{_SCORE_WIDTH}}  {'FILE':{layout.file_width}}  WHY"


def format_row(result: Report | Failure, layout: Layout) -> str:
    """One photo: verdict, score, file, and why; several lines where it must wrap."""
    verdict = "error" if isinstance(result, Failure) else result.verdict.value
    score = "-" if isinstance(result, Failure) else f"{result.score:.1f}"
    label = f"{verdict:{_VERDICT_WIDTH}}"
    if layout.color:
        label = f"\033[{_COLORS[verdict]}m{label}\033[0m"
    why = _wrap(_explain(result), layout)
    return f"{label}  {score:>{_SCORE_WIDTH}}  {_fit(result.file, layout.file_width)}  {why}"


def format_summary(counts: Counter[str]) -> str:
    """The line below the table, such as `3 photos: 2 accept, 1 error`."""
    total = sum(counts.values())
    parts = ", ".join(f"{counts[name]} {name}" for name in _COLORS if counts[name])
    return f"{total} photo{'' if total == 1 else 's'}: {parts}"


def _explain(result: Report | Failure) -> str:
    """Every fault in words, and what to do about the worst."""
    if isinstance(result, Failure):
        return _printable(str(result.error).removeprefix(f"{result.file}: "))
    messages = " ".join(issue.message for issue in result.issues)
    if result.verdict is Verdict.ACCEPT:
        return f"Good to upload; could be better: {messages}" if messages else "Good to upload."
    doubt = "Not sure, have someone look at it. " if result.verdict is Verdict.REVIEW else ""
    return f"{doubt}{messages} {result.issues[0].advice}"


def _wrap(text: str, layout: Layout) -> str:
    indent = _VERDICT_WIDTH + _SCORE_WIDTH + layout.file_width + 6
    room = (layout.wrap_width or 0) - indent
    if room < 20:  # narrower than this, broken lines read worse than those that the terminal breaks
        return text
    return f"\n{' ' * indent}".join(textwrap.wrap(text, room)) or text


def _fit(name: str, width: int) -> str:
    """Cut a name to a number of columns, keeping its end, and fill it up with blanks."""
    name = _printable(name)
    if _measure(name) > width:
        while _measure(name) > width - 3:
            name = name[1:]
        name = "..." + name
    return name + " " * (width - _measure(name))


def _printable(text: str) -> str:
    """Escape what would move the cursor or color the terminal: a file name may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _measure(text: str) -> int:
    """Columns on a terminal: East Asian letters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
