"""The benches of the gallery, in small: what they count as right, and that nothing passes that should not."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import copies, duplicates, kills, search, vectors
from benchmarks.copies import COPIES, CURVES
from benchmarks.duplicate_cases import ORIGINAL, PER_ORIGINAL, Case
from benchmarks.duplicates import Pair
from benchmarks.kills import Kill
from compression.data import Photo
from edge_iqa import Inspector, image
from edge_iqa.errors import DataError
from edge_iqa.gallery import graph
from edge_iqa.gallery.likeness import NEAR
from tests.edge_iqa.fingerprints import draw_fingerprint


def _case(original: int, kind: str, group: str = "") -> Case:
    return Case(original, kind, group or str(original), "", draw_fingerprint(original))


def _pair(one: Case, two: Case, likeness: float) -> Pair:
    return Pair(one, two, likeness, 0.1)


def test_every_kind_of_copy_is_a_photo_and_another_one(draw_photo) -> None:
    pixels = draw_photo(np.random.default_rng(0))
    for kind, copy in {**COPIES, **CURVES}.items():
        made = image.read(copy(pixels, np.random.default_rng(1))).pixels
        assert made.shape != pixels.shape or not np.array_equal(made, pixels), kind
    cut = image.read(COPIES["cropped 15 %"](pixels, np.random.default_rng(2))).pixels
    assert cut.shape[:2] == (102, 136)  # 85 % of 120 and of 160


def test_two_of_one_sender_count_as_neither() -> None:
    one, two, other = _case(0, ORIGINAL, "sender"), _case(1, ORIGINAL, "sender"), _case(2, ORIGINAL)
    assert _pair(one, _case(0, "resized", "sender"), 1).right is True
    assert _pair(one, two, 1).right is None
    assert _pair(one, other, 1).right is False
    mirrored = _case(0, duplicates.MIRRORED, "sender")
    assert _pair(one, mirrored, 1).right is None and _pair(other, mirrored, 1).right is False
    assert duplicates.Asked(one, mirrored, 1, 0.1).right is True


def test_many_wrong_claims_of_two_originals_blame_two() -> None:
    cases = [_case(number, kind) for number in range(10) for kind in (ORIGINAL, "resized")]
    pairs = [_pair(one, two, 1.0) for one in cases[:2] for two in cases[2:4]]
    pairs += [_pair(cases[4], cases[5], 1.0), _pair(cases[6], cases[8], NEAR - 0.01)]
    estimate = duplicates.count_blamed(cases, pairs).estimate
    assert estimate is not None and estimate.value == pytest.approx(0.2)


def test_a_copy_is_found_only_by_a_claim_that_joins_it_to_its_original() -> None:
    cases = [_case(number, kind) for number in range(4) for kind in (ORIGINAL, "resized", "brightened")]
    at = {case.name: case for case in cases}
    pairs = [
        _pair(at["0 original"], at["0 resized"], 1.0),
        _pair(at["1 brightened"], at["1 original"], NEAR),
        _pair(at["2 resized"], at["2 brightened"], 1.0),  # neither is the original
        _pair(at["3 original"], at["3 resized"], NEAR - 0.01),
    ]
    found = {figure.what: figure.estimate for figure in duplicates.recall(cases, pairs, NEAR, "", {})}
    assert found["found: resized"] is not None and found["found: brightened"] is not None
    assert (found["found: resized"].value, found["found: brightened"].value) == (0.25, 0.25)


def test_wrong_claims_lower_precision_and_raise_the_threshold() -> None:
    cases = [_case(number, kind) for number in range(200) for kind in (ORIGINAL, "resized")]
    right = [_pair(cases[2 * n], cases[2 * n + 1], 0.99) for n in range(200)]
    wrong = [_pair(cases[2 * n], cases[2 * n + 2], 0.97) for n in range(20)]
    figures = {figure.what: figure for figure in duplicates.judge(cases, [*right, *wrong])}
    precision = figures["claims of a copy that are right"]
    assert precision.estimate is not None and precision.estimate.value == pytest.approx(200 / 220)
    assert precision.held is False
    likeness = np.array([pair.likeness for pair in (*right, *wrong)])
    assert duplicates.find_threshold(likeness, np.arange(220) < 200) == pytest.approx(0.97)


@pytest.mark.slow
def test_the_bench_finds_the_copies_of_listings(tmp_path: Path) -> None:
    assert duplicates.main(["--photos", str(2 * PER_ORIGINAL), "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "duplicates-host.json").read_text())
    figures = {figure["what"]: figure for figure in result["figures"]}
    assert result["photos"] == 2 * PER_ORIGINAL
    assert figures["found: re-compressed"]["estimate"]["value"] == 1
    assert result["wrong_claims"] == []


def test_jitter_moves_copies_as_far_as_told_and_leaves_the_real_ones() -> None:
    real = np.array([draw_fingerprint(seed).embedding for seed in range(60)])
    moved = search.jitter(real, 600, 0.3)
    assert np.array_equal(moved[:60], real)
    assert np.linalg.norm(moved, axis=1) == pytest.approx(np.ones(600), abs=1e-5)
    reach = np.linalg.norm(moved[60:] - real[np.arange(60, 600) % 60], axis=1)
    assert 0.25 < np.median(reach) < 0.33


def test_recall_is_the_share_of_true_neighbors_that_the_graph_gives() -> None:
    if graph.load() is None:
        pytest.skip("needs usearch")
    stored = np.array([draw_fingerprint(seed).embedding for seed in range(500)])
    built, _ = search.build(stored)
    queries = np.array([draw_fingerprint(seed).embedding for seed in range(1000, 1030)])
    truth = search.search_exactly(stored, queries)
    found, wall_ms, cpu_ms = search.search(built, queries)
    figures = {figure.what: figure.estimate for figure in search.judge(found, truth, wall_ms, cpu_ms)}
    perfect = search.judge(list(truth), truth, wall_ms, cpu_ms)[0].estimate
    wrong = search.judge(list(truth + 1000), truth, wall_ms, cpu_ms)[0].estimate
    recall = figures["recall@10 against exact search"]
    assert recall is not None and perfect is not None and wrong is not None
    assert (perfect.value, wrong.value) == (1, 0)
    assert recall.value > 0.95


def test_a_gallery_is_lost_where_it_does_not_open_or_is_not_what_was_saved() -> None:
    kill = Kill(10, begun=7, done=6, held=6)
    assert kill.amid and not kill.lost and not replace(kill, held=7).lost
    for held in (None, 5, 8):
        assert replace(kill, held=held).lost


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_no_gallery_is_lost_to_kills() -> None:
    done, size_bytes = kills.run(10, photos=50)
    assert len(done) == 10 and size_bytes > 50 * 5000
    assert not any(kill.lost for kill in done)
    assert any(kill.begun > 0 for kill in done)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_loss_is_counted_and_the_bench_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    opens = []

    def ruin(inspector, path: Path, photos: int, after_ms: float) -> Kill:
        opens.append(kills.read_turn(inspector, path, photos))
        if len(opens) == 2:
            path.write_bytes(b"")
        return Kill(after_ms, 0, 0, kills.read_turn(inspector, path, photos))

    monkeypatch.setattr(kills, "kill_once", ruin)
    done, _ = kills.run(4, photos=3)
    assert opens == [0, 0, 0, 0]
    assert [kill.lost for kill in done] == [False, True, False, False]


def test_queries_with_which_the_graph_was_chosen_are_left_out() -> None:
    queries = np.arange(1000, dtype=np.float32)[:, None]
    assert search.leave_out_chosen(queries)[0, 0] == 400
    with pytest.raises(DataError):
        search.leave_out_chosen(queries[:400])


def test_embeddings_are_kept_until_the_code_of_the_copies_is_another(
    draw_photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(copies.encode(draw_photo(np.random.default_rng(0))))
    photos = [Photo(path, "test", "a")]
    with Inspector.open(threads=1) as inspector:
        _check_cache(inspector, photos, tmp_path, monkeypatch)


def _check_cache(
    inspector: Inspector, photos: list[Photo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = vectors.embed_copies(inspector, photos, 1, tmp_path / "cache")
    again = vectors.embed_copies(inspector, photos, 1, tmp_path / "cache")
    assert np.array_equal(first, again) and len(list((tmp_path / "cache").iterdir())) == 1
    code = tmp_path / "copies.py"
    code.write_text("another")
    monkeypatch.setattr(copies, "__file__", str(code))
    vectors.embed_copies(inspector, photos, 1, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2
