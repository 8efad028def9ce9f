"""Gates hold for a good student, and name what is wrong with a bad one."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from compression.agreement import agreement_gates, parity_gate, reduced_gates, runtimes_gate
from compression.artifacts import Artifacts
from compression.bounds import read_bounds, size_gate
from compression.data import Photo
from compression.gates import main, make_parser
from compression.labels import Sample
from compression.models import build
from compression.models.heads import QualityNet
from compression.models.weights import save
from compression.scoring import Split, score_split
from compression.slices import measure_slices, slice_gates, tell_unmeasured
from compression.speed import choose_files, cut_some, time_files
from compression.variants import Variant
from edge_iqa.errors import DataError, GateError
from edge_iqa.manifest import RUNTIMES
from edge_iqa.timing import Recording
from edge_iqa.views import ViewSpec
from export.release import BOUNDS, is_looser

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
    kinds = {
        "category": ["shoe" if index % 40 < 19 else "" for index in range(400)],
        "background": ["white" if index % 2 else "photo" for index in range(400)],
        "degradation": ["noise" if index < 399 else "clean" for index in range(400)],
    }
    return Split(samples, [f"g{index % 40}" for index in range(400)], kinds, np.zeros(400), scores)


def failed(split: Split) -> list[str]:
    gates = [*agreement_gates(split, BOUNDS), *reduced_gates(split, THRESHOLDS, BOUNDS)]
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


def test_a_further_precision_is_held_to_what_int8_is() -> None:
    split = make_split()
    exact = split.scores["model.fp32.tflite"]
    scores = {"model.fp32.tflite": exact, "model.fp16.tflite": exact + 0.05}
    gates = reduced_gates(replace(split, scores=scores), THRESHOLDS, BOUNDS)
    held = {gate.name: gate.passed for gate in gates}
    assert held["fp16 vs fp32 (tflite), SRCC"] and not held["fp16 vs fp32 (tflite), p99 of the difference"]
    assert len(held) == 3, "float is not compared with itself"


# slices


def test_a_slice_that_goes_its_own_way_is_named_and_the_others_hold() -> None:
    split = make_split()
    white = np.array(split.kinds["background"]) == "white"
    student = split.scores["model.fp32.onnx"]
    student[white] = np.random.default_rng(0).permutation(student[white])
    gates = {gate.name: gate for gate in slice_gates(measure_slices(split), BOUNDS)}
    assert [name for name, gate in gates.items() if not gate.passed] == [
        "student vs teacher, SRCC, background: white",
        "student vs teacher, SRCC, degradation: noise",
    ]
    held = gates["student vs teacher, SRCC, background: photo"]
    assert held.passed and held.n == 200 and held.bound == ">= 0.94"


def test_a_slice_holds_by_the_worse_end_of_its_interval() -> None:
    split = make_split(wobble=0.105)
    gates = {gate.name: gate for gate in slice_gates(measure_slices(split), BOUNDS)}
    gate = gates["student vs teacher, SRCC, background: photo"]
    assert gate.value > 0.94 > gate.low and not gate.passed


def test_small_slices_are_told_and_never_held() -> None:
    """190 images from 19 groups, and one image: too few of one or the other."""
    split = make_split()
    slices = {each.name: each for each in measure_slices(split)}
    assert set(slices) == {"shoe", "white", "photo", "noise", "clean"}, "what nobody named is no slice"
    for name, n, groups in (("shoe", 190, 19), ("clean", 1, 1)):
        assert (slices[name].n, slices[name].groups, slices[name].estimate) == (n, groups, None)
    told = tell_unmeasured(list(slices.values()))
    assert told.startswith("too few images to measure by themselves: ")
    assert "shoe (190 images from 19 groups)" in told and "clean (1 images from 1 groups)" in told
    assert "white" not in told
    assert not any("shoe" in gate.name for gate in slice_gates(list(slices.values()), BOUNDS))
    assert tell_unmeasured([slices["white"]]) == ""
    shoes = replace(split, kinds={"category": split.kinds["category"]})
    assert measure_slices(shoes, images=190, groups=20)[0].estimate is None
    assert measure_slices(shoes, images=190, groups=19)[0].estimate is not None


@pytest.mark.parametrize(("option", "most"), [("--slice-images", 200), ("--slice-groups", 20)])
def test_slices_may_be_smaller_and_no_larger_than_a_release_has_them(option: str, most: int) -> None:
    told = ["--artifacts", "a", "--data", "d", option]
    assert most - 1 in vars(make_parser().parse_args([*told, str(most - 1)])).values()
    for wrong in (str(most + 1), "1", "many"):
        with pytest.raises(SystemExit):
            make_parser().parse_args([*told, wrong])


# verdicts through both runtimes


def test_review_against_retake_is_another_verdict() -> None:
    split = make_split()
    near = np.array([[0.56, 0.5]] * 400), np.array([[0.54, 0.5]] * 400)  # around the lower end of review
    split.scores.update({"model.int8.onnx": near[0], "model.int8.tflite": near[1]})
    in_use = {"onnx": "model.int8.onnx", "tflite": "model.int8.tflite"}
    assert runtimes_gate(split, in_use, THRESHOLDS, BOUNDS).value == 0.0


@pytest.mark.parametrize(("exact", "small", "share"), [(0.61, 0.59, 1), (0.54, 0.61, 1), (0.56, 0.54, 0)])
def test_a_flip_is_accept_against_anything_else(exact: float, small: float, share: float) -> None:
    split = make_split()
    for runtime in ("onnx", "tflite"):
        split.scores[f"model.fp32.{runtime}"] = np.full((400, 2), exact)
        split.scores[f"model.int8.{runtime}"] = np.full((400, 2), small)
    flips = [gate for gate in reduced_gates(split, THRESHOLDS, BOUNDS) if "flips" in gate.name]
    assert [gate.value for gate in flips] == [share, share]


@pytest.mark.parametrize(("apart", "holds"), [(0, True), (3, False)])
def test_the_files_in_use_must_give_the_same_verdict(apart: int, holds: bool) -> None:
    """Of 800 photos; those that lie on one side of the bound in both runtimes agree, however far apart."""
    half, other = make_split(), make_split(seed=1)
    scores = {name: np.concatenate([half.scores[name], other.scores[name]]) for name in half.scores}
    split = replace(half, groups=[f"g{at % 40}" for at in range(800)], scores=scores)
    accepted = scores["model.fp32.onnx"][:, 0] >= THRESHOLDS["accept"]
    scores["model.int8.tflite"][accepted] = 1.0
    scores["model.int8.tflite"][np.flatnonzero(accepted)[:apart]] = 0.0
    in_use = {"onnx": "model.fp32.onnx", "tflite": "model.int8.tflite"}
    gate = runtimes_gate(split, in_use, THRESHOLDS, BOUNDS)
    assert gate.passed is holds and gate.n == 800
    assert gate.value == 1 - apart / 800
    unused = runtimes_gate(split, {**in_use, "tflite": "model.fp32.tflite"}, THRESHOLDS, BOUNDS)
    assert unused.passed and unused.value == 1


# files against torch


def test_parity_is_measured_on_the_files_as_they_are(
    tiny_net, plain_net, artifacts, draw_photo, one_thread, tmp_path
) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(draw_photo(np.random.default_rng(0))).save(path)
    sample = Sample(path, 0, Variant(()), np.ones(3, np.float32))
    gate = parity_gate(tiny_net, artifacts.files, [sample] * 97, BOUNDS)
    assert gate.passed and 0 <= gate.value == gate.high and gate.n == 49
    taken_for_float = {**artifacts.files, "model.fp32.tflite": artifacts.files["model.int8.tflite"]}
    assert not parity_gate(tiny_net, taken_for_float, [sample], BOUNDS).passed
    nowhere = deepcopy(tiny_net)
    nowhere.embedding_head.bias.data[:] = float("nan")
    with pytest.raises(GateError, match="fp32 ONNX and TFLite vs torch: expected numbers"):
        parity_gate(nowhere, artifacts.files, [sample], BOUNDS)
    with pytest.raises(GateError, match="expected the outputs of torch"):
        parity_gate(plain_net, artifacts.files, [sample], BOUNDS)


@pytest.mark.parametrize(("least", "precision"), [(0.0, "int8"), (2.0, "fp32")])
def test_int8_is_in_use_where_it_gains_as_much_as_the_recipe_asks(
    artifacts: Artifacts, tiny_net: QualityNet, draw_photo, tmp_path: Path, least: float, precision: str
) -> None:
    """Two runs of one file are as fast: neither twice as fast, nor infinitely slow."""
    path = tmp_path / "photo.png"
    Image.fromarray(draw_photo(np.random.default_rng(0))).save(path)
    sample = Sample(path, 0, Variant(), np.ones(7, np.float32))
    same = {
        f"model.{name}.{runtime}": artifacts.files[f"model.int8.{runtime}"]
        for runtime in RUNTIMES
        for name in ("fp32", "int8")
    }
    recorded = time_files(same, cut_some([sample], tiny_net.spec))
    in_use, gates = choose_files(recorded, {**BOUNDS, "int8_speed_up": least})
    assert in_use == {runtime: f"model.{precision}.{runtime}" for runtime in RUNTIMES}
    assert all(gate.passed == (precision == "int8") and gate.bound == f"> {least:g}" for gate in gates)


@pytest.mark.parametrize(("float_ms", "int8_ms", "precision"), [(10.0, 5.0, "int8"), (5.0, 10.0, "fp32")])
def test_the_faster_file_is_in_use(float_ms: float, int8_ms: float, precision: str) -> None:
    rng = np.random.default_rng(0)
    recorded = {
        f"model.{name}.{runtime}": Recording(took_ms * rng.uniform(0.99, 1.01, 200), {})
        for runtime in RUNTIMES
        for name, took_ms in (("fp32", float_ms), ("int8", int8_ms))
    }
    in_use, gates = choose_files(recorded, BOUNDS)
    assert in_use == {runtime: f"model.{precision}.{runtime}" for runtime in RUNTIMES}
    assert [gate.value for gate in gates] == pytest.approx([float_ms / int8_ms] * 2, rel=0.02)


@pytest.mark.parametrize(("size_bytes", "holds"), [(1_500_000, True), (1_500_001, False)])
def test_a_file_larger_than_the_recipe_allows_is_named(size_bytes: int, holds: bool) -> None:
    gate = size_gate({"model.int8.tflite": bytes(size_bytes)}, {**BOUNDS, "file_mb": 1.5})
    assert gate.passed is holds and gate.name == "int8 TFLite file, MB" and gate.bound == "<= 1.5"


@pytest.mark.parametrize("count", [0, 3])
def test_scenes_alone_or_one_sender_prove_nothing(tiny_net: QualityNet, tmp_path: Path, count: int) -> None:
    photos = [Photo(tmp_path / f"{index}.jpg", "test", "the same sender") for index in range(count)]
    with pytest.raises(
        DataError, match=f"split 'test': expected photos of at least 2 groups.*got {count} photos"
    ):
        score_split(photos, "test", tiny_net, {}, tmp_path, 40)


def test_only_looser_bounds_make_a_bundle_experimental() -> None:
    assert not is_looser(read_bounds([]))
    assert not is_looser(read_bounds(["int8_p99=0.01", "int8_srcc=0.999"]))
    assert is_looser(read_bounds(["int8_p99=0.03"]))
    for text in (
        "student_teacher_srcc=0.9",
        "slice_srcc=0.93",
        "runtimes_agree=0.99",
        "parity=1e-3",
        "file_mb=5",
    ):
        assert is_looser(read_bounds([text]))


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
