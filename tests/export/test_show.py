"""What a bundle holds is shown as it is, and what another changes is shown with the photos that it judges otherwise."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compression.progress import console
from edge_iqa.bundle import DEFAULT
from export import show
from export.console import show_table

PHOTOS = Path(__file__).resolve().parents[2] / "examples" / "photos"


NAMES = ("T-Shirt [men]", "T-Shirt [/men]", "between [nan, nan]", "a :mug:", "[bold]a[/bold]", "back\\")
"""Texts that a terminal library could take for styles or pictures."""


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """The shipped bundle, but no photo is good enough for it."""
    folder = Path(shutil.copytree(DEFAULT, tmp_path / "stricter"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["thresholds"] |= {"accept": 0.999, "reject": 0.998}
    manifest["lineage"]["teacher_sha256"] = None
    manifest["calibration"]["overall"]["temperature"] = 0.5
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_everything_of_the_manifest_that_people_ask_for_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert show.main([]) == 0
    told = capsys.readouterr().out
    manifest = json.loads((DEFAULT / "manifest.json").read_text())
    for text in (
        f"{manifest['name']}-{manifest['version']}",
        *(entry["path"] for entry in manifest["files"]),
        *(gate["name"] for gate in manifest["gates"]),
        *manifest["outputs"]["categories"],
        manifest["lineage"]["student_sha256"],
        f"accept from {manifest['thresholds']['accept']:.3f}",
        *(f"{name} {curve['midpoint']:.3f}" for name, curve in manifest["calibration"]["attributes"].items()),
    ):
        assert text in told


@pytest.mark.parametrize("name", NAMES)
def test_texts_of_a_bundle_are_printed_as_they_stand(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    folder = Path(shutil.copytree(DEFAULT, tmp_path / "named"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["gates"][0]["name"] = name
    manifest["gates"][0]["bound"] = f"at most {name}"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert show.main([str(folder)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "at most" in line]
    assert [cell.strip() for cell in line.split("│")][1] == name and f"at most {name}" in line


@pytest.mark.parametrize("name", NAMES)
def test_a_table_has_its_title_and_headers_as_they_are(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    show_table(f"title {name}", (f"first {name}", f"second {name}"), [(name, name)])
    told = capsys.readouterr().out
    assert f"title {name}" in told and f"first {name} " in told and f"second {name} " in told


@pytest.mark.parametrize("name", NAMES)
def test_the_console_of_the_workshop_prints_texts_as_they_are(name: str) -> None:
    with console.capture() as capture:
        console.print(f"held {name}: 0.9 [nan, nan]", soft_wrap=True)
    assert capture.get() == f"held {name}: 0.9 [nan, nan]\n"


def test_as_json_it_is_the_manifest_with_the_hash_of_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert show.main([str(DEFAULT), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    manifest = json.loads((DEFAULT / "manifest.json").read_text())
    assert len(told["manifest_sha256"]) == 64
    assert told["thresholds"] == manifest["thresholds"] and told["in_use"] == manifest["in_use"]


def test_a_bundle_does_not_differ_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert show.main([str(DEFAULT), "--against", str(DEFAULT)]) == 0
    told = capsys.readouterr().out
    assert "nothing differs" in told
    assert "3 photos: 0 verdicts differ, scores by at most 0.0 of 100" in told


def test_what_differs_is_named_with_the_photos_whose_verdict_flips(
    stricter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--against", str(stricter), "--photos", str(PHOTOS), "--json"]
    assert show.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    manifest = json.loads((DEFAULT / "manifest.json").read_text())
    assert told["changes"] == {
        "accept from": [manifest["thresholds"]["accept"], 0.999],
        "retake below": [manifest["thresholds"]["reject"], 0.998],
        "overall temperature": [manifest["calibration"]["overall"]["temperature"], 0.5],
        "teacher": [manifest["lineage"]["teacher_sha256"], None],
    }
    assert len(told["photos"]) == len(list(PHOTOS.glob("*.jpg")))
    assert {each["verdict"][1] for each in told["photos"]} <= {"retake", "fix"}  # no score is good enough now
    flipped = sum(len(set(each["verdict"])) > 1 for each in told["photos"])
    assert flipped and all(each["score"][0] == each["score"][1] for each in told["photos"])
    assert show.main(arguments[:-1]) == 0
    assert f"{flipped} verdicts differ" in capsys.readouterr().out


@pytest.fixture
def measured(tmp_path: Path) -> Callable[[str, float], Path]:
    """Makes the shipped bundle with a report of costs, as whole bundles have one."""

    def make(name: str, int8_ms: float) -> Path:
        folder = Path(shutil.copytree(DEFAULT, tmp_path / name))
        manifest = json.loads((folder / "manifest.json").read_text())
        work = {
            "n": 9,
            "macs": 600_000_000,
            "int8_macs": 300_000_000,
            "weight_bytes": 1,
            "activation_bytes": 2_999_999,
        }
        models = [entry["path"] for entry in manifest["files"] if "runtime" in entry]
        costs = {
            "machine": {"cpu": "a [slow] one", "cores": 1},
            "threads": 1,
            "photos": 9,
            "warnings": [],
            "versions": {},
            "files": {model: {**work, "p50_ms": {"value": int8_ms}, "p90_ms": None} for model in models},
        }
        content = json.dumps({"costs": costs}).encode()
        (folder / "reports").mkdir()
        (folder / "reports" / "gates.json").write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        manifest["files"].append({"path": "reports/gates.json", "bytes": len(content), "sha256": sha256})
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make


def test_costs_are_shown_and_compared_where_the_bundle_has_their_report(
    measured: Callable[[str, float], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    fast, slow = measured("fast", 10.0), measured("slow", 20.5)
    assert show.main([str(fast)]) == 0
    told = capsys.readouterr().out
    (line,) = [line for line in told.splitlines() if line.startswith("│ model.int8.tflite") and "10" in line]
    assert [cell.strip() for cell in line.split("│")][2:7] == ["10", "-", "600", "300", "3"]
    assert "costs, a [slow] one, one thread" in told
    assert show.main([str(fast), "--against", str(slow), "--json"]) == 0
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert changes == {f"model.int8.{runtime}, p50 ms": [10.0, 20.5] for runtime in ("onnx", "tflite")}


def test_a_photo_that_cannot_be_read_is_named_and_the_rest_is_judged(
    stricter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(PHOTOS / "mug.jpg", tmp_path / "mug.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    assert show.main(["--against", str(stricter), "--photos", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "1 photos" in told.out and "broken.jpg" in told.err


def test_a_folder_without_photos_is_no_comparison(
    stricter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    assert show.main(["--against", str(stricter), "--photos", str(tmp_path / "none")]) == 1
    assert "expected photos, or folders of photos, got none" in capsys.readouterr().err


def test_wrong_use_and_altered_bundles_end_in_one_sentence(
    stricter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        show.main(["--photos", str(PHOTOS)])
    assert "--against" in capsys.readouterr().err
    (stricter / "model.int8.onnx").write_bytes(b"altered")
    assert show.main([str(stricter)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "altered" in error


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_goes_away_ends_it_without_a_traceback(options) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "export.show", *options]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(write)
    assert done.returncode == 141 and "Traceback" not in done.stderr
