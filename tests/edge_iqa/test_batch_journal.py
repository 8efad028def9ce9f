"""The journal of a run: whatever a crash leaves of it, whole rows stay and the rest can be done again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from edge_iqa.batch.clock import Progress
from edge_iqa.batch.journal import Journal
from edge_iqa.errors import OutputError

FACTS = {"model": "a", "lang": "en"}
PHOTOS = st.lists(
    st.tuples(
        st.text(
            st.characters(codec=None), max_size=6
        ),  # half letters too, as names that are no UTF-8 have them
        st.integers(-1, 2**40),
        st.dictionaries(
            st.text(max_size=3), st.none() | st.booleans() | st.floats(0, 1) | st.text(max_size=3), max_size=2
        ),
    ),
    max_size=6,
    unique_by=lambda photo: photo[0],
)


def fill(
    path: Path, photos: list[tuple[str, int, dict[str, Any]]], resume: bool
) -> dict[str, dict[str, Any]]:
    """Add those that are missing, and give all rows."""
    with Journal(path, FACTS, resume=resume) as journal:
        for name, size, row in photos:
            if not journal.has(name, (size, 1)):
                journal.append(name, (size, 1), row)
        assert len(journal) == len(photos)
        return {name: journal.read(name) for name, _, _ in photos}


@settings(max_examples=150)
@given(PHOTOS, st.floats(0, 1), st.binary(max_size=12))
def test_a_journal_cut_anywhere_with_anything_behind_is_filled_up_again(
    photos, share: float, tail: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.part"
        whole = fill(path, photos, resume=False)
        data = path.read_bytes()
        header = data.index(b"\n") + 1
        # a header cut short has nothing behind it
        cut = round(share * len(data))
        path.write_bytes(data[:cut] + (tail if cut >= header else b""))
        assert fill(path, photos, resume=True) == whole == {name: row for name, _, row in photos}


def test_a_later_row_of_a_photo_counts_and_a_changed_photo_is_another(tmp_path: Path) -> None:
    with Journal(tmp_path / "x.part", FACTS, resume=False) as journal:
        journal.append("a", (1, 1), {"n": 1})
        assert journal.has("a", (1, 1)) and not journal.has("a", (1, 2)) and not journal.has("b", (1, 1))
        journal.append("a", (1, 2), {"n": 2})
    with Journal(tmp_path / "x.part", FACTS, resume=True) as journal:
        assert journal.read("a") == {"n": 2} and len(journal) == 1


def test_other_facts_another_run_and_another_file_are_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    with Journal(path, FACTS, resume=False) as journal:
        journal.append("a", (1, 1), {})
        with pytest.raises(OutputError, match="another run"):
            Journal(path, FACTS, resume=True)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="lang 'en', now 'zh'"):
        Journal(path, {**FACTS, "lang": "zh"}, resume=True)
    assert path.read_bytes() == before
    path.write_bytes(b"GIF89a")
    with pytest.raises(OutputError, match="another file"):
        Journal(path, FACTS, resume=True)
    assert path.read_bytes() == b"GIF89a"


def test_progress_tells_how_fast_and_how_long() -> None:
    said: list[str] = []
    now = iter(range(0, 1000, 10))
    progress = Progress(110, 10, said.append, False, clock=lambda: next(now))
    for number in range(4):
        progress.count(number == 1)
    progress.close()
    # a photo in 10 s, told every 30; what a run before did counts for nothing
    assert said == ["13/110, 0.1 photos/s, 16:10 left, 1 error\n"]
