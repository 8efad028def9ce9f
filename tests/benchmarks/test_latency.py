"""`python benchmarks/latency.py`: what it measures, what it says it could not, and where it refuses."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import devices, latency, latency_file, latency_options, latency_record
from benchmarks.photos import Photo
from benchmarks.profiles import PROFILES, SCENARIOS
from benchmarks.system import System
from edge_iqa import backends, timing
from edge_iqa.backends.base import cores
from edge_iqa.bundle import DEFAULT

SCRIPT = Path(latency.__file__)
DEVICES = devices.read_devices()
NAMED = [name for name, each in DEVICES.items() if not each.whatever]
STAGES = ("decode", "views", "model", "measure", "verdict", "rest", "whole")
PERCENTILES = ("p50_ms", "p90_ms", "p99_ms")

# put where Python looks for sitecustomize: the command then runs where these packages cannot be imported
BLOCKER = """
import sys

BLOCKED = {blocked!r}

class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked)", name=name)

sys.meta_path.insert(0, Refuse)
"""
WORKSHOP = ("torch", "torchvision", "onnx", "piq", "scipy", "compression", "export")


def draw_photo(path: Path, width_px: int, height_px: int) -> Path:
    rng = np.random.default_rng(width_px)
    pixels = np.full((height_px, width_px, 3), 230, np.uint8)
    for _ in range(40):
        center = (int(rng.integers(width_px)), int(rng.integers(height_px)))
        cv2.circle(pixels, center, int(rng.integers(5, 60)), rng.integers(0, 255, 3).tolist(), -1)
    encoded = cv2.imencode(path.suffix, pixels)[1]
    path.write_bytes(encoded.tobytes())
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    draw_photo(folder / "mug.jpg", 640, 480)
    (folder / "shoes").mkdir()
    draw_photo(folder / "shoes" / "left.png", 300, 400)
    return folder


@pytest.fixture(scope="module")
def full_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default bundle with every model a second time, listed as float: the bench does not look inside."""
    folder = tmp_path_factory.mktemp("bundles") / "full"
    shutil.copytree(DEFAULT, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in [entry for entry in manifest["files"] if entry.get("precision") == "int8"]:
        copy = entry["path"].replace("int8", "fp32")
        shutil.copyfile(folder / entry["path"], folder / copy)
        manifest["files"].append({**entry, "path": copy, "precision": "fp32"})
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def run_blocked(
    tmp_path: Path, blocked: tuple[str, ...], *arguments: object
) -> subprocess.CompletedProcess[str]:
    """Type the command in an empty folder, where `blocked` cannot be imported."""
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(blocked=blocked))
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def plain_run(
    tmp_path_factory: pytest.TempPathFactory, photos: Path, full_bundle: Path
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One rapid run without torch, without the workshop and without rich; and its folder of results."""
    folder = tmp_path_factory.mktemp("plain")
    out = folder / "results"
    options = ("--profile", "rapid", "--photos", photos, "--bundle", full_bundle, "--out", out)
    return run_blocked(folder, (*WORKSHOP, "rich", "mlperf_loadgen"), *options), out


@pytest.fixture(scope="module")
def result(plain_run: tuple[subprocess.CompletedProcess[str], Path]) -> dict[str, Any]:
    done, out = plain_run
    return read_result(out, done.returncode, done.stderr, "-rapid")


def variants() -> set[tuple[str, str]]:
    return {
        (backends.NAMES[runtime], precision)
        for runtime in backends.available()
        for precision in ("fp32", "int8")
    }


def read_result(out: Path, code: int, said: str = "", profile: str = "") -> dict[str, Any]:
    """The one file that a run wrote. Other work beside the tests makes it INVALID, which only the name tells apart."""
    assert code in (0, latency_file.INVALID), said
    invalid = "-invalid" if code == latency_file.INVALID else ""
    (path,) = out.glob("*.json")
    assert path.name == f"latency-host{profile}{invalid}.json"
    told: dict[str, Any] = json.loads(path.read_text())
    assert told["valid"] == (not told["invalid"]) == (code == 0)
    return told


def to_text(milliseconds: float) -> str:
    return f"{milliseconds:.2f}" if milliseconds < 100 else f"{milliseconds:.1f}"


def run(*arguments: object) -> int:
    """Our own loop alone: the scenarios have tests of their own, and need what a device may lack."""
    return latency.main(["--scenario", "none", "--no-footprint", *map(str, arguments)])


def test_every_photo_is_measured_on_every_backend_in_every_precision(result: dict[str, Any]) -> None:
    measured = {(entry["photo"], entry["backend"], entry["precision"]) for entry in result["results"]}
    assert measured == {
        (photo, *variant) for photo in ("mug.jpg", "shoes/left.png") for variant in variants()
    }
    assert len(result["results"]) == len(measured)
    assert not result["missing"] or {entry["what"] for entry in result["missing"]} <= set(backends.RUNTIMES)
    assert result["failed"] == []


def test_every_stage_has_its_percentiles_with_intervals_and_p99_is_missing(result: dict[str, Any]) -> None:
    for entry in result["results"]:
        assert tuple(entry["stages"]) == STAGES
        for told in entry["stages"].values():
            assert told["n"] == result["settings"]["repeats"] == 40
            for name in PERCENTILES[:2]:
                assert told[name]["low"] <= told[name]["value"] <= told[name]["high"]
            assert told["p50_ms"]["value"] <= told["p90_ms"]["value"]
            assert told["p99_ms"] is None, "40 repeats cannot tell a p99"


def test_the_stages_add_up_to_no_more_than_the_whole(result: dict[str, Any]) -> None:
    for entry in result["results"]:
        stages = entry["stages"]
        for name in PERCENTILES[:2]:
            # in each round the whole holds every stage, so it does in every percentile
            assert all(stages[stage][name]["value"] <= stages["whole"][name]["value"] for stage in STAGES)
        assert stages["rest"]["p50_ms"]["low"] >= 0
        assert min(stages[stage]["p50_ms"]["value"] for stage in STAGES[:-2]) > 0


def test_float_is_compared_with_int8_within_the_run(result: dict[str, Any]) -> None:
    compared = {(entry["photo"], entry["backend"]) for entry in result["ratios"]}
    assert compared == {(entry["photo"], entry["backend"]) for entry in result["results"]}
    for entry in result["ratios"]:
        assert (entry["slow"], entry["fast"]) == ("fp32", "int8")
        for estimate in entry["stages"].values():
            assert 0 < estimate["low"] <= estimate["value"] <= estimate["high"]


def test_a_float_model_that_takes_three_times_as_long_is_told_as_three() -> None:
    def record(model_ms: float) -> timing.Recording:
        return timing.Recording(np.full(6, 4 + model_ms), {"model": np.full(6, model_ms)})

    recorded = {"onnx fp32": record(6.0), "onnx int8": record(2.0), "litert int8": record(1.0)}
    (told,) = latency_record.compare_precisions("mug.jpg", ("litert", "onnx"), recorded)
    assert (told["backend"], told["slow"], told["fast"]) == ("onnx", "fp32", "int8")
    assert told["stages"]["model"] == pytest.approx({"value": 3, "low": 3, "high": 3})
    assert told["stages"]["whole"] == pytest.approx({"value": 10 / 6, "low": 10 / 6, "high": 10 / 6})


def test_the_file_says_what_was_measured_and_where(
    result: dict[str, Any], photos: Path, full_bundle: Path
) -> None:
    for photo in result["photos"]:
        data = (photos / photo["name"]).read_bytes()
        assert (photo["bytes"], photo["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    sizes = {photo["name"]: (photo["width_px"], photo["height_px"]) for photo in result["photos"]}
    assert sizes == {"mug.jpg": (640, 480), "shoes/left.png": (300, 400)}
    manifest = (full_bundle / "manifest.json").read_bytes()
    assert result["bundle"]["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert result["settings"]["threads"] == 1
    assert result["machine"]["cores"] == cores()
    assert result["machine"]["python"].endswith(platform.python_version())
    assert result["versions"]["numpy"] == np.__version__
    assert result["versions"]["backends"] == {
        backends.NAMES[runtime]: version for runtime, version in backends.available().items()
    }


def test_the_file_names_neither_this_machine_nor_its_folders_nor_a_device(
    result: dict[str, Any], photos: Path
) -> None:
    text = json.dumps(result)
    assert result["device"] == "host"
    assert not any(name in text for name in NAMED)
    assert str(photos) not in text and str(SCRIPT.parent) not in text
    assert platform.node() not in result["machine"].values()


def test_without_rich_the_screen_shows_the_same_figures_in_plain_text(
    plain_run: tuple[subprocess.CompletedProcess[str], Path], result: dict[str, Any]
) -> None:
    shown = plain_run[0].stdout
    assert shown.isascii()
    for entry in result["results"]:
        rows = [
            line.split()
            for line in shown.splitlines()
            if line.startswith(f"{entry['backend']} {entry['precision']} ")
        ]
        p50 = [to_text(entry["stages"][stage]["p50_ms"]["value"]) for stage in STAGES if stage != "rest"]
        assert [entry["backend"], entry["precision"], "p50", *p50] in [row[: len(p50) + 3] for row in rows]
    assert "p99 needs 368" in shown, "says how many repeats the missing percentile needs"
    assert "megapixels" in shown, "says that no photo is as large as a phone's"


def test_with_rich_the_screen_shows_the_same_figures(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")
    code = run("--photos", photos / "mug.jpg", "--out", tmp_path, "--repeats", 6)
    result = read_result(tmp_path, code)
    shown = capsys.readouterr().out
    for entry in result["results"]:
        assert to_text(entry["stages"]["whole"]["p50_ms"]["value"]) in shown
        assert entry["stages"]["whole"]["p90_ms"] is None, "6 repeats cannot tell a p90"


def test_a_bundle_without_float_files_is_measured_and_says_how_to_get_them(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = backends.NAMES[next(iter(backends.available()))]
    options = ("--backend", name, "--photos", photos / "mug.jpg", "--out", tmp_path, "--repeats", 1)
    result = read_result(tmp_path, run(*options))
    assert [(entry["backend"], entry["precision"]) for entry in result["results"]] == [(name, "int8")]
    assert result["ratios"] == []
    assert [entry["what"] for entry in result["missing"]] == [f"{name} fp32"]
    shown = capsys.readouterr().out
    assert "make bundle" in shown and f"--bundle bundles/{result['bundle']['name']}" in shown


def test_threads_are_never_more_than_the_cores(photos: Path, tmp_path: Path) -> None:
    options = ("--threads", 999, "--photos", photos / "mug.jpg", "--out", tmp_path, "--repeats", 1)
    result = read_result(tmp_path, run(*options))
    assert {entry["threads"] for entry in result["results"]} == {cores()}


@pytest.mark.parametrize("name", ["rapid", "submission"])
def test_another_profile_leaves_the_standard_measurement_alone(
    name: str, photos: Path, tmp_path: Path
) -> None:
    standard = [tmp_path / "latency-host.json", tmp_path / "latency-host-invalid.json"]
    for path in standard:
        path.write_text("{}")
    backend = backends.NAMES[next(iter(backends.available()))]
    options = ("--repeats", 1, "--photos", photos / "mug.jpg", "--out", tmp_path, "--backend", backend)
    run("--profile", name, *options)
    assert [path.read_text() for path in standard] == ["{}", "{}"]
    assert len(list(tmp_path.glob(f"latency-host-{name}*.json"))) == 1


def test_a_profile_sets_what_the_command_line_leaves_open() -> None:
    def parse(*arguments: str) -> argparse.Namespace:
        return latency_options.parse(arguments, DEVICES)

    rapid, standard, submission = (parse("--profile", name) for name in PROFILES)
    assert rapid.scenarios == () and standard.scenarios == submission.scenarios == SCENARIOS
    # what each is called after: a p90, a p99, a closer p99
    assert timing.fewest(0.9) <= rapid.repeats < timing.fewest(0.99) <= standard.repeats < submission.repeats
    assert submission.scenario_seconds is None, "LoadGen's own rules say how long"
    assert vars(parse()) == vars(standard)
    chosen = parse(
        "--profile", "submission", "--repeats", "7", "--scenario", "Offline", "--scenario-seconds", "2"
    )
    assert (chosen.repeats, chosen.scenarios, chosen.scenario_seconds) == (7, ("Offline",), 2.0)
    assert parse("--scenario", "none").scenarios == ()


def test_all_photos_given_are_measured_but_for_a_rapid_look() -> None:
    photos = [Photo(f"{size}.jpg", bytes(size)) for size in (50, 10, 40, 20, 30)]
    chosen = {
        (name, given): [photo.name for photo in profile.choose(photos, given)]
        for name, profile in PROFILES.items()
        for given in (True, False)
    }
    from_smallest_to_largest = ["10.jpg", "30.jpg", "50.jpg"]
    assert chosen["rapid", True] == chosen["rapid", False] == from_smallest_to_largest
    for name in ("standard", "submission"):
        assert chosen[name, True] == [photo.name for photo in photos]
        assert len(chosen[name, False]) == 4
    assert PROFILES["rapid"].choose(photos, given=True, chosen=True) == photos, (
        "a computer sent what it chose"
    )


def test_a_bad_photo_is_named_and_the_others_are_measured(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tmp_path / "torn.jpg"
    torn.write_bytes((photos / "mug.jpg").read_bytes()[:200])
    assert run("--photos", torn, photos / "mug.jpg", "--out", tmp_path, "--repeats", 1) == 1
    (path,) = tmp_path.glob("latency-host*.json")
    result = json.loads(path.read_text())
    assert [entry["what"] for entry in result["failed"]] == ["torn.jpg"]
    assert {entry["photo"] for entry in result["results"]} == {"mug.jpg"}
    assert "failed: torn.jpg" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMED)
def test_a_device_that_this_machine_is_not_is_refused(
    name: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if devices.find(name, DEVICES, System()) is not None:
        pytest.skip(f"this machine is a {name}")
    assert run("--device", name, "--photos", photos, "--out", tmp_path / "out") == 3
    said = capsys.readouterr().err
    assert re.search(rf"not an? {name}\b", said)
    assert f"`python benchmarks/latency.py --device {name} --remote user@host`" in said
    advised = re.findall(r"--device (\S+) --simulate`", said)
    kinds = [each for each in DEVICES.values() if name in (each.name, each.family) and each.rates.complete]
    assert advised == [each.name for each in kinds][:1], "only what can be simulated is advised"
    assert all(str(sign) in said for sign in DEVICES[name].signs)
    assert not (tmp_path / "out").exists()


def test_a_device_that_this_machine_is_not_is_refused_on_the_command_line(tmp_path: Path) -> None:
    if devices.find("jetson", DEVICES, System()) is not None:
        pytest.skip("this machine is a jetson")
    done = run_blocked(tmp_path, WORKSHOP, "--device", "jetson")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("This machine is not a jetson: looked for /proc/device-tree/model saying")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--photos", "{tmp}/none.jpg"], "none.jpg: the photo could not be read (No such file"),
        (["--photos", "{tmp}/empty"], "no photos here"),
        (["--photos", "{tmp}/note.jpg"], "note.jpg"),
        (["--bundle", "{tmp}/none"], "expected the folder of a bundle"),
        (["--out", "{tmp}/note.jpg/results"], "expected a folder for the result"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    arguments: list[str], said: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.jpg").write_text("not a photo")
    base = ["--photos", str(photos), "--out", str(tmp_path / "out"), "--repeats", "1"]
    assert run(*base, *(argument.format(tmp=tmp_path) for argument in arguments)) == 1
    told = capsys.readouterr()
    assert told.err.startswith("latency.py: ") and told.err.count("\n") == 1 and said in told.err
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--device", "toaster"],
        ["--backend", "abacus"],
        ["--threads", "0"],
        ["--repeats", "many"],
        ["--profile", "slow"],
        ["--scenario", "Server"],
        ["--scenario", "none", "Offline"],
        ["--scenario-seconds", "0"],
        ["--scenario-seconds", "nan"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err
