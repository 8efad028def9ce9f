"""Variants with smaller weights: near float, made of operators for phones, each weight as small as it says."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx.reference import ReferenceEvaluator

from compression.artifacts import compare_outputs, run_all
from compression.quantize_weights import VARIANTS, make_variants
from compression.quantize_weights_onnx import store_as_half, store_as_int8
from edge_iqa import backends
from export.operators import check_operators

FILES = ["model.fp16.onnx", "model.fp16.tflite", "model.w8.onnx", "model.w8.tflite", "model.dynamic.tflite"]
WORST = {"fp16": 2e-3, "w8": 0.05, "dynamic": 0.05}
STORED = {"fp16": np.float16, "w8": np.int8, "dynamic": np.int8}


@pytest.fixture(scope="module")
def floats(artifacts) -> dict[str, bytes]:
    return {runtime: artifacts.files[f"model.fp32.{runtime}"] for runtime in ("onnx", "tflite")}


@pytest.fixture(scope="module")
def variants(floats) -> dict[str, bytes]:
    return make_variants(list(VARIANTS), floats, floats)


def read_constants(content: bytes, runtime: str) -> list[np.ndarray]:
    """What a file stores, as arrays of two dimensions and more."""
    if runtime == "onnx":
        stored = map(onnx.numpy_helper.to_array, onnx.load_from_string(content).graph.initializer)
        return [each for each in stored if each.ndim > 1]
    interpreter = Interpreter(model_content=content)
    made = {output for step in interpreter._get_ops_details() for output in step["outputs"]}
    made |= {each["index"] for each in interpreter.get_input_details()}
    constants = (each for each in interpreter.get_tensor_details() if each["index"] not in made)
    return [np.empty(each["shape"], each["dtype"]) for each in constants if len(each["shape"]) > 1]


@pytest.mark.parametrize("file", FILES)
def test_scores_stay_near_float_and_are_not_float(variants, artifacts, make_views, file):
    _, variant, runtime = file.split(".")
    fresh = make_views(8, seed=7)
    exact = run_all(f"model.fp32.{runtime}", artifacts.files[f"model.fp32.{runtime}"], fresh)
    trial = compare_outputs(variant, (), exact, run_all(file, variants[file], fresh))
    assert 0 < trial.worst < WORST[variant]
    assert trial.embedding_cosine > 0.999


@pytest.mark.parametrize("file", FILES)
def test_a_device_reads_them_as_it_reads_the_float_model(variants, floats, file):
    runtime = file.rpartition(".")[2]
    check_operators(file, variants[file])
    signatures = [backends.open(each, runtime).signature for each in (variants[file], floats[runtime])]
    assert signatures[0] == signatures[1]


@pytest.mark.parametrize("file", FILES)
def test_weights_are_stored_as_the_variant_says_and_depthwise_int8_as_float(variants, floats, file):
    _, variant, runtime = file.split(".")
    before, after = (read_constants(each, runtime) for each in (floats[runtime], variants[file]))
    assert {each.dtype for each in before if each.size >= 64} == {np.dtype(np.float32)}
    small = [each for each in after if each.dtype == STORED[variant]]
    sizes = sum(each.size for each in before if each.dtype == np.float32)
    assert sum(each.size for each in small) > 0.85 * sizes
    depthwise = [each for each in small if each.ndim == 4 and 1 in each.shape and 3 in each.shape]
    assert bool(depthwise) == (variant == "fp16")


@pytest.mark.parametrize("store", [store_as_half, store_as_int8])
def test_onnx_runtime_brings_the_weights_back_at_loading(floats, tmp_path, store):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    onnxruntime.InferenceSession(store(floats["onnx"]), options, providers=["CPUExecutionProvider"])
    loaded = onnx.load(str(tmp_path / "loaded.onnx"))
    casts = [node for node in loaded.graph.node if node.op_type == "Cast"]
    assert len(casts) == 1  # of the pixels
    dtypes = {onnx.numpy_helper.to_array(each).dtype.name for each in loaded.graph.initializer}
    assert not dtypes & {"float16", "int8"}


def test_an_int8_weight_is_the_nearest_step_of_its_channels_scale():
    weights = np.random.default_rng(0).normal(size=(5, 40)) * 10.0 ** np.arange(5)[:, None]
    weights = weights.astype(np.float32)
    weights[3] = 0
    for transposed in (0, 1):
        stored = weights if transposed else np.ascontiguousarray(weights.T)
        info = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("Gemm", ["x", "w"], ["y"], transB=transposed)],
            "graph",
            [info("x", 1, (1, 40))],
            [info("y", 1, (1, 5))],
            [onnx.numpy_helper.from_array(stored, "w")],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 15)], ir_version=8)
        small = onnx.load_from_string(store_as_int8(model.SerializeToString()))
        evaluator = ReferenceEvaluator(small)
        back = np.stack(
            [evaluator.run(None, {"x": row[None]})[0][0] for row in np.eye(40, dtype=np.float32)], 1
        )
        step = np.abs(weights).max(1, keepdims=True) / 127
        assert (np.abs(back - weights) <= step * 0.501).all()
        assert not back[3].any()


def test_the_same_model_gives_the_same_bytes_and_keeps_its_metadata(variants, floats):
    assert make_variants(["fp16", "w8", "dynamic"], floats, floats) == variants
    told = [
        onnx.load_from_string(each).metadata_props for each in (floats["onnx"], variants["model.w8.onnx"])
    ]
    assert told[0] == told[1] and len(told[0]) >= 6


def test_an_unknown_variant_is_refused_with_those_there_are(floats):
    with pytest.raises(ValueError, match="expected variants among fp16, w8, dynamic, got int4"):
        make_variants(["int4"], floats, floats)
    assert make_variants([], floats, floats) == {}
