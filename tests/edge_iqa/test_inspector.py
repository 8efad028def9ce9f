"""A photo in, a report out: whatever it comes as, from any thread, and with bad ones in between."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_iqa import Failure, Inspector, Report, Verdict, backends, image, opencv
from edge_iqa.errors import (
    BackendError,
    DamagedPhotoError,
    PhotoError,
    PhotoSizeError,
    PolicyError,
    UnsupportedPhotoError,
    WordsError,
)
from edge_iqa.policy import open_policy, parse_policy

BACKENDS = [backends.NAMES[runtime] for runtime in backends.available()]

Pixels = NDArray[np.uint8]


def _essence(report: Report | Failure) -> tuple[Any, ...]:
    """All of a report but its clock."""
    assert isinstance(report, Report)
    values = {key: value for key, value in report.to_dict().items() if key != "timing_ms"}
    return values, report.embedding.tolist()


def _codes(report: Report) -> set[str]:
    return {issue.code for issue in report.issues}


@pytest.fixture
def png(good_photo: Pixels, tmp_path: Path) -> Path:
    """A photo on disk whose pixels are known exactly."""
    path = tmp_path / "photo.png"
    cv2 = opencv.load()
    path.write_bytes(cv2.imencode(".png", good_photo[:, :, ::-1])[1].tobytes())
    return path


def test_path_bytes_image_and_array_of_one_photo_score_the_same(
    inspector: Inspector, png: Path, good_photo: Pixels
) -> None:
    expected = inspector.inspect(good_photo)
    data = png.read_bytes()
    for photo in (png, str(png), data, bytearray(data), memoryview(data)):
        report = inspector.inspect(photo)
        assert (report.score, report.attributes) == (expected.score, expected.attributes)
        np.testing.assert_array_equal(report.embedding, expected.embedding)


def test_pil_image_scores_as_its_file_does(inspector: Inspector, png: Path) -> None:
    pil = pytest.importorskip("PIL.Image")
    with pil.open(png) as picture:
        assert inspector.inspect(picture).score == inspector.inspect(png).score


def test_report_names_the_file_as_it_was_given(inspector: Inspector, png: Path, good_photo: Pixels) -> None:
    assert inspector.inspect(png).file == str(png)
    assert inspector.inspect(png.read_bytes()).file == ""
    assert inspector.inspect(good_photo).file == ""


def test_report_holds_what_the_bundle_promises(inspector: Inspector, png: Path, good_photo: Pixels) -> None:
    report = inspector.inspect(png)
    assert tuple(report.attributes) == inspector.bundle.manifest.outputs.attributes
    assert (report.height_px, report.width_px) == good_photo.shape[:2]
    assert report.bundle == inspector.bundle.label
    assert report.experimental is inspector.bundle.experimental
    assert report.backend in BACKENDS
    assert (report.category is None) is (not inspector.bundle.manifest.outputs.categories)
    assert report.embedding.shape == (inspector.bundle.manifest.outputs.embedding,)
    assert np.linalg.norm(report.embedding) == pytest.approx(1, abs=0.02)


def test_scores_run_from_0_to_100_and_what_is_not_accepted_has_a_reason(inspector: Inspector) -> None:
    rng = np.random.default_rng(3)
    for level in (0, 40, 128, 255):
        for spread in (0, 3, 60, 255):
            noise = rng.normal(level, spread, (120, 90, 3)).clip(0, 255).astype(np.uint8)
            report = inspector.inspect(noise)
            assert all(0 <= value <= 100 for value in (report.score, *report.attributes.values()))
            assert all(0 <= issue.severity <= 1 for issue in report.issues)
            assert report.verdict is Verdict.ACCEPT or report.issues


@pytest.mark.parametrize("backend", BACKENDS)
def test_blurred_photo_is_called_blurry_in_words(backend: str, good_photo: Pixels) -> None:
    blurred = opencv.load().GaussianBlur(good_photo, (0, 0), max(good_photo.shape) / 120)
    with Inspector.open(backend=backend) as inspector:
        sharp, soft = inspector.inspect(good_photo), inspector.inspect(blurred)
    assert sharp.verdict is Verdict.ACCEPT
    assert soft.verdict is Verdict.RETAKE
    assert soft.score < sharp.score
    assert "BLUR_DEFOCUS" in _codes(soft)
    assert any("blurry" in issue.message for issue in soft.issues)


def test_dark_photo_is_called_too_dark(inspector: Inspector, good_photo: Pixels) -> None:
    dark = inspector.inspect((good_photo * 0.12).astype(np.uint8))
    assert dark.verdict is not Verdict.ACCEPT
    assert "TOO_DARK" in _codes(dark)


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 30, 90)], ids=str)
def test_one_flat_color_is_empty_and_to_be_retaken(color: tuple[int, int, int], inspector: Inspector) -> None:
    report = inspector.inspect(np.full((300, 400, 3), color, np.uint8))
    assert (report.verdict, report.score, _codes(report)) == (Verdict.RETAKE, 0, {"EMPTY"})


@pytest.mark.parametrize("backend", BACKENDS)
def test_golden_photos_pass_their_self_test(backend: str) -> None:
    with Inspector.open(backend=backend) as inspector:
        results = inspector.self_test()
    assert [result.photo for result in results] == [
        golden.photo for golden in inspector.bundle.manifest.golden
    ]
    assert [result for result in results if not result.passed] == []


def _shift_scores(manifest: dict[str, Any]) -> None:
    for golden in manifest["golden"]:
        for path, scores in golden["scores"].items():
            golden["scores"][path] = [score + 0.2 if score < 0.5 else score - 0.2 for score in scores]


def _swap_views(manifest: dict[str, Any]) -> None:
    first, second = manifest["golden"][:2]
    first["views"], second["views"] = second["views"], first["views"]


def _swap_verdicts(manifest: dict[str, Any]) -> None:
    manifest["tolerance"]["scores"] = 0.01  # so that no golden score is near a bound by accident
    manifest["thresholds"].update(accept=0.0, reject=0.0)
    for golden in manifest["golden"]:
        golden["verdict"] = "retake"


@pytest.mark.parametrize("change", [_shift_scores, _swap_views, _swap_verdicts])
def test_self_test_fails_where_this_machine_differs(
    change: Callable[[dict[str, Any]], None], edit_manifest: Callable[..., Path]
) -> None:
    with Inspector.open(edit_manifest(change)) as inspector:
        assert any(not result.passed for result in inspector.self_test())


def test_stages_of_the_timing_add_up_to_its_total(inspector: Inspector, png: Path) -> None:
    timing = dict(inspector.inspect(png).timing_ms)
    total = timing.pop("total")
    assert list(timing) == ["decode", "views", "model", "measure", "verdict"]
    assert all(value > 0 for value in timing.values())
    assert math.isclose(sum(timing.values()), total, rel_tol=1e-9)


def test_model_in_memory_outlives_its_files(bundle_copy: Path, good_photo: Pixels) -> None:
    inspector = Inspector.open(bundle_copy)
    before = inspector.inspect(good_photo)
    for path in bundle_copy.rglob("model*"):
        path.write_bytes(b"")
    assert _essence(inspector.inspect(good_photo)) == _essence(before)


def test_closed_inspector_says_so(good_photo: Pixels) -> None:
    with Inspector.open() as inspector:
        inspector.inspect(good_photo)
    inspector.close()  # twice does no harm
    for use in (
        lambda: inspector.inspect(good_photo),
        lambda: inspector.inspect_many([good_photo]),
        inspector.self_test,
        inspector.__enter__,
    ):
        with pytest.raises(BackendError, match="closed; open another"):
            use()
    assert "closed" in repr(inspector)


@pytest.mark.parametrize("experimental", [True, False])
def test_experimental_bundle_warns_once_when_opened(
    experimental: bool,
    edit_manifest: Callable[..., Path],
    good_photo: Pixels,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = edit_manifest(lambda manifest: manifest.update(experimental=experimental))
    with caplog.at_level(logging.WARNING, "edge_iqa"), Inspector.open(folder) as inspector:
        assert inspector.inspect(good_photo).experimental is experimental
        inspector.inspect(good_photo)
    assert [record.name for record in caplog.records] == ["edge_iqa"] * experimental
    assert all("experimental" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("backend", BACKENDS)
def test_many_threads_on_one_inspector_give_what_one_gives(backend: str, photo_paths: list[Path]) -> None:
    with Inspector.open(backend=backend) as inspector:
        alone = [_essence(inspector.inspect(path)) for path in photo_paths]
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(inspector.inspect, photo_paths * 4))
    assert [_essence(report) for report in together] == alone * 4


def test_event_loop_may_hand_photos_to_threads(inspector: Inspector, photo_paths: list[Path]) -> None:
    async def inspect_all() -> list[Report]:
        return await asyncio.gather(*(asyncio.to_thread(inspector.inspect, path) for path in photo_paths))

    expected = [_essence(inspector.inspect(path)) for path in photo_paths]
    assert [_essence(report) for report in asyncio.run(inspect_all())] == expected


@pytest.mark.parametrize("jobs", [None, 1, 3, 50])
def test_batch_gives_what_single_calls_give_in_order(
    jobs: int | None, inspector: Inspector, photo_paths: list[Path]
) -> None:
    photos = photo_paths * 3
    expected = [_essence(inspector.inspect(path)) for path in photo_paths] * 3
    assert [_essence(report) for report in inspector.inspect_many(photos, jobs)] == expected


def test_bad_photo_stops_nothing_in_a_batch(
    inspector: Inspector, photo_paths: list[Path], tmp_path: Path
) -> None:
    good = photo_paths[0]
    truncated = tmp_path / "truncated.jpg"
    truncated.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    missing = tmp_path / "missing.jpg"
    photos = [truncated, good, b"no image", missing, np.zeros((5, 5), np.float64), good, tmp_path]
    results = list(inspector.inspect_many(photos, jobs=3))
    failures = [result for result in results if isinstance(result, Failure)]
    assert [isinstance(result, Failure) for result in results] == [True, False, True, True, True, False, True]
    assert [failure.file for failure in failures] == [str(truncated), "", str(missing), "", str(tmp_path)]
    assert isinstance(failures[0].error, DamagedPhotoError)
    assert isinstance(failures[1].error, UnsupportedPhotoError)
    assert all(isinstance(failure.error, PhotoError) for failure in failures)
    assert "truncated.jpg" in str(failures[0].error)
    assert _essence(results[1]) == _essence(results[5]) == _essence(inspector.inspect(good))


@settings(max_examples=30, deadline=None, derandomize=True)
@example(32, 100.0, True, 0.4)
@example(32, 100.0, False, 0.4)
@given(st.integers(32, 64), st.floats(1, image.MAX_ASPECT), st.booleans(), st.floats(0, 1))
def test_every_shape_that_is_read_is_judged_without_a_warning(
    inspector: Inspector, short_px: int, aspect: float, tall: bool, share: float
) -> None:
    pixels = np.full((short_px, int(short_px * aspect), 3), 245, np.uint8)
    height, width = pixels.shape[:2]
    block = pixels[height // 4 : 3 * height // 4, width // 4 : width // 4 + int(share * width)]
    block[:] = np.random.default_rng(0).integers(0, 200, block.shape, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = inspector.inspect(np.ascontiguousarray(pixels.transpose(1, 0, 2)) if tall else pixels)
    assert (report.width_px, report.height_px) == ((height, width) if tall else (width, height))


def test_a_strip_that_is_too_thin_stops_nothing_in_a_batch(inspector: Inspector, good_photo: Pixels) -> None:
    results = list(inspector.inspect_many([np.zeros((40, 12_000, 3), np.uint8), good_photo], jobs=1))
    assert isinstance(results[0], Failure) and isinstance(results[0].error, PhotoSizeError)
    assert isinstance(results[1], Report)


def test_endless_stream_of_photos_is_taken_only_as_results_are(
    inspector: Inspector, photo_paths: list[Path]
) -> None:
    taken = 0

    def stream() -> Iterator[Path]:
        nonlocal taken
        for path in itertools.cycle(photo_paths):
            taken += 1
            yield path

    jobs = 3
    results = inspector.inspect_many(stream(), jobs)
    assert taken == 0
    for seen in range(1, 6):
        assert isinstance(next(results), Report)
        assert taken <= seen + 2 * jobs
    results.close()  # type: ignore[attr-defined]
    assert taken <= 5 + 2 * jobs


def test_error_of_the_stream_itself_comes_through(inspector: Inspector, photo_paths: list[Path]) -> None:
    def stream() -> Iterator[Path]:
        yield photo_paths[0]
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        list(inspector.inspect_many(stream(), jobs=1))


def test_inspector_closed_in_the_middle_of_a_batch_ends_it(photo_paths: list[Path]) -> None:
    inspector = Inspector.open()
    results = inspector.inspect_many(itertools.cycle(photo_paths), jobs=2)
    next(results)
    inspector.close()
    with pytest.raises(BackendError, match="closed"):
        list(itertools.islice(results, 10))


@pytest.mark.parametrize("jobs", [0, -2, True, 1.0, "4"])
def test_jobs_that_are_no_number_of_jobs_are_refused_at_once(jobs: Any, inspector: Inspector) -> None:
    with pytest.raises(ValueError, match="jobs: expected a whole number"):
        inspector.inspect_many([], jobs)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"policy": 3}, "policy: expected a name, .* got int"),
        ({"policy": b"general"}, "policy: expected a name, .* got bytes"),
        ({"override": 3}, "override: expected the reason in words, or None, got int"),
        ({"override": b"x"}, "override: expected the reason in words, or None, got bytes"),
    ],
    ids=str,
)
def test_an_argument_of_another_type_is_told_by_name(
    arguments: dict[str, Any], says: str, inspector: Inspector, good_photo: Pixels
) -> None:
    with pytest.raises(TypeError, match=says):
        inspector.inspect(good_photo, **arguments)
    with pytest.raises(TypeError, match=says):
        inspector.inspect_many([good_photo], **arguments)


def test_a_bundle_that_is_no_path_is_told_as_such() -> None:
    for bundle in (3, b"folder", True):
        with pytest.raises(TypeError, match="bundle: expected the path of a folder, or None"):
            Inspector.open(bundle=bundle)  # type: ignore[arg-type]


def test_a_repaired_photo_is_shown_in_a_line(inspector: Inspector, good_photo: Pixels) -> None:
    fixed = inspector.fix(good_photo)
    height, width = good_photo.shape[:2]
    score = f"{fixed.before.score:.1f}"
    assert repr(fixed) == f"FixedPhoto({width} x {height} px, accept, score {score}, {fixed.why})"


def test_no_photos_give_no_results(inspector: Inspector) -> None:
    assert list(inspector.inspect_many([])) == []


def test_large_photo_reports_its_full_size(inspector: Inspector, good_photo: Pixels) -> None:
    cv2 = opencv.load()
    large = cv2.resize(good_photo, (4000, 3000))
    data = cv2.imencode(".jpg", large[:, :, ::-1])[1].tobytes()
    report = inspector.inspect(data)
    assert (report.width_px, report.height_px) == (4000, 3000)
    assert image.read(data, long_side_px=1600).pixels.shape[1] < 4000


def test_one_photo_given_as_many_is_refused_not_taken_letter_by_letter(inspector):
    for one in ("photo.jpg", b"bytes", Path("photo.jpg")):
        with pytest.raises(TypeError, match="expected several"):
            inspector.inspect_many(one)


def test_more_jobs_than_any_machine_has_are_capped(inspector, good_photo):
    assert len(list(inspector.inspect_many([good_photo], jobs=10**20))) == 1


OURS = """
[[rules]]
measure = "{measure}"
at_least = {at_least}
"""


def _write_policy(path: Path, measure: str, at_least: float) -> Path:
    path.write_text(OURS.format(measure=measure, at_least=at_least))
    return path


def test_a_broken_rule_of_the_policy_refuses_a_photo_that_the_scores_accept(
    inspector: Inspector, good_photo: Pixels, tmp_path: Path
) -> None:
    policy = _write_policy(tmp_path / "ours.toml", "long_side_px", 5000)
    general, ours = inspector.inspect(good_photo), inspector.inspect(good_photo, policy)
    assert (general.verdict, general.policy) == (Verdict.ACCEPT, "general")
    assert (ours.verdict, ours.policy, ours.issues[0].code) == (Verdict.RETAKE, "ours", "TOO_SMALL")
    (rule,) = ours.rules
    assert (rule.rule, rule.status, rule.value) == ("ours/long-side", "broken", max(good_photo.shape))
    assert ours.score == general.score


def test_every_rule_of_a_policy_is_told_whatever_it_came_to(
    inspector: Inspector, photo_paths: list[Path]
) -> None:
    report = inspector.inspect(photo_paths[0], "amazon-main")
    assert len(report.rules) == len(open_policy("amazon-main").rules)
    assert all(rule.rule.startswith("amazon-main/") for rule in report.rules)
    (format_rule,) = [rule for rule in report.rules if rule.measure == "format"]
    assert (format_rule.status, format_rule.value) == ("held", "jpeg")
    assert report.measurements["file_bytes"].value == photo_paths[0].stat().st_size


def test_pixels_have_no_file_so_rules_of_files_are_not_measured(
    inspector: Inspector, good_photo: Pixels
) -> None:
    rules = {rule.measure: rule.status for rule in inspector.inspect(good_photo, "amazon-main").rules}
    assert (rules["format"], rules["file_bytes"]) == ("not measured", "not measured")


def test_a_policy_is_read_once_not_for_each_photo(
    inspector: Inspector, good_photo: Pixels, tmp_path: Path
) -> None:
    path = _write_policy(tmp_path / "kept.toml", "long_side_px", 5000)
    first = inspector.inspect(good_photo, path)
    path.unlink()
    assert [_essence(report) for report in inspector.inspect_many([good_photo] * 2, 2, path)] == [
        _essence(first)
    ] * 2
    assert _essence(
        inspector.inspect(
            good_photo, parse_policy(OURS.format(measure="long_side_px", at_least=5000).encode(), "kept")
        )
    ) == _essence(first)


def test_a_policy_that_is_none_is_an_error_at_once_and_ends_no_batch_halfway(inspector: Inspector) -> None:
    with pytest.raises(PolicyError, match="expected one of the policies amazon-main"):
        inspector.inspect_many([], policy="amazon-mian")


def test_a_policy_tightens_scores_and_a_looser_bound_is_noted(
    inspector: Inspector, good_photo: Pixels
) -> None:
    strict = inspector.inspect(good_photo, parse_policy(b"[thresholds]\naccept = 1\nreject = 1", "strict"))
    assert strict.verdict is not Verdict.ACCEPT and strict.notes == ()
    loose = inspector.inspect(good_photo, parse_policy(b"[thresholds]\naccept = 0", "loose"))
    assert "looser" in loose.notes[0]


def test_an_override_keeps_the_verdict_and_records_the_reason(
    inspector: Inspector, photo_paths: list[Path]
) -> None:
    for path in photo_paths:
        plain, told = inspector.inspect(path), inspector.inspect(path, override="a one-off")
        assert (told.verdict, told.issues, told.override) == (plain.verdict, plain.issues, "a one-off")
        assert plain.override is None
    with pytest.raises(ValueError, match="override: expected the reason"):
        inspector.inspect_many(photo_paths, override=" ")


def test_causes_are_told_in_the_language_asked_for(photo_paths: list[Path]) -> None:
    with Inspector.open() as english, Inspector.open(lang="zh") as chinese:
        for path in photo_paths:
            said, told = english.inspect(path), chinese.inspect(path)
            assert (said.lang, told.lang) == ("en", "zh")
            assert [issue.code for issue in said.issues] == [issue.code for issue in told.issues]
            for issue in said.issues:
                assert issue.message.isascii() and issue.advice.isascii()
            for issue in told.issues:
                assert re.search("[\u4e00-\u9fff]", issue.message) and issue.message.endswith("\u3002")
    with pytest.raises(WordsError, match="en, zh"):
        Inspector.open(lang="tlh")


def test_confidence_is_that_of_the_calibration_and_none_without_one(
    edit_manifest: Callable[..., Path], photo_paths: list[Path]
) -> None:
    curve = {"midpoint": 0.55, "temperature": 0.1}
    calibration = {"overall": curve, "attributes": {"sharpness": curve}}
    with Inspector.open(
        edit_manifest(lambda manifest: manifest.update(calibration=calibration))
    ) as inspector:
        for report in map(inspector.inspect, photo_paths):
            chance = 1 / (1 + math.exp((0.55 - report.score / 100) / 0.1))
            good = report.verdict is Verdict.ACCEPT
            assert report.confidence == pytest.approx(chance if good else 1 - chance)
            for issue in report.issues:
                if issue.code.startswith("BLUR"):
                    sharp = 1 / (1 + math.exp((0.55 - report.attributes["sharpness"] / 100) / 0.1))
                    assert issue.confidence == pytest.approx(1 - sharp)
                if issue.code == "TOO_DARK":
                    assert issue.confidence is None, "exposure has no curve"
