"""A gallery's file: what was saved is what is opened, whatever was done in between; what was altered is refused."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from edge_iqa import Gallery, Inspector
from edge_iqa.errors import GalleryError
from edge_iqa.gallery import Kind, graph, shelf
from tests.edge_iqa.fingerprints import draw_fingerprint

PREFIX_BYTES = 64
Header = dict[str, Any]


@pytest.fixture(scope="module")
def saved(inspector: Inspector, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a gallery of three photos."""
    gallery = Gallery(inspector)
    for seed in range(3):
        gallery.add(draw_fingerprint(seed), f"photo {seed}")
    return gallery.save(tmp_path_factory.mktemp("saved") / "a.gallery").read_bytes()


@pytest.fixture
def reopen(inspector: Inspector, tmp_path: Path) -> Callable[[bytes], Gallery]:
    """Opens a gallery of these bytes."""

    def open_bytes(data: bytes) -> Gallery:
        path = tmp_path / "other.gallery"
        path.write_bytes(data)
        return Gallery.open(path, inspector)

    return open_bytes


def _edit(data: bytes, change: Callable[[Header], object]) -> bytes:
    """The file with another header that has the right hash, as one who writes it on purpose could."""
    length = struct.unpack_from("<Q", data, 24)[0]
    header = json.loads(data[PREFIX_BYTES : PREFIX_BYTES + length])
    change(header)
    told = json.dumps(header).encode()
    prefix = data[:24] + struct.pack("<Q", len(told)) + hashlib.sha256(told).digest()
    return prefix + told + data[PREFIX_BYTES + length :]


@pytest.mark.parametrize("seed", range(5))
def test_any_altered_byte_is_noticed(saved: bytes, reopen: Callable[[bytes], Gallery], seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = [*range(0, 80, 5), *rng.integers(0, len(saved), 20).tolist(), len(saved) - 1]
    for place in places:
        altered = bytearray(saved)
        altered[place] ^= int(rng.integers(1, 256))
        with pytest.raises(GalleryError):
            reopen(bytes(altered))


@given(kept=st.floats(0, 1, exclude_max=True))
def test_a_file_that_was_cut_short_is_refused(
    saved: bytes, inspector: Inspector, tmp_path_factory: pytest.TempPathFactory, kept: float
) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.gallery"
    path.write_bytes(saved[: int(kept * len(saved))])
    with pytest.raises(GalleryError):
        Gallery.open(path, inspector)


def test_a_file_with_more_behind_it_is_refused(saved: bytes, reopen: Callable[[bytes], Gallery]) -> None:
    with pytest.raises(GalleryError, match="damaged"):
        reopen(saved + b"x")


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0", b"PK\x03\x04" + bytes(100), bytes(1000)])
def test_a_foreign_file_is_said_to_be_no_gallery(reopen: Callable[[bytes], Gallery], data: bytes) -> None:
    with pytest.raises(GalleryError, match="this file is none"):
        reopen(data)


def test_a_later_layout_is_told_as_such(saved: bytes, reopen: Callable[[bytes], Gallery]) -> None:
    with pytest.raises(GalleryError, match="layout 1, got 2"):
        reopen(saved[:16] + struct.pack("<Q", 2) + saved[24:])


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(count=1 << 39),
        lambda header: header.update(count=-1),
        lambda header: header.update(dimension=1 << 13),
        lambda header: header.update(next_key=2),
        lambda header: header["sections"]["vectors"].update(bytes=1 << 39),
        lambda header: header["sections"]["graph"].update(bytes=1 << 39),
        lambda header: header["sections"].pop("names"),
        lambda header: header.update(model="default"),
        lambda header: header.update(count="3"),
    ],
)
def test_a_header_that_lies_is_refused_before_memory_is_taken(
    saved: bytes, reopen: Callable[[bytes], Gallery], change: Callable[[Header], object]
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(GalleryError, match="damaged"):
            reopen(_edit(saved, change))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_an_edit_that_changes_nothing_opens(saved: bytes, reopen: Callable[[bytes], Gallery]) -> None:
    assert len(reopen(_edit(saved, lambda header: None))) == 3


@pytest.mark.parametrize("target", ["missing", "folder"])
def test_what_is_not_there_is_told(inspector: Inspector, tmp_path: Path, target: str) -> None:
    path = tmp_path if target == "folder" else tmp_path / "missing.gallery"
    with pytest.raises(GalleryError, match="no such gallery" if target == "missing" else "could not be read"):
        Gallery.open(path, inspector)


def test_what_another_program_saved_is_not_overwritten(
    inspector: Inspector, saved: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.gallery"
    path.write_bytes(saved)
    one, two = Gallery.open(path, inspector), Gallery.open(path, inspector)
    one.add(draw_fingerprint(10), "of one")
    one.save()
    two.add(draw_fingerprint(11), "of two")
    with pytest.raises(GalleryError, match="changed by another program"):
        two.save()
    assert "of one" in Gallery.open(path, inspector)
    assert "of two" in Gallery.open(two.save(tmp_path / "b.gallery"), inspector)
    one.save()  # its own save was no change by others


def test_a_gallery_without_a_file_asks_for_one(inspector: Inspector) -> None:
    with pytest.raises(GalleryError, match="no file yet"):
        Gallery(inspector).save()


def test_names_of_files_that_are_no_text_are_kept(inspector: Inspector, tmp_path: Path) -> None:
    gallery = Gallery(inspector)
    names = [os.fsdecode(b"caf\xe9.jpg"), "照片.jpg", 'quoted".jpg']
    for seed, name in enumerate(names):
        gallery.add(draw_fingerprint(seed), name)
    assert list(Gallery.open(gallery.save(tmp_path / "a.gallery"), inspector)) == names


class _Machine(RuleBasedStateMachine):
    """A gallery beside a plain dict that does the same."""

    inspector: Inspector
    folder: Path
    names = st.integers(0, 9).map(lambda number: f"photo {number}")

    @initialize()
    def begin(self) -> None:
        self.gallery = Gallery(self.inspector)
        self.model: dict[str, int] = {}
        self.saved: dict[str, int] | None = None
        self.path = self.folder / f"{os.urandom(8).hex()}.gallery"

    @rule(name=names, seed=st.integers(0, 30))
    def add(self, name: str, seed: int) -> None:
        if name in self.model:
            with pytest.raises(GalleryError):
                self.gallery.add(draw_fingerprint(seed), name)
        else:
            self.gallery.add(draw_fingerprint(seed), name)
            self.model[name] = seed

    @rule(name=names)
    def remove(self, name: str) -> None:
        if name in self.model:
            self.gallery.remove(name)
            del self.model[name]
        else:
            with pytest.raises(GalleryError):
                self.gallery.remove(name)

    @rule(seed=st.integers(0, 30))
    def find(self, seed: int) -> None:
        found = self.gallery.find(draw_fingerprint(seed), 20)
        expected = {name for name, each in self.model.items() if each == seed}
        assert {match.name for match in found if match.kind is Kind.EXACT} == expected
        assert all(match.kind is Kind.EXACT for match in found)

    @rule()
    def save(self) -> None:
        self.gallery.save(self.path)
        self.saved = dict(self.model)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def open(self) -> None:
        self.gallery = Gallery.open(self.path, self.inspector)
        self.model = dict(self.saved or {})

    @invariant()
    def holds_the_same(self) -> None:
        if not hasattr(self, "gallery"):
            return
        assert sorted(self.gallery) == sorted(self.model)
        assert len(self.gallery) == len(self.model)
        for name, seed in self.model.items():
            stored, expected = self.gallery.get(name), draw_fingerprint(seed)
            assert np.array_equal(stored.embedding, expected.embedding)
            assert np.array_equal(stored.gray, expected.gray)
            assert (stored.phash, stored.score, stored.file_bytes) == (
                expected.phash,
                expected.score,
                expected.file_bytes,
            )


@pytest.mark.parametrize("most", [50_000, 3])
def test_a_gallery_is_a_dict_that_outlives_the_process(
    inspector: Inspector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Also where so few photos are many that the graph is built, goes stale, and is saved."""
    if most == 3 and graph.load() is None:
        pytest.skip("needs usearch: the graph of many photos")
    monkeypatch.setattr(shelf, "EXACT_MOST", most)
    monkeypatch.setattr(_Machine, "inspector", inspector, raising=False)
    monkeypatch.setattr(_Machine, "folder", tmp_path, raising=False)
    run_state_machine_as_test(_Machine, settings=settings(max_examples=20, stateful_step_count=25))
