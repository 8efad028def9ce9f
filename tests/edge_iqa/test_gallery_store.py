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


def _replace_names(data: bytes, names: bytes) -> bytes:
    """The file with other names that have the right hash."""
    length = struct.unpack_from("<Q", data, 24)[0]
    header = json.loads(data[PREFIX_BYTES : PREFIX_BYTES + length])
    section = header["sections"]["names"]
    start = PREFIX_BYTES + length
    rest = data[start + section["bytes"] :]
    section.update(bytes=len(names), sha256=hashlib.sha256(names).hexdigest())
    told = json.dumps(header).encode()
    prefix = data[:24] + struct.pack("<Q", len(told)) + hashlib.sha256(told).digest()
    return prefix + told + names + rest


@pytest.mark.parametrize(
    "names", [b"[", b"\xff\xfe", b"[" * 200_000, b"{}", b'["a", "a", "b"]', b'["a", "b"]', b'["a", "b", 3]']
)
def test_names_that_cannot_be_are_refused(
    saved: bytes, reopen: Callable[[bytes], Gallery], names: bytes
) -> None:
    assert len(reopen(_replace_names(saved, b'["a", "b", "c"]'))) == 3
    with pytest.raises(GalleryError, match="damaged"):
        reopen(_replace_names(saved, names))


def test_a_header_nested_deeply_is_refused(saved: bytes, reopen: Callable[[bytes], Gallery]) -> None:
    told = b"[" * 60_000
    prefix = saved[:24] + struct.pack("<Q", len(told)) + hashlib.sha256(told).digest()
    with pytest.raises(GalleryError, match="damaged"):
        reopen(prefix + told)


def test_a_foreign_name_of_a_model_moves_no_cursor(saved: bytes, reopen: Callable[[bytes], Gallery]) -> None:
    changed = _edit(saved, lambda header: header["model"].update(bundle="\x1b[2Jx" * 1000, sha256="\x1b[2J"))
    with pytest.raises(GalleryError, match="cannot be compared") as caught:
        reopen(changed)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 1500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes that have names")
def test_a_pipe_is_refused_at_once(inspector: Inspector, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.gallery")
    with pytest.raises(GalleryError, match="got a pipe"):
        Gallery.open(tmp_path / "a.gallery", inspector)


def test_of_a_few_photos_no_graph_is_loaded(
    inspector: Inspector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """usearch trusts what it reads, and a small gallery needs none."""
    if graph.load() is None:
        pytest.skip("needs usearch")
    gallery = Gallery(inspector)
    for seed in range(10):
        gallery.add(draw_fingerprint(seed), f"photo {seed}")
    with monkeypatch.context() as patched:
        patched.setattr(shelf, "EXACT_MOST", 3)
        path = gallery.save(tmp_path / "a.gallery")
    loaded = []
    monkeypatch.setattr(graph.Graph, "from_bytes", lambda *_: loaded.append(1))
    opened = Gallery.open(path, inspector)
    assert not loaded and opened.find(draw_fingerprint(4))[0].name == "photo 4"


def test_of_two_programs_that_begin_one_gallery_the_second_is_told(
    inspector: Inspector, tmp_path: Path
) -> None:
    path = tmp_path / "a.gallery"
    one, two, three = Gallery.begin(path, inspector), Gallery.begin(path, inspector), Gallery(inspector)
    for seed, gallery in enumerate((one, two, three)):
        gallery.add(draw_fingerprint(seed), f"photo {seed}")
    one.save()
    with pytest.raises(GalleryError, match="there is a file already"):
        two.save()
    with pytest.raises(GalleryError, match="there is a file already"):
        three.save(path)
    assert list(Gallery.open(path, inspector)) == ["photo 0"]
    three.save(path, overwrite=True)
    assert list(Gallery.open(path, inspector)) == ["photo 2"]


def test_a_gallery_that_comes_amid_a_save_is_not_replaced(
    inspector: Inspector, saved: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, pack = tmp_path / "a.gallery", shelf.Shelf.pack

    def pack_late(self: shelf.Shelf) -> shelf.Content:
        path.write_bytes(saved)
        return pack(self)

    monkeypatch.setattr(shelf.Shelf, "pack", pack_late)
    gallery = Gallery.begin(path, inspector)
    with pytest.raises(GalleryError, match="there is a file already"):
        gallery.save()
    assert path.read_bytes() == saved


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_a_link_is_written_through_and_is_the_file_it_leads_to(
    inspector: Inspector, saved: bytes, tmp_path: Path
) -> None:
    real, link = tmp_path / "real.gallery", tmp_path / "link.gallery"
    real.write_bytes(saved)
    link.symlink_to(real)
    one, two = Gallery.open(link, inspector), Gallery.open(real, inspector)
    one.add(draw_fingerprint(10), "of one")
    one.save()
    assert link.is_symlink() and "of one" in Gallery.open(real, inspector)
    two.add(draw_fingerprint(11), "of two")
    with pytest.raises(GalleryError, match="changed by another program"):
        two.save(link)


def test_what_another_program_puts_there_after_a_save_is_no_own_save(
    inspector: Inspector, saved: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, replace = tmp_path / "a.gallery", os.replace
    gallery = Gallery.begin(path, inspector)
    gallery.add(draw_fingerprint(0), "mine")
    gallery.save()

    def replace_and_lose(source: str, target: str) -> None:
        replace(source, target)
        other = tmp_path / "other"
        other.write_bytes(saved)
        replace(other, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace_and_lose)
        gallery.save()
    with pytest.raises(GalleryError, match="changed by another program"):
        gallery.save()
    assert path.read_bytes() == saved
