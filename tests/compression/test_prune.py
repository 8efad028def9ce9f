"""The command that prunes: cut, distilled again, timed, and taken only if that pays."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from compression import prune
from compression.models import build
from compression.models.weights import load, save
from edge_iqa.views import ViewSpec

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    net = build("mobilenet_v2", spec=ViewSpec(64, 1, 256), width=0.35)
    return save(net, tmp_path_factory.mktemp("student") / "student.safetensors")


def arguments(student: Path, teacher: Path, data: Path, out: Path, *more: str) -> list[str]:
    options = {"--student": student, "--teacher": teacher, "--data": data, "--out": out}
    named = [str(each) for pair in options.items() for each in pair]
    return [*named, "--cache", str(data.parent / "cache"), "--macs", "0.5", *more, "--", "--scenes", "0"]


@pytest.fixture(scope="module")
def run(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("pruned")
    assert prune.main(arguments(student, small_teacher, photos_csv, out)) == 0
    return out


def test_it_ends_in_a_student_half_as_heavy_and_a_record_of_every_step(run: Path, student: Path) -> None:
    record = json.loads((run / "prune.json").read_text())
    before, after = record["macs"]
    assert after <= before / 2 and len(record["steps"]) == 2
    assert after < record["steps"][0]["macs"] < before * 0.71
    assert all("srcc_teacher" in step["val"] for step in record["steps"])
    assert set(record["int8_speed_up"]) == {"onnx", "tflite"}
    pays = record["int8_speed_up"]["tflite"]["low"] > 1
    assert record["taken"].startswith("pruned" if pays else "unpruned")
    taken = hashlib.sha256((run / "student.safetensors").read_bytes()).hexdigest()
    assert taken == record["after_sha256" if pays else "before_sha256"]
    load(run / "student.safetensors")


def test_a_repeated_command_trains_nothing_anew(
    run: Path, student: Path, small_teacher: Path, photos_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise AssertionError("trained again")

    for where, name in ((prune.distill, "main"), (prune, "look")):
        monkeypatch.setattr(where, name, refuse)
    monkeypatch.setattr(prune, "time_both", lambda *_: {"tflite": gain(1.1)})
    before = json.loads((run / "prune.json").read_text())
    assert prune.main(arguments(student, small_teacher, photos_csv, run)) == 0
    assert json.loads((run / "prune.json").read_text())["after_sha256"] == before["after_sha256"]


def gain(low: float) -> dict[str, float]:
    return {"value": low + 0.02, "low": low, "high": low + 0.04}


@pytest.mark.parametrize(("low", "taken"), [(0.98, "unpruned"), (1.02, "pruned")])
def test_only_a_student_that_gains_for_sure_in_the_runtime_is_taken(
    run: Path,
    student: Path,
    small_teacher: Path,
    photos_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    low: float,
    taken: str,
) -> None:
    """Its own timing is what it is; here the other runtime always gains, and must not count."""
    gains = {"onnx": gain(1.5 if low < 1 else 0.9), "tflite": gain(low)}
    monkeypatch.setattr(prune, "time_both", lambda *_: gains)
    assert prune.main(arguments(student, small_teacher, photos_csv, run)) == 0
    assert json.loads((run / "prune.json").read_text())["taken"].startswith(taken)
    same = (run / "student.safetensors").read_bytes() == student.read_bytes()
    assert same == (taken == "unpruned")


def test_an_impossible_cut_ends_in_one_sentence(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = arguments(student, small_teacher, photos_csv, tmp_path, "--importance", "magnitude")
    argv[argv.index("--macs") + 1] = "1.5"
    assert prune.main(argv) == 1
    assert "macs: expected a share between 0 and 1" in capsys.readouterr().err
