"""The parts of the bench: photos, tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.photos import Photo, pick, read_photos
from benchmarks.table import Table, to_text
from edge_iqa.errors import DataError


def test_photos_are_read_from_folders_and_files_and_told_apart(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "notes.txt", "deep/er/c.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    photos = read_photos([tmp_path, tmp_path / "a.png"])
    assert [photo.name for photo in photos] == ["a.png", "b.JPG", "deep/er/c.webp", "a.png (2)"]
    assert photos[0].data == photos[3].data == b"a.png"


def test_a_name_that_would_break_the_table_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "a\n\x1b[31m.jpg").write_bytes(b"")
    assert read_photos([tmp_path])[0].name == "a\\n\\x1b[31m.jpg"


def test_a_missing_photo_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg"):
        read_photos([tmp_path / "gone.jpg"])


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (2, [1, 9]), (3, [1, 5, 9]), (9, [9, 1, 5, 3, 7])])
def test_a_few_photos_are_picked_from_the_smallest_to_the_largest(count: int, sizes: list[int]) -> None:
    photos = [Photo(str(size), bytes(size)) for size in (9, 1, 5, 3, 7)]
    assert [len(photo.data) for photo in pick(photos, count)] == sizes


def test_a_plain_table_is_aligned() -> None:
    table = Table("Title", ("name", "ms"), (("a", "1.50"), (), ("longer", "12.25")))
    assert to_text(table) == "\n".join(
        ["Title", "name       ms", "------  -----", "a        1.50", "------  -----", "longer  12.25", ""]
    )
