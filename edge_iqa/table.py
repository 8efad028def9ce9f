"""Results as lines of a table that a person reads, on a terminal or in a file."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from edge_iqa.report import Failure, Report, RuleResult, Verdict
from edge_iqa.rule import UNVERIFIED, format_value
from edge_iqa.words import Words, join, open_words

_COLORS = {"accept": "32", "fix": "36", "review": "33", "retake": "31", "error": "35"}
"""ANSI colors: green, cyan, yellow, red, magenta."""

_LONGEST_NAME = 40
_VERDICT_WIDTH = 7
_SCORE_WIDTH = 5
_LEAST_ROOM = 20
"""Columns below which broken lines read worse than those that the terminal breaks."""

_PIECES = re.compile(
    "[\u3040-\u9fff\uac00-\ud7af][\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f]*\\s*|[^\\s\u3040-\u9fff\uac00-\ud7af]+\\s*|\\s+"
)
"""What stays together in a line: an East Asian letter with the stop behind it, or a word."""


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
        widest = max((_measure(make_printable(name)) for name in names), default=0)
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


def format_details(report: Report, layout: Layout) -> list[str]:
    """Lines below a photo's: every cause, hint and rule, those that are broken first."""
    lines = []
    for issue in report.issues:
        kind = "cause" if issue.blocking else "hint"
        marks = [f"severity {issue.severity:.2f}"]
        marks += [] if issue.confidence is None else [f"confidence {issue.confidence:.2f}"]
        marks += [f"+{issue.gain:.0f} points"] if issue.gain else []
        marks += ["fixable"] if issue.fixable else []
        lines += _indent(
            f"{kind} {issue.code} ({', '.join(marks)}): {join((issue.message, issue.advice))}", layout
        )
    order = ("broken", "upcoming", "not measured", "held")
    for rule in sorted(report.rules, key=lambda rule: order.index(rule.status)):
        unverified = f", {UNVERIFIED}" if rule.source == UNVERIFIED else ""
        lines += _indent(
            f"rule {rule.rule}, {rule.severity}{unverified}: {rule.status}: {_value(rule)} (asked for: {rule.bound})",
            layout,
        )
    return lines


def _indent(text: str, layout: Layout) -> list[str]:
    room = (layout.wrap_width or 0) - 6
    lines = [text] if room < _LEAST_ROOM else _break(make_printable(text), room)
    return [("    " if number == 0 else "      ") + make_printable(line) for number, line in enumerate(lines)]


def _value(rule: RuleResult) -> str:
    if isinstance(rule.value, str) or rule.value is None:
        return rule.value or "-"
    return f"{rule.measure} {format_value(round(rule.value, 4), rule.unit)}"


def _explain(result: Report | Failure) -> str:
    """What is wrong first of all, and what to do about it, in the report's language."""
    if isinstance(result, Failure):
        return make_printable(str(result.error).removeprefix(f"{result.file}: "))
    words = open_words(result.lang)
    said = _say(result, words)
    if result.override is not None and result.verdict is not Verdict.ACCEPT:
        said = (*said, words.sentences["override"], result.override)
    return make_printable(join(said))


def _say(report: Report, words: Words) -> tuple[str, ...]:
    if report.verdict is Verdict.ACCEPT:
        if not report.issues:
            return (words.sentences["accept"],)
        return words.sentences["hint"], report.issues[0].message
    first = report.issues[0]
    if report.verdict is Verdict.FIX:
        return first.message, words.sentences["fix"]
    doubt = (words.sentences["review"],) if report.verdict is Verdict.REVIEW else ()
    return *doubt, first.message, first.advice


def _wrap(text: str, layout: Layout) -> str:
    indent = _VERDICT_WIDTH + _SCORE_WIDTH + layout.file_width + 6
    room = (layout.wrap_width or 0) - indent
    if room < _LEAST_ROOM:
        return text
    return f"\n{' ' * indent}".join(_break(text, room)) or text


def _break(text: str, room: int) -> list[str]:
    """Break a text into lines of so many columns: at blanks, and between East Asian letters."""
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if line and _measure(line + piece.rstrip()) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _fit(name: str, width: int) -> str:
    """Cut a name to a number of columns, keeping its end, and fill it up with blanks."""
    name = make_printable(name)
    if _measure(name) > width:
        while _measure(name) > width - 3:
            name = name[1:]
        name = "..." + name
    return name + " " * (width - _measure(name))


def make_printable(text: str) -> str:
    """Escape what would move the cursor or color the terminal: a file name may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _measure(text: str) -> int:
    """Columns on a terminal: East Asian letters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, columns: int) -> str:
    """As much of a text as has room in so many columns of a terminal."""
    while _measure(text) > columns:
        text = text[:-1]
    return text
