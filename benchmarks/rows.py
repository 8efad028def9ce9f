"""Figures of a result file → rows and tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from export.markdown import format_table


def show_figure(figure: Mapping[str, Any]) -> list[str]:
    """A row of one figure of a bench: what, measured, bound, held or missed."""
    sign, point = "≥" if figure["at_least"] else "≤", " (point)" if figure["point"] else ""
    return [
        figure["what"],
        show_share(figure["estimate"]) if figure["estimate"] else "not measured",
        "" if figure["bound"] is None else f"{sign} {figure['bound']:g}{point}",
        {None: "", True: "held", False: "missed"}[figure["held"]],
    ]


def show_share(share: Mapping[str, float]) -> str:
    """A value with its interval and how many it stands on."""
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}], n {share['n']}"


def to_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    return format_table(header, list(rows)).splitlines()


def tell_warnings(result: Mapping[str, Any], of: str = "that run") -> list[str]:
    """What made its bench doubt a result, as lines of Markdown."""
    return [line for each in result.get("warnings", ()) for line in ("", f"Warning of {of}: {each}.")]
