"""The table of the camera's states in the README says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from edge_iqa.camera import states
from edge_iqa.camera.names import FAULTS, STATES

README = Path(__file__).resolve().parents[2] / "edge_iqa" / "README.md"
BOUNDS = {
    "moving": [states.MOVING],
    "too_dark": [states.DARK],
    "too_bright": [states.BRIGHT, states.WASHED_OUT],
    "no_product": [states.LOST],
    "blurry": [states.BLURRY],
    "cut_off": [states.CUT],
}
"""All but that of `too_far`, which comes from the policy."""


def test_the_table_of_states_in_the_readme_has_the_bounds_and_the_order_of_the_code() -> None:
    rows = _read_rows()
    assert tuple(rows) == (*FAULTS, "steady", "good")
    assert set(rows) == set(STATES)
    assert {name: rows[name] for name in BOUNDS} == {
        name: [_write(bound) for bound in bounds] for name, bounds in BOUNDS.items()
    }


def _read_rows() -> dict[str, list[tuple[str, str]]]:
    """What stands under "from" and "until", by state; a row without a state goes on with the one before."""
    lines = README.read_text(encoding="utf-8").partition("| state | what is measured")[2].splitlines()[2:]
    rows: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in re.split(r"\|", line)[1:-1]]
        name = cells[0].strip("`") or name
        rows.setdefault(name, []).append((cells[2], cells[3]))
    return rows


def _write(bound: states.Bound) -> tuple[str, str]:
    enter, leave = (">", "≤") if bound.enter > bound.leave else ("<", "≥")
    return f"{enter} {bound.enter:g}", f"{leave} {bound.leave:g}"
