"""A TFLite file says what it is, as an ONNX file does, and computes what it did before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils

from compression.quantize_weights import make_variants
from edge_iqa.errors import GateError
from export import parity
from export.assemble import read_info
from export.contract import ModelInfo
from export.metadata import read_metadata, write_metadata
from export.operators import list_operators

BUNDLE = Path(__file__).parents[2] / "edge_iqa" / "bundles" / "default"
TFLITE = ["model.fp32.tflite", "model.int8.tflite"]


@pytest.fixture(scope="module")
def info() -> ModelInfo:
    """What the default bundle's models are, from its ONNX file."""
    content = (BUNDLE / "model.int8.onnx").read_bytes()
    return read_info({"model.int8.onnx": content})


def read_json(content: bytes) -> dict:
    """The metadata found by its text alone, without any schema."""
    start = content.index(b'{"attributes"')
    return json.JSONDecoder().raw_decode(content[start : start + 10_000].decode(errors="replace"))[0]


@pytest.mark.parametrize("file", TFLITE)
def test_both_files_of_a_model_say_the_same(artifacts, tiny_net, file):
    told = read_metadata(artifacts.files[file], file)
    assert told == read_info({"model.fp32.onnx": artifacts.files["model.fp32.onnx"]})
    fields = read_json(artifacts.files[file])
    assert fields["views"] == {"size_px": 64, "detail": 2, "long_side_px": 256}
    assert fields["categories"] == list(tiny_net.categories)
    assert fields["input"]["shape"] == [3, 64, 64, 3] and fields["input"]["type"] == "uint8"
    shapes = {output["name"]: output["shape"] for output in fields["outputs"]}
    assert shapes == {"scores": [1, 3], "embedding": [1, 8], "category": [1, 3]}


def test_an_onnx_file_holds_the_same_as_strings(artifacts):
    fields = read_json(artifacts.files["model.fp32.tflite"])
    model = onnx.load_from_string(artifacts.files["model.fp32.onnx"])
    metadata = {entry.key.removeprefix("edge_iqa."): entry.value for entry in model.metadata_props}
    sha256 = metadata.pop("student_sha256")
    assert {**{key: json.loads(value) for key, value in metadata.items()}, "student_sha256": sha256} == fields


@pytest.fixture(scope="module")
def silent():
    """The default bundle's TFLite file, but what it says of itself stands under a name that nobody looks for."""
    content, name = (BUNDLE / "model.int8.tflite").read_bytes(), b"\x08\0\0\0edge_iqa\0"
    assert content.count(name) == 1
    return content.replace(name, b"\x08\0\0\0somebody\0")


def test_metadata_leave_the_default_bundles_graph_and_its_outputs_alone(info, silent):
    before = silent
    after = write_metadata(before, info)
    assert read_metadata(before, "model.int8.tflite") is None
    assert read_metadata(after, "model.int8.tflite") == info
    assert list(list_operators(after, "tflite").items()) == list(list_operators(before, "tflite").items())
    details = [Interpreter(model_content=each).get_tensor_details() for each in (before, after)]
    for old, new in zip(*details, strict=True):
        assert (old["name"], old["dtype"], list(old["shape"])) == (
            new["name"],
            new["dtype"],
            list(new["shape"]),
        )
    views = np.random.default_rng(0).integers(0, 256, info.spec.shape, np.uint8)
    old, new = (parity.from_file("model.int8.tflite", each)(views) for each in (before, after))
    assert all((old[output] == new[output]).all() for output in old)


def test_weights_stay_at_multiples_of_16_bytes(artifacts):
    content = artifacts.files["model.fp32.tflite"]
    model = schema.Model.GetRootAs(content, 0)
    stored = [model.Buffers(index).DataAsNumpy() for index in range(model.BuffersLength())]
    places = [
        each.__array_interface__["data"][0] - np.frombuffer(content, np.uint8).__array_interface__["data"][0]
        for each in stored
        if not isinstance(each, int)
    ]
    assert len(places) > 20
    assert {place % 16 for place in places} == {0}


def move_behind(content: bytes) -> bytes:
    """The same file with its metadata behind the FlatBuffer, where the quantizer puts all buffers of a large model."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    buffer = model.buffers[next(each.buffer for each in model.metadata if each.name == b"edge_iqa")]
    told, buffer.data = bytes(buffer.data), None
    buffer.offset, buffer.size = 16, len(told)
    buffer.offset = len(flatbuffer_utils.convert_object_to_bytearray(model))
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model)) + told


def test_quantizing_keeps_metadata_wherever_they_are_put(artifacts, info):
    content = write_metadata(artifacts.files["model.fp32.tflite"], info)
    small = make_variants(["w8"], {}, {"onnx": artifacts.files["model.fp32.onnx"], "tflite": content})
    assert read_metadata(small["model.w8.tflite"], "model.w8.tflite") == info
    moved = move_behind(small["model.w8.tflite"])
    assert moved.endswith(b"}")
    assert read_metadata(moved, "model.w8.tflite") == info


def test_metadata_written_again_replace_the_old_ones(artifacts):
    content = artifacts.files["model.fp32.tflite"]
    told = read_metadata(content, "model.fp32.tflite")
    other = replace(told, student_sha256="1" * 64)
    changed = write_metadata(content, other)
    assert read_metadata(changed, "model.fp32.tflite") == other
    assert changed.count(b'{"attributes"') == 1
    assert write_metadata(changed, told) == write_metadata(content, told)


def test_a_tflite_file_of_another_student_is_refused_and_one_that_says_nothing_is_not(
    artifacts, info, silent
):
    names = ("model.int8.onnx", "model.int8.tflite")
    models = {name: artifacts.files[name] for name in names}
    told = read_info(models)
    models["model.int8.tflite"] = write_metadata(models["model.int8.tflite"], info)
    with pytest.raises(GateError, match=r"come from one student.*but model\.int8\.tflite says"):
        read_info(models)
    assert read_info({**models, "model.int8.tflite": silent}) == told
    with pytest.raises(GateError, match="expected an ONNX file"):
        read_info({"model.int8.tflite": silent})


def test_metadata_that_are_not_ours_are_refused_by_file(artifacts):
    content = artifacts.files["model.int8.tflite"]
    for old, new in ((b'"schema": 1', b'"schema": 7'), (b'{"attributes"', b'["attributes"')):
        assert content.count(old) == 1
        with pytest.raises(GateError, match=r"model\.int8\.tflite: its metadata"):
            read_metadata(content.replace(old, new), "model.int8.tflite")
