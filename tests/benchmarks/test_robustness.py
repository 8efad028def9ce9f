"""Small changes do what they say, attacks stay within their bounds and find something, figures say what rows say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import robustness, small_changes
from benchmarks.robust_figures import judge_attacks, judge_changes
from benchmarks.robust_sources import Task, pick, plan, render
from benchmarks.small_changes import CHANGES, encode_pair
from benchmarks.square import add_signs, search
from compression import attack, scenes
from compression.data import Photo
from compression.distill_options import REFERENCE
from compression.models.weights import load
from edge_iqa import Inspector, image, views
from tests.benchmarks.found import one, value

RNG = np.random.default_rng
NAMES = list(CHANGES)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return scenes.draw(5, 240, 320, "table").pixels


def test_a_shifted_frame_stands_one_pixel_lower_and_to_the_right(pixels: np.ndarray) -> None:
    base, shifted = small_changes.shift(pixels, RNG(0))
    assert base.shape == shifted.shape == (239, 319, 3)
    np.testing.assert_array_equal(shifted[:-1, :-1], base[1:, 1:])


def test_one_pixel_changes_by_half_of_the_scale_or_more_and_no_other(pixels: np.ndarray) -> None:
    places = set()
    for seed in range(20):
        base, changed = small_changes.set_pixel(pixels, RNG(seed))
        rows, columns = np.nonzero((base != changed).any(2))
        assert len(rows) == 1
        places.add((int(rows[0]), int(columns[0])))
        difference = changed[rows[0], columns[0]].astype(int) - base[rows[0], columns[0]]
        assert abs(difference.mean()) >= 127
    assert len(places) > 15


def test_gamma_is_the_formula_to_half_a_level() -> None:
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    base, changed = small_changes.darken(ramp, RNG(0))
    np.testing.assert_allclose(changed, 255 * (base / 255.0) ** 1.05, atol=0.5)
    assert (changed <= base).all() and changed[0, 0].max() == 0 and changed[8, 0, 0] == 124


def test_noise_is_one_level_in_every_channel_by_itself() -> None:
    gray = np.full((400, 400, 3), 120, np.uint8)
    base, changed = small_changes.add_noise(gray, RNG(3))
    noise = (changed.astype(float) - base).reshape(-1, 3)
    # rounding adds a twelfth of a level to the variance
    np.testing.assert_allclose(noise.std(0), (1 + 1 / 12) ** 0.5, rtol=0.02)
    assert np.abs(noise.mean(0)).max() < 0.01
    assert np.abs(np.corrcoef(noise.T)[np.triu_indices(3, 1)]).max() < 0.01


def test_a_drawn_line_is_turned_by_one_degree_and_the_base_is_cropped_alike() -> None:
    paper = np.full((480, 640, 3), 255, np.uint8)
    cv2.line(paper, (40, 240), (600, 240), (0, 0, 0), 3)
    paper[:, [0, -1]] = paper[[0, -1]] = 0
    seen = set()
    for seed in range(6):
        base, turned = small_changes.rotate(paper, RNG(seed))
        assert base.shape == turned.shape and turned.shape[0] < 480 and turned.shape[1] < 640
        assert _lean(base) == pytest.approx(0, abs=0.02)
        seen.add(round(_lean(turned), 1))
        # the photo's black rim is cropped away, but where the largest rectangle touches it
        assert np.median(turned[[0, -1]]) == np.median(turned[:, [0, -1]]) == 255
    assert seen == {-1.0, 1.0}


def test_a_resized_photo_has_nine_tenths_of_its_sides_and_its_mean(pixels: np.ndarray) -> None:
    base, small = small_changes.resize(pixels, RNG(0))
    assert small.shape[:2] == (round(0.9 * 239), round(0.9 * 319))
    np.testing.assert_allclose(small.mean((0, 1)), base.mean((0, 1)), atol=0.3)


@pytest.mark.parametrize("name", NAMES)
def test_both_files_of_a_pair_are_saved_alike_but_for_the_change_of_quality(
    name: str, pixels: np.ndarray
) -> None:
    files = encode_pair(name, pixels, RNG(0))
    assert files == encode_pair(name, pixels, RNG(0)), "the same seed, the same files"
    first, second = (_tables(each) for each in files)
    assert (first == second) is (name != "JPEG quality 90 for 95")
    assert files[0] != files[1]


def test_square_search_stays_within_epsilon_and_never_ends_below_its_beginning() -> None:
    given = RNG(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    # as smooth as what models look at: of white noise a square learns no more than of chance
    weights = np.kron(RNG(1).standard_normal((3, 4, 4, 3)), np.ones((1, 8, 8, 1)))

    def ask(shown: np.ndarray) -> float:
        assert shown.dtype == np.uint8 and np.abs(shown.astype(int) - given).max() <= 4
        asked.append(float((weights * shown).sum()))
        return asked[-1]

    gained, asked = {}, list[float]()
    for raising in (True, False):
        asked.clear()
        found = search(ask, given, 4, raising, 1000, RNG(2))
        assert len(asked) == found.queries == 1000
        assert found.after == (max if raising else min)(asked)
        assert found.before == asked[0] == ask(given) and found.after == ask(found.views)
        gained[raising] = found.after - found.before
    # a search does better than the best of as many draws
    drawn = [ask(add_signs(given, 4, RNG(seed))) - found.before for seed in range(1000)]
    assert gained[True] > max(drawn) and gained[False] < min(drawn)


def test_a_search_that_finds_nothing_gives_the_views_as_they_were() -> None:
    given = np.full((3, 16, 16, 3), 100, np.uint8)
    found = search(lambda shown: -float(np.abs(shown.astype(int) - given).sum()), given, 4, True, 30, RNG(0))
    np.testing.assert_array_equal(found.views, given)
    with pytest.raises(ValueError, match="queries from 1 and epsilon from 1"):
        search(lambda shown: 0.0, given, 0, True, 30, RNG(0))


def test_a_model_that_says_always_the_same_has_figures_of_zero_and_a_random_one_large_ones() -> None:
    random = RNG(0)
    for drawn, low, high in ((False, 0.0, 0.0), (True, 0.4, 1.0)):
        rows = [
            changed("noise of sigma 1", f"scene-{at}", *(random.random(2) if drawn else (0.8, 0.8)))
            for at in range(400)
        ]
        found = judge_changes(rows)
        moved = one(found, "the worst of the small changes: p99 of the score's change")
        flips = one(found, "the worst of the small changes: verdict flips, clear photos")
        for each in (moved, flips):
            assert each.estimate is not None and low <= each.estimate.value <= high
            assert each.held is not drawn and each.estimate.n == 400


def test_the_worst_change_is_held_to_the_bound_and_by_its_worse_end() -> None:
    rows = [changed("one pixel", f"photo-{at}", 0.8, 0.8) for at in range(400)]
    rows += [changed("gamma 1.05", f"photo-{at}", 0.8, 0.8 - (0.3 if at < 3 else 0.01)) for at in range(400)]
    found = judge_changes(rows)
    assert value(found, "gamma 1.05: p99 of the score's change") == pytest.approx(0.01)
    worst = one(found, "the worst of the small changes: p99 of the score's change")
    assert worst.estimate is not None and worst.estimate.high == pytest.approx(0.3) and worst.held is False
    assert value(found, "one pixel: p99 of the score's change") == 0


def test_flips_are_of_clear_photos_and_from_accept_or_to_it() -> None:
    rows = [
        changed("one pixel", "photo-1", 0.8, 0.4),
        {**changed("one pixel", "photo-2", 0.5, 0.4), "verdict": ["review", "retake"]},
        {**changed("one pixel", "photo-3", 0.8, 0.4), "label": 0.6},
        changed("one pixel", "photo-4", 0.8, 0.8),
    ]
    found = judge_changes(rows)
    assert value(found, "one pixel: verdict flips, clear photos") == pytest.approx(1 / 3)
    assert value(found, "one pixel: accept or not changes, all photos") == 0.5
    assert value(found, "one pixel: another verdict, all photos") == 0.75
    assert one(found, "one pixel: p99 of the score's change").estimate is None, "four are too few"


def test_an_attack_wins_where_the_score_passes_the_bound_the_way_it_wants() -> None:
    plain = {"attack": "square", "epsilon": 4, "accept": 0.6}
    scores = [(0.9, 0.5), (0.9, 0.7), (0.2, 0.7), (0.2, 0.1)]
    rows = [{**plain, "group": str(at), "score": list(pair)} for at, pair in enumerate(scores)]
    found = judge_attacks(rows)
    mean = (0.4 + 0.2 + 0.5 - 0.1) / 4
    assert value(found, "square, 4/255: mean change of the score") == pytest.approx(mean)
    assert value(found, "square, 4/255: verdict won") == 0.5
    assert value(found, "square, 4/255, accepted photos: verdict won") == 0.5
    assert value(found, "square, 4/255, other photos: mean change of the score") == pytest.approx(0.2)
    assert all(each.bound is None for each in found)


def test_photos_and_scenes_stand_among_each_other_and_are_rendered_the_same_each_time(tmp_path: Path) -> None:
    photos = [Photo(tmp_path / f"{at}.png", "test", "a") for at in range(6)]
    tasks = plan(photos, 3)
    kinds = [isinstance(task.source, int) for task in tasks]
    assert sum(kinds) == 3 and len(tasks) == 9 and any(kinds[:3]) and not all(kinds[:3])
    assert pick(tasks, 4)[0] == tasks[0] and len(set(pick(tasks, 4))) == 4
    cv2.imwrite(str(photos[0].path), scenes.draw(3, 96, 128).pixels[..., ::-1])
    clean, spoiled = render(Task(photos[0]))
    assert clean.fault == "clean" != spoiled.fault and spoiled.label < clean.label <= 1
    assert [each.encoded for each in render(Task(photos[0]))] == [clean.encoded, spoiled.encoded]


def test_the_bench_leaves_out_what_it_cannot_read_and_goes_on_from_the_rows_it_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(("good", "other")):
        cv2.imwrite(str(tmp_path / f"{name}.png"), scenes.draw(seed, 96, 128).pixels[..., ::-1])
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:400])
    table = "path,split,group\ngood.png,test,a\nother.png,test,b\nbad.png,test,c\n"
    (tmp_path / "photos.csv").write_text(table)
    arguments = [
        *(
            "--data",
            str(tmp_path / "photos.csv"),
            "--scenes",
            "0",
            "--parts",
            "small,square",
            "--queries",
            "3",
        ),
        *("--jobs", "1", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")),
    ]
    assert robustness.main(arguments) == 0
    assert "left out: " in capsys.readouterr().out
    result, attacked = (
        json.loads((tmp_path / "out" / f"robustness-{part}-host.json").read_text())
        for part in ("small", "square")
    )
    assert (result["photos"], result["scenes"], result["renderings"]) == (2, 0, 4)
    assert attacked["queries"] == 3 and not any(each["bound"] for each in attacked["figures"])
    mean = next(each for each in result["figures"] if each["what"] == "one pixel: mean of the score's change")
    assert mean["estimate"]["n"] == 4 and 0 <= mean["estimate"]["value"] < 0.2
    kept = [path for path in (tmp_path / "runs").glob("small-*/*.json") if "left_out" not in path.read_text()]
    assert len(kept) == 2
    for path in kept:
        path.write_text(json.dumps([{**row, "score": [1.0, 0.0]} for row in json.loads(path.read_text())]))
    assert robustness.main([*arguments, "--parts", "small"]) == 0
    result = json.loads((tmp_path / "out" / "robustness-small-host.json").read_text())
    mean = next(each for each in result["figures"] if each["what"] == "one pixel: mean of the score's change")
    assert mean["estimate"]["value"] == 1, "kept rows are read, not made anew"


def test_what_fools_the_student_fools_the_devices_int8_model_further_than_chance() -> None:
    net = load(REFERENCE / "default.safetensors")[0].requires_grad_(False)
    clean, _ = render(Task(90_000))
    with Inspector.open() as inspector:
        spec = inspector.bundle.manifest.views
        cut = views.cut(image.read(clean.encoded, long_side_px=spec.long_side_px), spec)
        fooled = attack.fool(net, cut, 4, False, RNG(0), steps=3)
        shown = (cut, add_signs(cut, 4, RNG(0)), fooled)
        before, by_chance, after = (float(inspector.backend.run(each).scores[0]) for each in shown)
    assert before > 0.6 and after < before - 0.3 and after < by_chance - 0.1


def test_options_that_make_no_sense_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        robustness.main(["--parts", "large"])
    assert "expected names of small, pgd, square" in capsys.readouterr().err
    assert robustness.main(["--scenes", "0", "--out", str(tmp_path)]) == 1
    assert "nothing to look at" in capsys.readouterr().err


def changed(name: str, source: str, before: float, after: float) -> dict[str, Any]:
    """A row of a photo that is good by its label; from 0.6 up it is accepted."""
    said = ["accept" if score >= 0.6 else "retake" for score in (before, after)]
    return {
        "change": name, "source": source, "group": source, "fault": "clean", "severity": 0.0, "label": 0.9,
        "score": [before, after], "verdict": said,
    }  # fmt: skip


def _lean(pixels: np.ndarray) -> float:
    """Degrees by which the dark line across the middle leans."""
    dark = 255 - pixels[20:-20, 80:-80, 0].astype(float)
    rows = (dark * np.arange(len(dark))[:, None]).sum(0) / dark.sum(0)
    return float(np.degrees(np.arctan(np.polyfit(np.arange(dark.shape[1]), rows, 1)[0])))


def _tables(encoded: bytes) -> list[bytes]:
    """Quantization tables of a JPEG file."""
    parts = encoded.split(b"\xff\xdb")[1:]
    return [part[: int.from_bytes(part[:2], "big")] for part in parts]
