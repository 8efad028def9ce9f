"""`python benchmarks/verdict_cost.py`: what is divided by what, when a bound holds, what is left out and why."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import large_photos, verdict_cost
from benchmarks.peak_memory import STATUS, Peak, measure_peak
from benchmarks.peer_tools import environments
from benchmarks.peer_tools.registry import find
from benchmarks.peer_tools.session import Session
from benchmarks.photos import Photo
from benchmarks.recalled import Recalled
from benchmarks.verdict_cost_screen import print_result
from edge_iqa import Inspector, timing
from edge_iqa.errors import DataError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "photos"


def record(ms: float, stages_ms: dict[str, float] | None = None) -> timing.Recording:
    stages = {name: np.full(20, value) for name, value in (stages_ms or {}).items()}
    return timing.Recording(np.full(20, ms), stages)


def describe(decode_ms: float, verdict_ms: float) -> dict[str, Any]:
    return verdict_cost.describe_times(
        {
            verdict_cost.DECODE: record(decode_ms),
            "amazon-main": record(verdict_ms, {"decode": 20.0, "model": 5.0}),
            "general": record(verdict_ms),
            "without model": record(verdict_ms - 5),
        }
    )


@pytest.mark.parametrize(("verdict_ms", "held"), [(40.0, True), (79.9, True), (80.1, False)])
def test_a_verdict_may_take_four_fifths_of_decoding(verdict_ms: float, held: bool) -> None:
    told = describe(100.0, verdict_ms)
    ratio = told["verdicts"]["amazon-main"]["over_decode"]
    assert ratio["held"] is held and ratio["estimate"]["value"] == pytest.approx(verdict_ms / 100)
    without = told["verdicts"]["without model"]["over_decode"]
    assert without["held"] is None and without["estimate"]["value"] == pytest.approx((verdict_ms - 5) / 100)
    assert told["stages_wall_ms"] == {"decode": 20.0, "model": 5.0}


def test_a_bound_holds_for_the_worse_end_and_never_for_too_few_rounds() -> None:
    wide, even = [5.0, 9.0] * 10, [10.0] * 20
    assert verdict_cost.compare(wide, even, 0.8, at_least=False)["held"] is False
    assert verdict_cost.compare(even, wide, 1.05, at_least=True)["held"] is True
    assert verdict_cost.compare(even, wide, 1.3, at_least=True)["held"] is False
    few = verdict_cost.compare([1.0] * 3, [10.0] * 3, 0.8, at_least=False)
    assert few["estimate"] is None and few["held"] is False


def test_the_worst_of_several_peaks_counts() -> None:
    peaks = [Peak(100, 100 + over, 100, 10, STATUS) for over in (55, 61, 58)]
    told = verdict_cost.describe_memory("baseline.jpg", peaks, 0.6)
    assert told["over_pixels"] == 0.61 and told["least_over_pixels"] == 0.55 and told["held"] is False
    assert verdict_cost.describe_memory("baseline.jpg", peaks[:1], 0.6)["held"] is True
    assert verdict_cost.describe_memory("progressive.jpg", peaks, None)["held"] is None


def test_the_model_s_answer_is_recalled_not_computed_again(tmp_path: Path) -> None:
    with Inspector.open() as inspector:
        recalled = Recalled(inspector.backend)
        report = Inspector(inspector.bundle, recalled).inspect(EXAMPLES / "mug.jpg")
        assert report.score == inspector.inspect(EXAMPLES / "mug.jpg").score
        inspector.close()
        again = Inspector(inspector.bundle, recalled).inspect(EXAMPLES / "jar.jpg")
        assert again.score == report.score, "a closed backend would have refused"


def test_every_variant_judges_the_photo_itself() -> None:
    with Inspector.open(threads=1) as inspector:
        photo = Photo("mug.jpg", (EXAMPLES / "mug.jpg").read_bytes())
        results = {name: task() for name, task in verdict_cost.make_tasks(inspector, photo).items()}
        pixels: Any = results.pop(verdict_cost.DECODE)
        assert {name: report.policy for name, report in results.items()} == {
            "amazon-main": "amazon-main",
            "general": "general",
            "without model": "amazon-main",
        }
        assert all(pixels.shape[:2] == (each.height_px, each.width_px) for each in results.values())
        with pytest.raises(DataError, match="OpenCV does not decode it"):
            verdict_cost.make_tasks(inspector, Photo("text", b"no photo"))


def test_a_run_without_photos_is_refused_before_anything_is_measured(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "empty").mkdir()
    command = ["--photos", str(tmp_path / "empty"), "--out", str(tmp_path / "out"), "--only", "time"]
    assert verdict_cost.main(command) == 1
    assert "no photos here" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_a_run_writes_what_was_measured_and_prints_it(tmp_path: Path, capsys: Any) -> None:
    command = [
        "--photos",
        str(EXAMPLES / "mug.jpg"),
        "--out",
        str(tmp_path),
        "--only",
        "time",
        "--repeats",
        "6",
    ]
    assert verdict_cost.main(command) == 0
    assert (tmp_path / "verdict-cost-host.json").exists()
    said = capsys.readouterr().out
    assert "over full decode" in said and "without model" in said


def test_memory_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    cv2.imwrite(str(large), np.zeros((1500, 2000, 3), np.uint8))
    peak = measure_peak(EXAMPLES / "mug.jpg", large, "general")
    assert peak.pixels_bytes == 9_000_000 and peak.file_bytes == large.stat().st_size
    assert peak.read_by != STATUS or 0.9 < peak.over_pixels < 6, "the pixels at least"
    with pytest.raises(DataError, match="could not be measured"):
        measure_peak(EXAMPLES / "mug.jpg", tmp_path / "none.jpg", "general")


def test_cleanvision_that_cannot_be_installed_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(environments, "_run", refuse)
    told = verdict_cost.measure_beside(None, [], argparse.Namespace(cache=tmp_path, clock="wall", checks=6))  # type: ignore[arg-type]
    assert told == {"missing": "no network"}
    print_result({"time": [], "memory": [], "cleanvision": told, "warnings": []})
    assert "CleanVision was left out: no network" in capsys.readouterr().out


def refuse(what: str, command: list[str]) -> str:
    raise DataError("no network")


def test_a_session_that_does_not_start_says_why(tmp_path: Path) -> None:
    if "cleanvision" in sys.modules:
        pytest.skip("CleanVision is installed beside us")
    with pytest.raises(DataError, match=r"(?s)has stopped: .*No module named 'cleanvision'"):
        Session("CleanVision", Path(sys.executable), find("cleanvision").scorer)


def test_the_formats_of_a_large_photo_are_what_they_are_called() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    coded = {name: large_photos.encode(pixels, name, 90) for name in large_photos.FORMATS}
    assert b"\xff\xc0" in coded["baseline.jpg"] and b"\xff\xc2" in coded["progressive.jpg"]
    decoded = cv2.imdecode(np.frombuffer(coded["png"], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[..., ::-1], pixels)
    with pytest.raises(ValueError, match="expected one of"):
        large_photos.encode(pixels, "gif", 90)
