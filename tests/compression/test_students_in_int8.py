"""Students go through both runtimes, and all their convolutions compute in int8."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from torch import nn

from compression.artifacts import export_models, make_quantizer, run_all
from compression.models import build
from edge_iqa.manifest import RUNTIMES
from edge_iqa.views import ViewSpec

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]

STUDENTS = ("mobilenet_v3_large_relu6", "patchnet")
"""The two that no other test exports."""
SPEC = ViewSpec(32, 1, 256)


def draw_views() -> list[np.ndarray]:
    return [np.random.default_rng(seed).integers(0, 256, SPEC.shape, np.uint8) for seed in range(2)]


def leave_out_repeats(backbone: nn.Sequential) -> nn.Sequential:
    """One block of each kind and shape: the exporters take their time with every one, and do the same."""
    return nn.Sequential(*{repr(block): block for block in backbone}.values())


@pytest.fixture(scope="module", params=STUDENTS)
def student(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """Torch model, and its float and int8 files."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp(request.param)
    net = build(request.param, ("color", "noise"), 8, SPEC, width=0.35).eval()
    net.backbone = leave_out_repeats(net.backbone)
    files = export_models(net, hashlib.sha256(b"random").hexdigest(), folder, "fp32")
    for runtime in RUNTIMES:
        quantizer = make_quantizer(runtime, files[f"model.fp32.{runtime}"], draw_views(), folder)
        files[f"model.int8.{runtime}"] = quantizer.quantize("min_max")
    return net, files


def test_float_files_give_what_torch_gives(student: tuple) -> None:
    net, files = student
    views = draw_views()
    with torch.no_grad():
        expected = [net(torch.from_numpy(each)[None]).scores.numpy() for each in views]
    for name in ("model.fp32.onnx", "model.fp32.tflite"):
        for ours, theirs in zip(run_all(name, files[name], views), expected, strict=True):
            np.testing.assert_allclose(ours["scores"], theirs.reshape(ours["scores"].shape), atol=1e-4)


def test_every_convolution_of_the_onnx_file_has_int8_weights_and_8_bit_inputs(student: tuple) -> None:
    net, files = student
    graph = onnx.load_from_string(files["model.int8.onnx"]).graph
    makers = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == sum(isinstance(layer, torch.nn.Conv2d) for layer in net.modules())
    for node in convolutions:
        assert [makers[name].op_type for name in node.input[:2]] == ["DequantizeLinear"] * 2, node.name


def test_every_convolution_of_the_tflite_file_takes_and_gives_int8(student: tuple) -> None:
    interpreter = Interpreter(
        model_content=student[1]["model.int8.tflite"],
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    types = {tensor["index"]: tensor["dtype"] for tensor in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()  # the only list of operators that Python has
    assert "HARD_SWISH" not in {operator["op_name"] for operator in operators}
    for operator in operators:
        if operator["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            used = [types[index] for index in (*operator["inputs"][:2], *operator["outputs"])]
            assert used == [np.int8] * 3


def test_patchnet_computes_nothing_but_convolutions_clips_and_sums() -> None:
    net = build("patchnet", ("color",), 8, SPEC, width=0.35).eval()
    program = torch.export.export(net.backbone, (torch.zeros(1, 3, 32, 32),))
    called = {str(node.target).split(".")[1] for node in program.graph.nodes if node.op == "call_function"}
    assert called <= {"conv2d", "batch_norm", "hardtanh_", "relu6_", "relu6", "hardtanh", "add"}
