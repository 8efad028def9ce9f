"""int8 models lose little, keep the contract, and leave as much in float as measuring says."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn

from compression import models, quantize
from compression.calibration import cut_variants
from compression.data import read_photos
from compression.equalize import equalize
from compression.models import Architecture, weights
from compression.quantize_histograms import few
from compression.quantize_onnx import OnnxQuantizer
from compression.quantize_tflite import TfliteQuantizer
from compression.quantize_weights_onnx import store_heads_as_int8
from compression.search import compare_outputs, run_all
from edge_iqa import backends
from edge_iqa.views import ViewSpec
from export import parity

RUNTIMES = ("onnx", "tflite")


@pytest.fixture(scope="module")
def quantizers(artifacts, make_views, tmp_path_factory) -> dict:
    """One quantizer a runtime, for the small model."""
    calibration, folder = make_views(12), tmp_path_factory.mktemp("quantize")
    return {
        "onnx": OnnxQuantizer(artifacts.files["model.fp32.onnx"], calibration, folder),
        "tflite": TfliteQuantizer(artifacts.files["model.fp32.tflite"], calibration),
    }


def list_float_convolutions(content: bytes, runtime: str) -> list[int]:
    """Places, among all convolutions, of those that are float."""
    if runtime == "onnx":
        graph = onnx.load_from_string(content).graph
        made_by = {output: node.op_type for node in graph.node for output in node.output}
        kinds = [made_by.get(node.input[1]) for node in graph.node if node.op_type == "Conv"]
        return [place for place, kind in enumerate(kinds) if kind != "DequantizeLinear"]
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    types = [
        interpreter._get_tensor_details(each["outputs"][0], 0)["dtype"]
        for each in interpreter._get_ops_details()
        if each["op_name"].endswith("CONV_2D")
    ]
    return [place for place, kind in enumerate(types) if kind is np.float32]


def count_float_convolutions(content: bytes, runtime: str) -> int:
    return len(list_float_convolutions(content, runtime))


def count_bytes(content: bytes, runtime: str) -> int:
    """Bytes of the file; of an ONNX file its numbers, since the nodes of a graph outweigh so small a model."""
    if runtime != "onnx":
        return len(content)
    tensors = onnx.load_from_string(content).graph.initializer
    return sum(onnx.numpy_helper.to_array(tensor).nbytes for tensor in tensors)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_int8_scores_and_embeddings_stay_near_float(artifacts, make_views, runtime):
    fresh = make_views(12, seed=7)
    outputs = [
        run_all(name, artifacts.files[name], fresh)
        for name in (f"model.fp32.{runtime}", f"model.int8.{runtime}")
    ]
    trial = compare_outputs("", (), *outputs)
    assert trial.worst < 0.05
    assert trial.embedding_cosine > 0.999


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_int8_models_are_smaller_and_their_convolutions_are_int8(artifacts, runtime):
    small, large = artifacts.files[f"model.int8.{runtime}"], artifacts.files[f"model.fp32.{runtime}"]
    assert len(small) < len(large)
    assert count_bytes(small, runtime) < 0.6 * count_bytes(large, runtime)
    kept = artifacts.found[runtime].chosen.float_layers
    assert count_float_convolutions(small, runtime) == len(kept)
    assert count_float_convolutions(large, runtime) == 13


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_just_the_convolutions_that_were_asked_for_stay_float(quantizers, runtime):
    quantizer = quantizers[runtime]
    assert len(quantizer.layers) == 13
    for layers in ((), (0,), (3, 7), (12,), (0, 1, 2, 3)):
        content = quantizer.quantize("min_max", layers)
        assert list_float_convolutions(content, runtime) == list(layers)
        signature = backends.open(content, runtime).signature
        assert signature == backends.open(quantizer.quantize("min_max"), runtime).signature


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_large_float_layer_costs_at_most_three_bytes_a_weight(quantizers, runtime):
    """So the search reckons; scales that are no longer needed make it less."""
    quantizer = quantizers[runtime]
    largest = max(range(13), key=lambda layer: quantizer.layers[layer].weights)
    grown = len(quantizer.quantize("min_max", [largest])) - len(quantizer.quantize("min_max"))
    weights = quantizer.layers[largest].weights
    assert weights > 2000 and 2 * weights < grown <= 3 * weights


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_same_photos_give_the_same_bytes(quantizers, artifacts, make_views, tmp_path, runtime):
    source, calibration = artifacts.files[f"model.fp32.{runtime}"], make_views(12)
    again = (
        OnnxQuantizer(source, calibration, tmp_path)
        if runtime == "onnx"
        else TfliteQuantizer(source, calibration)
    )
    assert again.quantize("min_max", [1]) == quantizers[runtime].quantize("min_max", [1])


def test_onnx_runtime_leaves_a_float_convolution_between_int8_ones_alone(quantizers, make_views, tmp_path):
    """It quantizes what stands between a DequantizeLinear and a QuantizeLinear, by one scale for all channels."""
    (tmp_path / "model.onnx").write_bytes(quantizers["onnx"].quantize("min_max", (4,)))
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), options)
    optimized = (tmp_path / "optimized.onnx").read_bytes()
    assert count_float_convolutions(optimized, "onnx") == 1


def test_head_weights_in_int8_hardly_move_the_outputs(artifacts, make_views):
    model = onnx.load_from_string(artifacts.files["model.fp32.onnx"])
    store_heads_as_int8(model)
    onnx.checker.check_model(model, full_check=True)
    stored = Counter(tensor.data_type for tensor in model.graph.initializer if np.prod(tensor.dims) >= 4096)
    assert stored[onnx.TensorProto.INT8] == 1
    runs = [
        parity.from_file("model.onnx", content)
        for content in (artifacts.files["model.fp32.onnx"], model.SerializeToString())
    ]
    for views in make_views(3):
        exact, small = (run(views)["scores"] for run in runs)
        assert 0 < np.abs(exact - small).max() < 0.03


def test_evened_out_models_compute_the_same(tiny_net, make_views):
    views = make_views(8)
    evened = equalize(tiny_net, views)
    batch = torch.from_numpy(np.stack(views))
    with torch.inference_mode():
        for expected, found in zip(tiny_net(batch), evened(batch), strict=True):
            torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_evening_out_widens_weak_channels_and_no_strong_one(tiny_net, make_views):
    """The maxima before each depthwise convolution come within 1.25 of the largest, that one unchanged."""
    views = make_views(8)
    before, after = (measure_channels(net, views) for net in (tiny_net, equalize(tiny_net, views)))
    assert len(before) == len(after) == 3
    for weak, even in zip(before, after, strict=True):
        torch.testing.assert_close(even.max(), weak.max())
        alive = weak > 1e-3
        assert (even[alive] > 0.75 * even.max()).all()
        assert (weak[alive] < 0.5 * weak.max()).any()


def measure_channels(net: nn.Module, views: list[np.ndarray]) -> list[torch.Tensor]:
    """Largest input of every depthwise convolution, by channel, independent of the code under test."""
    found: dict[nn.Module, torch.Tensor] = {}

    def note(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        found[layer] = inputs[0].amax((0, 2, 3))

    layers = [each for each in net.modules() if isinstance(each, nn.Conv2d) and each.groups > 1]
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    with torch.inference_mode():
        net(torch.from_numpy(np.stack(views)))
    for hook in hooks:
        hook.remove()
    return [found[layer].clone() for layer in layers]


def test_calibration_takes_clean_photos_and_every_fault_in_turn(photos_csv, tmp_path):
    photos = read_photos(photos_csv)
    spec = ViewSpec(64, 2, 256)
    views = list(cut_variants(photos, spec, tmp_path))
    assert [each.shape for each in views] == [spec.shape] * len(photos)
    rendered = list((tmp_path / "variants").rglob("*.jpg"))
    assert len(rendered) == len(photos)  # one variant of each, not all
    assert all((a == b).all() for a, b in zip(views, cut_variants(photos, spec, tmp_path), strict=True))
    clean = [next(iter(cut_variants([photo], spec, tmp_path))) for photo in photos]
    spoiled = [
        place for place, (own, first) in enumerate(zip(views, clean, strict=True)) if (own != first).any()
    ]
    assert spoiled == list(range(1, len(photos)))  # the first photo is clean, each further one has a fault


@pytest.mark.parametrize("count", [16, 48, 64, 128, 200])
def test_photos_for_histograms_show_most_faults(count):
    """Faults come in turns of 20: every fourth photo would show five of them."""
    chosen = few(range(count))
    assert len(chosen) == min(count, 32) == len(set(chosen)) and list(chosen) == sorted(chosen)
    assert len({each % 20 for each in chosen}) >= min(count, 12)


def test_calibration_leaves_out_what_cannot_be_read(photos_csv, tmp_path):
    folder = Path(shutil.copytree(photos_csv.parent, tmp_path / "copy"))
    (folder / "0.png").write_bytes(b"no photo")
    photos = read_photos(folder / "photos.csv")
    assert len(list(cut_variants(photos, ViewSpec(64, 2, 256), tmp_path))) == len(photos) - 1


def test_the_command_goes_from_a_checkpoint_to_models_and_reports(
    tiny_net,
    photos_csv: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys,
    make_backbone: Callable,
):
    tiny = Architecture(make_backbone)
    monkeypatch.setitem(models.REGISTRY, "tiny", tiny)
    student, out = tmp_path / "student.safetensors", tmp_path / "artifacts"
    weights.save(tiny_net, student)
    arguments = [
        "--student",
        str(student),
        "--data",
        str(photos_csv),
        "--out",
        str(out),
        "--cache",
        str(tmp_path),
        "--also",
        "fp16",
        "dynamic",
        "--file-mb",
        "0.001",
    ]
    assert quantize.main(arguments) == 0
    names = {f"model.{precision}.{runtime}" for precision in ("fp32", "int8", "fp16") for runtime in RUNTIMES}
    names.add("model.dynamic.tflite")
    reports = {"parity.json", "quantize.json", "sensitivity.json", "sensitivity.png"}
    assert {path.name for path in out.iterdir()} == {*names, *reports}
    assert json.loads((out / "parity.json").read_text())["passed"] is True
    report = json.loads((out / "quantize.json").read_text())
    assert report["calibrated_on"] == 6 and report["measured_on"] == 2
    assert set(report["files"]) == set(report["timings"]) == names
    assert set(report["variants"]) == {name for name in names if "fp16" in name or "dynamic" in name}
    assert all(0 < each["mean"] <= each["p99"] < 0.1 for each in report["variants"].values())
    measured = json.loads((out / "sensitivity.json").read_text())
    assert {runtime: len(layers) for runtime, layers in measured["layers"].items()} == {
        "onnx": 13,
        "tflite": 13,
    }
    shown = capsys.readouterr().out
    assert f"model.int8.onnx: {len((out / 'model.int8.onnx').read_bytes()) / 1e6:.2f} MB, more than" in shown
    assert report["chosen"]["tflite"]["float_layers"] == [], "no room for any"
    assert "the worst 10" in shown and "p99 vs float" in shown and "wrote 7 models" in shown


def test_a_folder_that_cannot_be_made_is_refused_before_any_work(photos_csv, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(quantize, "make_artifacts", None)
    (tmp_path / "file").write_text("in the way")
    assert quantize.main(["--data", str(photos_csv), "--out", str(tmp_path / "file")]) == 1
    assert "could not be made" in capsys.readouterr().err


def test_a_damaged_student_is_an_error_and_writes_nothing(photos_csv, tmp_path, capsys):
    student, out = tmp_path / "student.safetensors", tmp_path / "artifacts"
    student.write_bytes(b"no tensors")
    assert quantize.main(["--student", str(student), "--data", str(photos_csv), "--out", str(out)]) == 1
    assert "student.safetensors: expected a safetensors file" in capsys.readouterr().err
    assert not out.exists()
