"""Rewrites an ONNX graph in the operators that every build of ONNX Runtime has, the small ones for phones too.

Their newest operator set is 15 (see `export.operators`), and torch writes 18 at the least. Of what our models
are made of, two operators stand in the way: the L2 norm, which those builds lack, and the mean, whose axes
became an input in 18. Every other one means the same in both sets.
"""

from __future__ import annotations

import onnx
from onnx import helper, numpy_helper

from edge_iqa.errors import GateError
from export.operators import ONNX_OPSET

TORCH_OPSET = 18
"""The oldest operator set that torch's exporter writes without conversion."""

IR_VERSION = 8
"""The file format of operator set 15's time, so that runtimes of that time read it."""


def make_portable(model: onnx.ModelProto, name: str) -> None:
    """Rewrite a model for operator set 15, in place. Its outputs stay the same, bit by bit but for the norm's last.

    Raises:
        GateError: an operator is there that means something else in that set, and has no rewrite here.
    """
    graph = model.graph
    for node in list(graph.node):
        if node.op_type == "ReduceL2":
            _spell_out_norm(graph, node)
        elif node.op_type == "ReduceMean":
            _move_axes(graph, node)
        else:
            _check_meaning(node, name)
    _drop_unused(graph)
    for entry in model.opset_import:
        if not entry.domain:
            entry.version = ONNX_OPSET
    model.ir_version = IR_VERSION


def _spell_out_norm(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """The norm as a root of a sum of squares. What keeps a vector of zeros safe stands behind it, and stays."""
    values, (result,) = node.input[0], node.output
    squares, total = f"{result}_squares", f"{result}_sum"
    parts = [
        helper.make_node("Mul", [values, values], [squares], squares),
        helper.make_node("ReduceSum", [squares, *node.input[1:]], [total], total),
        helper.make_node("Sqrt", [total], [result], node.name),
    ]
    parts[1].attribute.extend(node.attribute)
    _replace(graph, node, parts)


def _move_axes(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """The axes of a mean as an attribute, as set 15 has them, instead of as an input."""
    if len(node.input) < 2:
        return
    tensor = next((each for each in graph.initializer if each.name == node.input[1]), None)
    if tensor is None:
        raise GateError(f"{node.name}: expected a mean over axes that are known when the model is made")
    kept = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    axes = numpy_helper.to_array(tensor).tolist()
    moved = helper.make_node(
        "ReduceMean", node.input[:1], node.output, node.name, axes=axes, keepdims=kept.get("keepdims", 1)
    )
    _replace(graph, node, [moved])


def _replace(graph: onnx.GraphProto, node: onnx.NodeProto, by: list[onnx.NodeProto]) -> None:
    at = list(graph.node).index(node)
    graph.node.remove(node)
    for offset, each in enumerate(by):
        graph.node.insert(at + offset, each)


def _check_meaning(node: onnx.NodeProto, name: str) -> None:
    try:
        since = onnx.defs.get_schema(node.op_type, TORCH_OPSET, node.domain).since_version
    except onnx.defs.SchemaError as error:
        raise GateError(f"{name}: expected standard operators, got {node.domain}:{node.op_type}") from error
    if node.domain or since > ONNX_OPSET:
        raise GateError(
            f"{name}: expected operators that mean the same in operator set {ONNX_OPSET}, got "
            f"{node.domain or 'ai.onnx'}:{node.op_type} of {since}; write the model without it, or add a rewrite "
            "to export/portable.py"
        )


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {each for node in graph.node for each in node.input} | {each.name for each in graph.output}
    for tensor in [each for each in graph.initializer if each.name not in used]:
        graph.initializer.remove(tensor)
