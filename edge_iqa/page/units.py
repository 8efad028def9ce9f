"""Values as people read them."""

from __future__ import annotations

_NO_SPACE = {"degrees": "°", "times": "×"}


def show_value(value: float | str | None, unit: str) -> str:
    """A measured value with its unit: `85 %`, `1,600 px`, `1.4 MB`."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if unit == "share":
        return f"{_round(100 * value)} %"
    if unit == "bytes":
        return _show_bytes(value)
    if unit in _NO_SPACE:
        return f"{_round(value)}{_NO_SPACE[unit]}"
    if unit == "u'v'":
        return f"{value:.3f} u′v′"
    return f"{_round(value)} {unit}".rstrip()


def show_bound(bound: str) -> str:
    """The bound of a rule, with the signs of mathematics for those of programs."""
    return bound.replace(">=", "≥").replace("<=", "≤")


def show_score(score: float) -> str:
    """A score of 0 to 100 with one digit behind the point."""
    return f"{score:.1f}"


def show_share(share: float) -> str:
    """0 to 1 as whole percent."""
    return f"{100 * share:.0f} %"


def _round(value: float) -> str:
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _show_bytes(count: float) -> str:
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"
