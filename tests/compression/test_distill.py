"""The commands that people type: teacher and student, from photos to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from compression import distill, teacher
from compression.models import build
from compression.models.weights import load, save
from edge_iqa.views import ViewSpec

SPEC = ViewSpec(64, 1, 256)


@pytest.fixture(scope="module")
def small_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    return save(build("resnet18", spec=SPEC), tmp_path_factory.mktemp("teacher") / "teacher.safetensors")


@pytest.fixture(scope="module")
def run(small_teacher: Path, photos_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One short distillation through the command line."""
    out = tmp_path_factory.mktemp("run")
    code = distill.main(arguments(small_teacher, photos_csv, out))
    assert code == 0
    return out


def arguments(teacher: Path, data: Path, out: Path, *more: str) -> list[str]:
    options = {"--teacher": teacher, "--data": data, "--out": out, "--cache": data.parent / "cache"}
    named = [str(each) for pair in options.items() for each in pair]
    return [*named, "--start", "random", "--epochs", "2", *more]


def test_a_run_leaves_student_record_and_curve_and_nothing_else(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == ["curve.png", "run.json", "student.safetensors"]
    with Image.open(run / "curve.png") as curve:
        assert curve.size[0] > 600 and len(np.unique(np.asarray(curve.convert("L")))) > 10


def test_the_record_says_what_was_done_and_what_it_brought(run: Path, small_teacher: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    assert record["command"] == "compression.distill" and record["start"] == "random weights"
    assert len(record["losses"]) == 2 and len(record["evaluations"]) == 3
    assert len(record["teacher_sha256"]) == len(record["data_sha256"]) == 64
    before, after = record["evaluations"][0], record["evaluations"][-1]
    assert after["mae_teacher"] < before["mae_teacher"]


def test_the_student_copies_what_its_teacher_looks_at(run: Path) -> None:
    student, meta = load(run / "student.safetensors")
    assert student.spec == SPEC and student.architecture == "mobilenet_v2"
    assert meta["run"]["data"] == "photos.csv"


def test_errors_end_in_one_sentence_and_exit_code_1(
    tmp_path: Path, photos_csv: Path, small_teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "evil.pt").write_bytes(b"\x80\x04no tensors")
    cases = {
        "no-teacher.safetensors": arguments(tmp_path / "no-teacher.safetensors", photos_csv, tmp_path),
        "tensors alone": arguments(tmp_path / "evil.pt", photos_csv, tmp_path),
        "found nothing there": arguments(small_teacher, tmp_path / "none.csv", tmp_path),
        "differ from the teacher's": [
            *arguments(small_teacher, photos_csv, tmp_path),
            "--start",
            str(save(build("mobilenet_v2", spec=ViewSpec(96, 1, 256)), tmp_path / "other.safetensors")),
        ],
    }
    for says, argv in cases.items():
        assert distill.main(argv) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ") and says in error and "Traceback" not in error


def test_an_output_folder_that_cannot_be_written_is_an_error(
    tmp_path: Path, photos_csv: Path, small_teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert distill.main(arguments(small_teacher, photos_csv, tmp_path / "file" / "run")) == 1
    assert "could not be written" in capsys.readouterr().err


def test_a_teacher_learns_from_labels(photos_csv: Path, tmp_path: Path) -> None:
    """With random starting weights, in npz form, one epoch lowers the error against the labels."""
    from compression.torchvision_compat import models

    torch.manual_seed(0)
    state = {key: value.numpy() for key, value in models.mobilenet_v2().state_dict().items()}
    np.savez(tmp_path / "mobilenet_v2_imagenet.npz", **state)
    argv = ["--data", photos_csv, "--weights", tmp_path, "--architecture", "mobilenet_v2", "--epochs", 2]
    argv += ["--out", tmp_path / "run", "--cache", photos_csv.parent / "cache"]
    assert teacher.main([str(each) for each in argv]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["evaluations"][-1]["mae"] < record["evaluations"][0]["mae"]
    assert load(tmp_path / "run" / "teacher.safetensors")[0].spec == ViewSpec()
