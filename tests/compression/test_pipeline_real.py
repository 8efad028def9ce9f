"""A recipe of every stage but the teacher's, run as it stands, by the real commands: photos in, a bundle out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compression import pipeline
from compression.data import hash_file
from compression.models import ATTRIBUTES
from compression.models.weights import load, save
from edge_iqa import Inspector
from tests.compression.small_workshop import draw_data, wobble

RECIPE = """
name = "small"
teacher = "{teacher}"

[distill]
start = "{start}"
epochs = 1
learning_rate = 1e-5
scenes = 0

[prune]
steps = 1
macs = 0.9
epochs = 0

[aware]
epochs = 1
learning_rate = 1e-5
distill = ["--scenes", "0"]

[quantize]
calibrate = 6
check = 4
methods = ["min_max"]

[gates]
scenes = 0
# 56 renderings of 8 photos prove little
bound = [
  "student_teacher_srcc=0.5", "student_teacher_label_ratio=0.5", "int8_srcc=0.5", "int8_p99=0.5", "int8_flips=1",
  "runtimes_agree=0.5",
]

[pack]
version = "1.2.3"
golden = ["{golden}"]
"""


def test_a_recipe_becomes_a_bundle_that_opens_and_scores_as_its_student(
    tiny_is_known: None,
    make_net: Callable,
    draw_photo: Callable,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    net = make_net(ATTRIBUTES)
    data = draw_data(tmp_path / "photos", net, draw_photo, {"train": 6, "val": 4, "test": 8})
    teacher = save(net, tmp_path / "teacher.safetensors")
    start = save(wobble(net), tmp_path / "start.safetensors")
    golden = data.parent / "17.png"
    recipe = tmp_path / "small.toml"
    recipe.write_text(RECIPE.format(teacher=teacher, start=start, golden=golden))
    told = [str(recipe), f"--data={data}", f"--cache={tmp_path / 'cache'}"]
    told += [f"--runs={tmp_path / 'runs'}", f"--out={tmp_path / 'bundles'}"]
    assert pipeline.main(told) == 0, capsys.readouterr().err
    made = {path.name.rpartition("-")[0]: path for path in (tmp_path / "runs" / "small").iterdir()}
    assert made.keys() == {"distill", "prune", "aware", "quantize", "gates", "pack"}

    folder = tmp_path / "bundles" / "small-1.2.3"
    with Inspector.open(folder) as inspector:
        assert [each.passed for each in inspector.self_test()] == [True]
        lineage = inspector.bundle.manifest.lineage
    student = made["aware"] / "student.safetensors"
    assert (lineage.student_sha256, lineage.teacher_sha256) == (hash_file(student), hash_file(teacher))
    assert load(student)[1]["run"]["aware"] is True

    capsys.readouterr()
    assert pipeline.main(told) == 0
    assert capsys.readouterr().out.count("done before") == 6
