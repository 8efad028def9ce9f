"""Every model is made of operators that the runtimes for phones have; a foreign one is named and refused."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from onnx.reference import ReferenceEvaluator

from edge_iqa.errors import GateError
from export import parity
from export.contract import ModelInfo
from export.onnx import export_onnx
from export.operators import (
    ONNX,
    ONNX_OPSET,
    TFLITE,
    TFLITE_LEFT,
    check_operators,
    find_foreign,
    list_operators,
)
from export.portable import make_portable
from export.tflite import export_tflite

FILES = ["model.fp32.onnx", "model.fp32.tflite", "model.int8.onnx", "model.int8.tflite"]
BUNDLE = Path(__file__).parents[2] / "edge_iqa" / "bundles" / "default"


def find_left_over(content: bytes) -> Counter[str]:
    """What the XNNPACK delegate of the LiteRT installed here does not take, from the outputs back to the input."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    steps = interpreter._get_ops_details()
    made_by = {output: step for step in steps if step["op_name"] != "DELEGATE" for output in step["outputs"]}
    made_by |= {output: step for step in steps if step["op_name"] == "DELEGATE" for output in step["outputs"]}
    wanted = [each["index"] for each in interpreter.get_output_details()]
    ran: dict[int, str] = {}
    while wanted:
        step = made_by.get(wanted.pop())
        if step is not None and step["index"] not in ran:
            ran[step["index"]] = step["op_name"]
            wanted.extend(step["inputs"])
    assert "DELEGATE" in ran.values()
    return Counter(name for name in ran.values() if name != "DELEGATE")


def count_by_hand(content: bytes, runtime: str) -> Counter[str]:
    """The operators as the runtimes' own tools count them."""
    if runtime == "onnx":
        return Counter(node.op_type for node in onnx.load_from_string(content).graph.node)
    return Counter(step["op_name"] for step in Interpreter(model_content=content)._get_ops_details())


@pytest.mark.parametrize("file", FILES)
def test_models_hold_only_operators_of_the_runtimes_for_phones(artifacts, file):
    content, runtime = artifacts.files[file], file.rpartition(".")[2]
    found = list_operators(content, runtime)
    assert found == count_by_hand(content, runtime)
    assert set(found) <= (ONNX if runtime == "onnx" else TFLITE | set(TFLITE_LEFT))
    check_operators(file, content)


@pytest.mark.parametrize("file", [FILES[1], FILES[3]])
def test_the_delegate_itself_takes_all_but_the_first_cast(artifacts, file):
    assert find_left_over(artifacts.files[file]) == TFLITE_LEFT


@pytest.mark.parametrize("file", [FILES[0], FILES[2]])
def test_onnx_files_are_of_the_operator_set_and_format_of_the_reduced_builds(artifacts, file):
    model = onnx.load_from_string(artifacts.files[file])
    assert [(each.domain, each.version) for each in model.opset_import] == [("", ONNX_OPSET)]
    assert model.ir_version == 8
    onnx.checker.check_model(model, full_check=True)


def test_the_default_bundles_tflite_runs_wholly_in_the_delegate():
    content = (BUNDLE / "model.int8.tflite").read_bytes()
    assert find_foreign(content, "tflite") == {}
    assert find_left_over(content) == TFLITE_LEFT


def test_the_default_bundles_onnx_has_no_foreign_operator():
    check_operators("model.int8.onnx", (BUNDLE / "model.int8.onnx").read_bytes())


class Foreign(torch.nn.Module):
    """Outputs as the contract has them, by way of one function that it is given."""

    def __init__(self, function):
        super().__init__()
        self.function, self.last = function, torch.nn.Linear(3, 14)

    def forward(self, views):
        told = self.function(self.last(views.float().mean((1, 2, 3))))
        return told[:, :3], told[:, 3:11], told[:, 11:]


def test_a_foreign_operator_is_named_and_nothing_is_written(tiny_net, tmp_path):
    info = ModelInfo(tiny_net.spec, tiny_net.attributes, 8, "0" * 64, tiny_net.categories)
    with pytest.raises(GateError, match=r"model\.onnx: .*got 1 Atan;"):
        export_onnx(Foreign(torch.atan), info, tmp_path / "model.onnx")
    with pytest.raises(GateError, match=r"model\.tflite: .*got 1 SIN;"):
        export_tflite(Foreign(torch.sin), info, tmp_path / "model.tflite")
    assert list(tmp_path.iterdir()) == []
    for export, name in ((export_onnx, "model.onnx"), (export_tflite, "model.tflite")):
        assert export(Foreign(torch.sigmoid), info, tmp_path / name).is_file()


def test_operators_of_another_domain_a_newer_set_or_inside_a_branch_are_found():
    def make(nodes, *opsets):
        imports = [onnx.helper.make_opsetid(*each) for each in opsets]
        graph = onnx.helper.make_graph(nodes, "graph", [], [])
        return onnx.helper.make_model(graph, opset_imports=imports).SerializeToString()

    node = onnx.helper.make_node
    hidden = onnx.helper.make_graph([node("Det", ["x"], ["y"])], "branch", [], [])
    branch = node("If", ["c"], ["z"], then_branch=hidden, else_branch=hidden)
    fused = node("FusedConv", ["x"], ["w"], domain="com.microsoft")
    content = make([branch, fused, node("Relu", ["x"], ["r"])], ("", 15), ("com.microsoft", 1))
    assert list_operators(content, "onnx") == {"If": 1, "Det": 2, "com.microsoft:FusedConv": 1, "Relu": 1}
    assert find_foreign(content, "onnx") == {"Det": 2, "com.microsoft:FusedConv": 1}
    newer = make([node("ReduceMean", ["x", "a"], ["m"]), node("Relu", ["x"], ["r"])], ("", 18))
    assert find_foreign(newer, "onnx") == {"ReduceMean-18": 1}
    unknown = make([node("Nonsense", ["x"], ["m"])], ("", 15))
    with pytest.raises(GateError, match=r"a\.onnx: expected only operators.*got 1 \?:Nonsense"):
        check_operators("a.onnx", unknown)


def test_a_rewritten_graph_gives_the_same_norms_and_means_and_bears_zeros():
    values = np.random.default_rng(0).normal(size=(4, 6, 5)).astype(np.float32)
    values[0] = 0
    info = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node
    for keepdims in (0, 1):
        nodes = [
            node("ReduceL2", ["x", "axes"], ["norm"], keepdims=keepdims),
            node("ReduceMean", ["x", "axes"], ["mean"], keepdims=keepdims),
        ]
        shape = (4, 1, 5) if keepdims else (4, 5)
        graph = onnx.helper.make_graph(
            nodes,
            "graph",
            [info("x", 1, values.shape)],
            [info("norm", 1, shape), info("mean", 1, shape)],
            [onnx.numpy_helper.from_array(np.array([1]), "axes")],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
        make_portable(model, "model.onnx")
        onnx.checker.check_model(model, full_check=True)
        assert find_foreign(model.SerializeToString(), "onnx") == {}
        norm, mean = ReferenceEvaluator(model).run(None, {"x": values})
        expected = np.linalg.norm(values, axis=1, keepdims=bool(keepdims))
        np.testing.assert_allclose(norm, expected, rtol=1e-6)
        np.testing.assert_allclose(mean, values.mean(1, keepdims=bool(keepdims)), rtol=1e-5, atol=1e-7)


def test_an_embedding_of_zeros_stays_zeros(tiny_net, make_views, tmp_path):
    net = copy.deepcopy(tiny_net)
    torch.nn.init.zeros_(net.embedding_head.weight)
    torch.nn.init.zeros_(net.embedding_head.bias)
    info = ModelInfo(net.spec, net.attributes, 8, "0" * 64, net.categories)
    content = export_onnx(net, info, tmp_path / "model.onnx").read_bytes()
    assert not parity.from_file("model.onnx", content)(make_views(1)[0])["embedding"].any()


@pytest.mark.parametrize("file", ["model.fp32.onnx", "model.fp32.tflite"])
@pytest.mark.parametrize("cut", [0, 100, 3000])
def test_a_part_of_a_model_is_named(artifacts, file, cut):
    with pytest.raises(GateError, match=rf"{file}: .*expected an? (ONNX|TFLite) file"):
        check_operators(file, artifacts.files[file][:cut])
