"""The command that teaches a student to live with int8."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from compression import aware, distill
from compression.models import build
from compression.models.weights import load, save
from edge_iqa.views import ViewSpec

pytestmark = pytest.mark.usefixtures("one_process", "one_thread")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    net = build("mobilenet_v2", spec=ViewSpec(32, 1, 256), width=0.35)
    return save(net, tmp_path_factory.mktemp("student") / "student.safetensors")


def arguments(student: Path, teacher: Path, data: Path, out: Path, *more: str) -> list[str]:
    options = {"--student": student, "--teacher": teacher, "--data": data, "--out": out}
    named = [str(each) for pair in options.items() for each in pair]
    return [*named, "--cache", str(data.parent / "cache"), *more, "--", "--scenes", "0"]


@pytest.mark.slow
def test_it_ends_in_an_ordinary_student_that_learned_something(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path
) -> None:
    assert aware.main(arguments(student, small_teacher, photos_csv, tmp_path, "--epochs", "1")) == 0
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["aware"] is True and record["start"].startswith("student.safetensors")
    assert len(record["losses"]) == 1 and record["config"]["learning_rate"] == 1e-4
    before, after = load(student)[0].state_dict(), load(tmp_path / "student.safetensors")[0].state_dict()
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_it_distills_with_what_it_was_given(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(distill, "main", lambda argv: told.extend(argv) or 0)
    more = ("--epochs", "3", "--learning-rate", "5e-5", "--resume")
    assert aware.main(arguments(student, small_teacher, photos_csv, tmp_path, *more)) == 0
    read = distill.make_parser().parse_args(told)
    assert read.aware and read.resume and (read.epochs, read.learning_rate, read.scenes) == (3, 5e-5, 0)
    assert (read.start, read.teacher, read.data) == (str(student), small_teacher, photos_csv)


def test_a_distillation_that_fails_is_told_and_ends_with_1(
    small_teacher: Path, photos_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none, said = tmp_path / "none.safetensors", "none.safetensors: expected a safetensors file"
    assert aware.main(arguments(none, small_teacher, photos_csv, tmp_path)) == 1
    told = capsys.readouterr().err
    assert said in told and "the distillation failed" not in told, "found out before photos are made ready"
    assert aware.main(arguments(small_teacher, none, photos_csv, tmp_path)) == 1
    told = capsys.readouterr().err
    assert "none.safetensors: expected a file" in told and "the distillation failed" in told


@pytest.mark.parametrize(
    ("passed", "says"),
    [
        (("--out", "x"), "--out: cannot be passed on"),
        (("--learning-rate", "1"), "--learning-rate: cannot be passed on"),
        (("--quick",), "--quick: cannot be passed on"),
        (("--size", "96"), "--size: cannot be passed on"),
        (("--small-epochs", "2"), "small_epochs: expected 0 to 1, got 2"),
        (("--sparsity", "1"), "--aware: prune first"),
    ],
)
def test_options_that_cannot_be_passed_on_are_refused(
    student: Path,
    small_teacher: Path,
    photos_csv: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    passed: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.setattr(distill, "main", lambda _: pytest.fail("began"))
    assert aware.main([*arguments(student, small_teacher, photos_csv, tmp_path), *passed]) == 1
    assert says in capsys.readouterr().err


def test_thinning_channels_out_while_learning_in_int8_steps_is_refused(
    small_teacher: Path, photos_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--teacher", str(small_teacher), "--data", str(photos_csv), "--out", str(tmp_path)]
    assert distill.main([*argv, "--aware", "--sparsity", "1e-5"]) == 1
    assert "--aware: prune first" in capsys.readouterr().err
