"""Neighbors among many: nearly exact with usearch, exact and slow without."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_iqa import Gallery, Inspector
from edge_iqa.gallery import Fingerprint, graph, shelf
from tests.edge_iqa.fingerprints import draw_fingerprint

MANY = 400


@pytest.fixture(scope="module")
def photos() -> list[str]:
    return [f"photo {seed}" for seed in range(MANY)]


def _fill(inspector: Inspector) -> Gallery:
    gallery = Gallery(inspector)
    for seed in range(MANY):
        gallery.add(draw_fingerprint(seed), f"photo {seed}")
    return gallery


def _nearest(gallery: Gallery, seed: int, count: int = 10) -> list[str]:
    return [name for name, _, _ in gallery.gather(draw_fingerprint(seed), count)][:count]


def _expect(seed: int, gone: range = range(0), count: int = 10) -> list[str]:
    """The nearest by all distances, sorted."""
    asked = draw_fingerprint(seed).embedding
    left = [each for each in range(MANY) if each not in gone]
    alike = np.array([draw_fingerprint(each).embedding @ asked for each in left])
    return [f"photo {left[at]}" for at in np.argsort(-alike)[:count]]


def test_few_photos_are_searched_exactly(inspector: Inspector) -> None:
    gallery = _fill(inspector)
    for seed in range(1000, 1010):
        assert _nearest(gallery, seed) == _expect(seed)


def test_many_photos_are_searched_by_the_graph_and_nearly_exactly(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if graph.load() is None:
        pytest.skip("needs usearch")
    monkeypatch.setattr(shelf, "EXACT_MOST", 100)
    gallery = _fill(inspector)
    path = gallery.save(tmp_path / "many.gallery")
    built = []
    monkeypatch.setattr(graph.Graph, "add", lambda *_, **__: built.append(1))
    opened = Gallery.open(path, inspector)  # with the graph that was saved: none is built
    for one in (gallery, opened):
        hits = [len(set(_nearest(one, seed)) & set(_expect(seed))) for seed in range(1000, 1030)]
        assert sum(hits) >= 0.95 * 300
    assert not built


def test_removed_photos_are_passed_over_and_do_not_crowd_out_others(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    if graph.load() is None:
        pytest.skip("needs usearch")
    monkeypatch.setattr(shelf, "EXACT_MOST", 100)
    gallery, gone = _fill(inspector), range(60)
    _nearest(gallery, 1000)  # the graph is there before they go
    for seed in gone:
        gallery.remove(f"photo {seed}")
    hits = [len(set(_nearest(gallery, seed)) & set(_expect(seed, gone))) for seed in range(1000, 1020)]
    assert sum(hits) >= 0.95 * 200
    for seed in range(60, 120):  # so many are gone now that it is built anew
        gallery.remove(f"photo {seed}")
    hits = [len(set(_nearest(gallery, seed)) & set(_expect(seed, range(120)))) for seed in range(1000, 1020)]
    assert sum(hits) >= 0.95 * 200


def test_without_usearch_many_photos_are_searched_all_the_same_and_it_is_told_once(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(shelf, "EXACT_MOST", 100)
    monkeypatch.setattr(graph, "load", lambda: None)
    gallery = _fill(inspector)
    with caplog.at_level(logging.WARNING, "edge_iqa"):
        for seed in range(1000, 1005):
            assert _nearest(gallery, seed) == _expect(seed)
    assert [record.getMessage().count("edge-iqa[gallery]") for record in caplog.records] == [1]
    assert len(Gallery.open(gallery.save(tmp_path / "a.gallery"), inspector)) == MANY


def test_a_graph_that_was_saved_is_no_hindrance_where_usearch_is_missing(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if graph.load() is None:
        pytest.skip("needs usearch")
    monkeypatch.setattr(shelf, "EXACT_MOST", 100)
    path = _fill(inspector).save(tmp_path / "many.gallery")
    monkeypatch.setattr(graph, "load", lambda: None)
    assert _nearest(Gallery.open(path, inspector), 1000) == _expect(1000)


def _draw_near(seed: int, spread: float) -> Fingerprint:
    """One of a cluster: near to photo 5000, and as a hash the same."""
    center, noise = draw_fingerprint(5000), draw_fingerprint(seed).embedding
    vector = center.embedding + np.float32(spread) * noise
    embedding = (vector / np.linalg.norm(vector)).astype(np.float32)
    return replace(draw_fingerprint(seed), embedding=embedding, phash=center.phash)


@pytest.mark.parametrize("most", [50_000, 100])
def test_removed_photos_that_were_nearest_do_not_crowd_out_the_rest(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    if most == 100 and graph.load() is None:
        pytest.skip("needs usearch")
    monkeypatch.setattr(shelf, "EXACT_MOST", most)
    gallery = _fill(inspector)
    for seed in range(6000, 6060):
        gallery.add(_draw_near(seed, 0.1), f"gone {seed}")
    for seed in range(7000, 7012):
        gallery.add(_draw_near(seed, 0.5), f"left {seed}")
    asked = draw_fingerprint(5000)
    assert all(name.startswith("gone") for name, _, _ in gallery.gather(asked, 10)[:10])
    for seed in range(6000, 6060):
        gallery.remove(f"gone {seed}")
    near = [name for name, _, _ in gallery._shelf.find_near(asked, 10)]
    assert len(near) == 10 and all(name.startswith("left") for name in near)
    hashed = [name for name, _, _ in gallery._shelf.find_by_hash(asked, 10, 8)]
    assert len(hashed) == 10 and all(name.startswith("left") for name in hashed)


def test_photos_that_are_fewer_than_asked_for_are_all_given_though_others_went(inspector: Inspector) -> None:
    """Also those that lie on the other side: a removed one is no zero that is nearer."""
    gallery = _fill(inspector)
    for seed in range(150):
        gallery.remove(f"photo {seed}")
    assert len(_nearest(gallery, 1000, 250)) == 250


def test_photos_that_come_and_go_take_no_more_memory(inspector: Inspector) -> None:
    gallery = _fill(inspector)
    for turn in range(3000):
        gallery.add(draw_fingerprint(1000 + turn % 50), f"turn {turn}")
        gallery.remove(f"turn {turn}")
    assert len(gallery) == MANY and len(gallery._shelf._facts) < 4 * MANY
    assert _nearest(gallery, 1000) == _expect(1000)
