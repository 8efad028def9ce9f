"""The command that prunes: cut, distilled again, timed, and taken only if that pays."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import pytest
import torch

from compression import prune
from compression.models import build
from compression.models.heads import QualityNet
from compression.models.weights import load, save
from edge_iqa.views import ViewSpec

pytestmark = pytest.mark.usefixtures("one_process", "one_thread")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    net = build("mobilenet_v2", spec=ViewSpec(64, 1, 256), width=0.35)
    return save(net, tmp_path_factory.mktemp("student") / "student.safetensors")


def arguments(student: Path, teacher: Path, data: Path, out: Path, *more: str) -> list[str]:
    options = {"--student": student, "--teacher": teacher, "--data": data, "--out": out}
    named = [str(each) for pair in options.items() for each in pair]
    named += ["--cache", str(data.parent / "cache"), "--macs", "0.5", "--steps", "1"]
    return [*named, *more, "--", "--scenes", "0"]


def gain(low: float) -> dict[str, float]:
    return {"value": low + 0.02, "low": low, "high": low + 0.04}


@pytest.fixture(scope="module")
def run(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """One cut, healed; the timing, which takes most of a minute, has a test of its own."""
    out = tmp_path_factory.mktemp("pruned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prune, "time_both", lambda *_: {"tflite": gain(1.1)})
        assert prune.main(arguments(student, small_teacher, photos_csv, out)) == 0
    return out


def test_it_ends_in_a_student_half_as_heavy_and_a_record(run: Path) -> None:
    record = json.loads((run / "prune.json").read_text())
    before, after = record["macs"]
    assert after <= before / 2 and len(record["steps"]) == 1
    assert "srcc_teacher" in record["steps"][0]["val"]
    taken = hashlib.sha256((run / "student.safetensors").read_bytes()).hexdigest()
    assert taken == record["after_sha256"]
    load(run / "student.safetensors")


def test_steps_take_the_same_share_each(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "time_both", lambda *_: {"tflite": gain(1.1)})
    more = ("--steps", "2", "--epochs", "0", "--importance", "magnitude")
    assert prune.main(arguments(student, small_teacher, photos_csv, tmp_path, *more)) == 0
    record = json.loads((tmp_path / "prune.json").read_text())
    whole, halved = record["macs"]
    first, second = (step["macs"] for step in record["steps"])
    assert 0.6 * whole < first <= 0.7072 * whole and second == halved <= 0.5 * whole


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


def test_both_students_are_timed_in_int8_in_both_runtimes(tiny_net: QualityNet, photos_csv: Path) -> None:
    options = argparse.Namespace(data=photos_csv, cache=photos_csv.parent / "cache")
    gains = prune.time_both(tiny_net, tiny_net, options)
    assert set(gains) == {"onnx", "tflite"}
    assert all(0 < each["low"] <= each["value"] <= each["high"] for each in gains.values() if each)


def test_an_impossible_cut_ends_in_one_sentence(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = arguments(student, small_teacher, photos_csv, tmp_path, "--importance", "magnitude")
    argv[argv.index("--macs") + 1] = "1.5"
    with pytest.raises(SystemExit, match="2"):
        prune.main(argv)
    assert "macs: expected a share between 0 and 1" in capsys.readouterr().err
