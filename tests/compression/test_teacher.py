"""The command that makes a teacher, from photos to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from compression import teacher
from compression.models import build
from compression.models.weights import load, save
from compression.torchvision_compat import models
from edge_iqa.views import ViewSpec

pytestmark = pytest.mark.usefixtures("one_process")


def test_a_teacher_learns_from_labels(photos_csv: Path, tmp_path: Path) -> None:
    """With random starting weights, in npz form, two epochs lower the error against the labels."""
    torch.manual_seed(0)
    state = {key: value.numpy() for key, value in models.mobilenet_v2().state_dict().items()}
    np.savez(tmp_path / "mobilenet_v2_imagenet.npz", **state)
    argv = ["--data", photos_csv, "--weights", tmp_path, "--architecture", "mobilenet_v2", "--epochs", 2]
    argv += ["--small-epochs", 1]
    argv += ["--out", tmp_path / "run", "--cache", photos_csv.parent / "cache", "--scenes", 0]
    assert teacher.main([str(each) for each in argv]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["evaluations"][-1]["mae"] < record["evaluations"][0]["mae"]
    assert load(tmp_path / "run" / "teacher.safetensors")[0].spec == ViewSpec()


def test_a_teacher_goes_on_from_another_that_gives_what_the_data_asks_for(
    small_teacher: Path, photos_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--data", photos_csv, "--epochs", 1, "--out", tmp_path / "run", "--scenes", 0]
    argv = [str(each) for each in [*argv, "--cache", photos_csv.parent / "cache", "--start"]]
    assert teacher.main([*argv, str(small_teacher)]) == 0
    assert load(tmp_path / "run" / "teacher.safetensors")[0].spec == load(small_teacher)[0].spec
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["start"] == "teacher.safetensors (resnet18)"
    named = build("resnet18", spec=ViewSpec(64, 1, 256), categories=("box", "mug"))
    other = save(named, tmp_path / "other.safetensors")
    for says, more in {
        "expected categories of the data (), it has ('box', 'mug')": [str(other)],
        "expected --architecture resnet34, it has resnet18": [
            str(small_teacher),
            "--architecture",
            "resnet34",
        ],
        "leave it out beside --start": [str(small_teacher), "--weights", str(tmp_path)],
    }.items():
        assert teacher.main([*argv, *more]) == 1
        assert says in capsys.readouterr().err
