"""Gates hold for a good student, and name what is wrong with a bad one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from compression.gates import (
    BOUNDS,
    Split,
    agreement_gates,
    int8_gates,
    is_looser,
    main,
    parity_gate,
    read_bounds,
)
from compression.labels import Sample
from compression.models import build
from compression.models.weights import save
from compression.variants import Variant
from edge_iqa.errors import GateError
from edge_iqa.views import ViewSpec

THRESHOLDS = {"accept": 0.6, "reject": 0.55}


def make_split(wobble: float = 0.0, seed: int = 0) -> Split:
    """400 samples of 40 groups whose student is its teacher plus a wobble, and int8 is float."""
    rng = np.random.default_rng(seed)
    labels = rng.uniform(0, 1, 400)
    samples = [
        Sample(Path("x.jpg"), index, Variant((("noise", 0.5),)), np.array([label, label], np.float32))
        for index, label in enumerate(labels)
    ]
    teacher = np.clip(labels + rng.normal(0, 0.05, 400), 0, 1)[:, None].repeat(2, 1)
    student = teacher + rng.normal(0, wobble, teacher.shape) if wobble else teacher.copy()
    scores = {"teacher": teacher}
    for runtime in ("onnx", "tflite"):
        scores[f"model.fp32.{runtime}"] = student
        scores[f"model.int8.{runtime}"] = student.copy()
    return Split(samples, [f"g{index % 40}" for index in range(400)], np.zeros(400), scores)


def failed(split: Split) -> list[str]:
    gates = [*agreement_gates(split, BOUNDS), *int8_gates(split, THRESHOLDS, BOUNDS)]
    return [gate.name for gate in gates if not gate.passed]


def test_a_perfect_student_loses_only_to_the_number_of_photos() -> None:
    """No flip in 400 photos proves no better than 0.9 % at 95 %: the exact binomial bound says so."""
    assert failed(make_split()) == [
        "int8 vs fp32 (onnx), verdict flips of clear photos",
        "int8 vs fp32 (tflite), verdict flips of clear photos",
    ]


def test_a_student_with_shuffled_outputs_is_named() -> None:
    split = make_split()
    shuffled = np.random.default_rng(0).permutation(split.scores["model.fp32.onnx"])
    split.scores["model.fp32.onnx"] = shuffled
    assert {"student vs teacher, SRCC", "student / teacher, SRCC against labels"} <= set(failed(split))


def test_a_student_that_follows_loosely_misses_the_lower_bound_though_its_value_holds() -> None:
    split = make_split(wobble=0.075)
    gate = agreement_gates(split, BOUNDS)[0]
    assert gate.value > 0.97 > gate.low and not gate.passed


def test_int8_that_is_off_by_a_twentieth_is_named() -> None:
    split = make_split()
    split.scores["model.int8.tflite"] = split.scores["model.fp32.tflite"] + 0.05
    names = failed(split)
    assert "int8 vs fp32 (tflite), p99 of the difference" in names
    assert "int8 vs fp32 (onnx), p99 of the difference" not in names


def test_parity_is_read_from_the_exports_report(tmp_path: Path) -> None:
    path = tmp_path / "parity.json"
    for worst, holds in ((5e-5, True), (2e-4, False)):
        path.write_text(json.dumps({"worst": worst, "n": 12}))
        assert parity_gate(path, BOUNDS).passed is holds
    for text in ("{}", "[]", "not json"):
        path.write_text(text)
        with pytest.raises(GateError, match="expected the parity report"):
            parity_gate(path, BOUNDS)
    with pytest.raises(GateError, match="expected the parity report"):
        parity_gate(tmp_path / "none.json", BOUNDS)


def test_only_looser_bounds_make_a_bundle_experimental() -> None:
    assert not is_looser(read_bounds([]))
    assert not is_looser(read_bounds(["int8_p99=0.01", "int8_srcc=0.999"]))
    assert is_looser(read_bounds(["int8_p99=0.03"]))
    assert is_looser(read_bounds(["student_teacher_srcc=0.9"]))


def test_missing_artifacts_and_another_teacher_are_told_before_anything_is_measured(
    tmp_path: Path, photos_csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    spec = ViewSpec(64, 1, 256)
    teacher = save(build("resnet18", spec=spec), tmp_path / "teacher.safetensors")
    about = {"run": {"teacher_sha256": "0" * 64}}
    taught_elsewhere = save(build("mobilenet_v2", spec=spec), tmp_path / "student.safetensors", about)
    student = save(build("mobilenet_v2", spec=spec), tmp_path / "other.safetensors")
    for path, says in ((taught_elsewhere, "another teacher"), (student, "model.fp32.onnx")):
        argv = ["--artifacts", tmp_path, "--student", path, "--teacher", teacher, "--data", photos_csv]
        assert main([str(each) for each in argv]) == 1
        assert says in capsys.readouterr().err


@pytest.mark.parametrize("option", ["speed=1", "int8_p99=fast", "int8_p99"])
def test_a_bound_that_does_not_exist_or_is_no_number_is_refused(option: str) -> None:
    with pytest.raises(ValueError):
        read_bounds([option])
