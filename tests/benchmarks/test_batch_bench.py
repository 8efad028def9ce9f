"""The bench of batches finds what is lost, doubled or changed."""

from __future__ import annotations

import pytest

from benchmarks import batch

ROWS = [{"file": name, "score": number} for number, name in enumerate("abcd")]


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (ROWS, (0, 0, 0)),
        (ROWS[::-1], (0, 0, 0)),
        (ROWS[1:], (1, 0, 0)),
        ([*ROWS, ROWS[2], ROWS[2]], (0, 2, 0)),
        ([*ROWS[:3], {"file": "d", "score": 9}], (0, 0, 1)),
        ([*ROWS[:3], {"file": "e", "score": 3}], (1, 1, 0)),
        ([], (4, 0, 0)),
    ],
)
def test_every_row_that_is_not_as_it_should_be_is_counted(rows: list, wrong: tuple[int, int, int]) -> None:
    found = batch.compare(ROWS, rows)
    assert (found["lost"], found["doubled"], found["changed"]) == wrong
