"""Exported models are the torch model, under the contract's names and types, and carry no trace of the machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter

from compression.models.device_form import DeviceForm
from edge_iqa import backends
from edge_iqa.backends.base import Signature
from edge_iqa.errors import GateError
from export import parity
from export.contract import ModelInfo
from export.onnx import export_onnx
from export.tflite import export_tflite

FILES = ["model.fp32.onnx", "model.fp32.tflite", "model.int8.onnx", "model.int8.tflite"]


OUTPUTS = ("scores", "embedding", "category")


def shuffle(content: bytes, output: str) -> bytes:
    """An ONNX model whose scores or categories come in another order: the first of three last."""
    model = onnx.load_from_string(content)
    last = next(node for node in model.graph.node if output in node.output)
    last.output[0] = "in_order"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 2, 0]), "shuffled"))
    model.graph.node.append(onnx.helper.make_node("Gather", ["in_order", "shuffled"], [output], axis=1))
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_float_models_give_what_torch_gives_on_every_output(artifacts):
    assert artifacts.parity.worst <= 1e-4
    compared = {(each.model, each.output) for each in artifacts.parity.differences}
    assert compared == {(file, output) for file in FILES[:2] for output in OUTPUTS}


@pytest.mark.parametrize("file", FILES)
def test_category_logits_are_torchs(artifacts, tiny_net, file, make_views):
    backend = backends.open(artifacts.files[file], file.rpartition(".")[2])
    views = make_views(6, seed=4)
    with torch.inference_mode():
        expected = tiny_net(torch.from_numpy(np.stack(views))).category.numpy()
    found = np.stack([backend.run(each).category for each in views])
    assert np.ptp(expected, axis=0).max() > 0.3
    np.testing.assert_allclose(found, expected, atol=1e-4 if "fp32" in file else 0.3, rtol=0)


def test_without_categories_there_is_no_such_output_and_torch_is_met_all_the_same(
    plain_files, plain_net, make_views
):
    for file, content in plain_files.items():
        signature = backends.open(content, file.rpartition(".")[2]).signature
        assert signature == Signature(views=(3, 64, 64, 3), scores=5, embedding=8, category=0)
        assert set(parity.from_file(file, content)(make_views(1)[0])) == {"scores", "embedding"}
    compared = parity.compare(plain_net, plain_files, make_views(4, seed=5))
    assert compared.passed
    assert {each.output for each in compared.differences} == {"scores", "embedding"}
    names = [node.name for node in onnx.load_from_string(plain_files["model.fp32.onnx"]).graph.output]
    assert names == ["scores", "embedding"]


@pytest.mark.parametrize("file", FILES)
def test_the_device_reads_the_contracts_names_types_and_shapes(artifacts, file):
    backend = backends.open(artifacts.files[file], file.rpartition(".")[2])
    assert backend.signature == Signature(views=(3, 64, 64, 3), scores=3, embedding=8, category=3)


@pytest.mark.parametrize("file", FILES)
def test_scores_differ_between_photos_and_embeddings_have_unit_length(artifacts, file, make_views):
    run = parity.from_file(file, artifacts.files[file])
    outputs = [run(views) for views in make_views(4, seed=2)]
    assert np.ptp([each["scores"] for each in outputs], axis=0).max() > 0.01
    np.testing.assert_allclose([np.linalg.norm(each["embedding"]) for each in outputs], 1, atol=1e-3)


@pytest.mark.parametrize("file", [FILES[0], FILES[2]])
def test_onnx_is_one_file_with_folded_norms_and_says_what_it_is(artifacts, tiny_net, file):
    model = onnx.load_from_string(artifacts.files[file])
    assert not any(node.op_type == "BatchNormalization" for node in model.graph.node)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert {entry.domain for entry in model.opset_import} == {""}
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    info = ModelInfo.from_metadata(metadata)
    assert (info.spec, info.attributes, info.embedding) == (tiny_net.spec, ("sharpness", "noise"), 8)
    assert info.categories == tiny_net.categories == ("shoe", "mug", "lamp")


def test_metadata_from_before_there_were_categories_have_none(tiny_net):
    info = ModelInfo(tiny_net.spec, ("noise",), 8, "0" * 64)
    metadata = info.to_metadata()
    assert ModelInfo.from_metadata(metadata) == info
    del metadata["edge_iqa.categories"]
    assert ModelInfo.from_metadata(metadata) == info


def test_tflite_has_folded_norms(artifacts):
    """One multiplication and one subtraction bring pixels to the network's scale; none follows a convolution."""
    interpreter = Interpreter(model_content=artifacts.files["model.fp32.tflite"])
    interpreter.allocate_tensors()
    names = [each["op_name"] for each in interpreter._get_ops_details()]
    first, last = (
        (index for index, name in enumerate(names) if name == "CONV_2D"),
        names[::-1].index("CONV_2D"),
    )
    between = names[next(first) : len(names) - last]
    # pooled, and the tones beside the backbone
    assert set(between) <= {"CONV_2D", "DEPTHWISE_CONV_2D", "PAD", "ADD", "MEAN", "TRANSPOSE"}
    assert between.count("ADD") == 1  # the residual


@pytest.mark.parametrize("file", FILES)
def test_no_file_tells_where_it_was_made(artifacts, file):
    content = artifacts.files[file]
    for trace in (b".py", str(Path.home()).encode(), str(Path.cwd()).encode(), b"site-packages"):
        assert trace not in content


def test_the_same_model_exports_to_the_same_bytes(artifacts, tiny_net, tmp_path):
    metadata = onnx.load_from_string(artifacts.files["model.fp32.onnx"]).metadata_props
    info = ModelInfo.from_metadata({entry.key: entry.value for entry in metadata})
    for export, file in ((export_onnx, "model.fp32.onnx"), (export_tflite, "model.fp32.tflite")):
        assert export(DeviceForm(tiny_net), info, tmp_path / file).read_bytes() == artifacts.files[file]


def test_a_model_that_breaks_its_description_is_not_written(tiny_net, tmp_path):
    for attributes, categories in (
        (("sharpness",), tiny_net.categories),
        (tiny_net.attributes, ("shoe", "mug")),
    ):
        info = ModelInfo(tiny_net.spec, attributes, 8, "0" * 64, categories)
        with pytest.raises(GateError, match=r"expected inputs and outputs.*\(1, 2\).*\(1, 3\)"):
            export_onnx(tiny_net, info, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output", ["scores", "category"])
def test_shuffled_outputs_fail_parity_and_are_named(artifacts, tiny_net, make_views, output):
    models = {
        "model.fp32.onnx": shuffle(artifacts.files["model.fp32.onnx"], output),
        "model.fp32.tflite": artifacts.files["model.fp32.tflite"],
    }
    compared = parity.compare(tiny_net, models, make_views(2))
    assert not compared.passed
    with pytest.raises(GateError, match=rf"{output} of model\.fp32\.onnx by \d\.?\d*$"):
        parity.check(compared)


def test_a_model_that_lost_an_output_fails_parity(artifacts, tiny_net, make_views):
    model = onnx.load_from_string(artifacts.files["model.fp32.onnx"])
    model.graph.output.remove(next(node for node in model.graph.output if node.name == "category"))
    with pytest.raises(
        GateError, match=r"model\.fp32\.onnx: expected the outputs of torch.*'category': \(3,\)"
    ):
        parity.compare(tiny_net, {"model.fp32.onnx": model.SerializeToString()}, make_views(1))


def test_parity_of_nothing_is_no_parity(artifacts, tiny_net, make_views):
    with pytest.raises(GateError, match="at least one"):
        parity.compare(tiny_net, {}, make_views(1))
    with pytest.raises(GateError, match="at least one"):
        parity.compare(tiny_net, {"model.fp32.onnx": artifacts.files["model.fp32.onnx"]}, [])


def test_a_difference_that_is_no_number_does_not_pass():
    broken = parity.Parity(1, 1e-4, (parity.Difference("model.fp32.onnx", "scores", float("nan"), 0.0),))
    assert not broken.passed
    with pytest.raises(GateError, match="by nan"):
        parity.check(broken)
