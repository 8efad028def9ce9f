"""Weights of an ONNX model as float16 or int8, turned back into float when ONNX Runtime loads it.

They come back by Cast and Mul, which it computes once, at loading. DequantizeLinear it leaves in place for each
photo anew: 1.4 times the float model's time. Products in float16, as `convert_float_to_float16` of onnxruntime
makes them, are as slow on a CPU, and nearly twice as far from float as float16 weights alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_LINEAR = ("Gemm", "MatMul")
"""Linear layers: of one vector, and of one vector for each view."""
_PRODUCTS = ("Conv", *_LINEAR)
_LEAST, _LEAST_OF_HEADS = 64, 4096
"""Fewer values than this are not worth the nodes that bring them back; in an int8 model, whose outputs lose
enough, even fewer are."""

Floats = NDArray[np.float32]
Stored = tuple[dict[str, NDArray[np.generic]], list[onnx.NodeProto]]
"""New initializers by name, and the nodes that make the weights of them."""


def store_as_half(content: bytes) -> bytes:
    """Half the bytes: weights as float16. Reduced builds for phones read no float16; full ones do."""
    model = onnx.load_from_string(content)
    _store(model, lambda node, name, values: _to_half(name, values), _PRODUCTS, _LEAST)
    return _serialize(model)


def store_as_int8(content: bytes) -> bytes:
    """A quarter of the bytes: weights as int8, one scale an output channel; depthwise ones stay float."""
    model = onnx.load_from_string(content)
    _store(model, _to_int8, _PRODUCTS, _LEAST)
    return _serialize(model)


def store_heads_as_int8(model: onnx.ModelProto) -> None:
    """The same for the large linear layers alone, in place: what an int8 model keeps in float."""
    _store(model, _to_int8, _LINEAR, _LEAST_OF_HEADS)


def _serialize(model: onnx.ModelProto) -> bytes:
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _store(
    model: onnx.ModelProto,
    convert: Callable[[onnx.NodeProto, str, Floats], Stored | None],
    kinds: Sequence[str],
    least: int,
) -> None:
    graph = model.graph
    restoring: list[onnx.NodeProto] = []
    for node, tensor in list(_find_weights(graph, kinds, least)):
        stored = convert(node, tensor.name, numpy_helper.to_array(tensor))
        if stored is None:
            continue
        graph.initializer.remove(tensor)
        graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in stored[0].items())
        restoring.extend(stored[1])
    for node in reversed(restoring):
        graph.node.insert(0, node)


def _find_weights(
    graph: onnx.GraphProto, kinds: Sequence[str], least: int
) -> Iterator[tuple[onnx.NodeProto, onnx.TensorProto]]:
    """Products, each with its float weights; weights that several products share come once."""
    left = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    for node in graph.node:
        if node.op_type in kinds and node.input[1] in left:
            tensor = left.pop(node.input[1])
            if np.prod(tensor.dims) >= least:
                yield node, tensor


def _to_half(name: str, values: Floats) -> Stored:
    half = f"{name}_half"
    back = helper.make_node("Cast", [half], [name], f"{name}_restore", to=onnx.TensorProto.FLOAT)
    return {half: values.astype(np.float16)}, [back]


def _to_int8(node: onnx.NodeProto, name: str, values: Floats) -> Stored | None:
    told = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    if told.get("group", 1) > 1:
        return None
    axis = 0 if node.op_type == "Conv" or told.get("transB") else values.ndim - 1
    others = tuple(index for index in range(values.ndim) if index != axis)
    scale = np.maximum(np.abs(values).max(others, keepdims=True), 1e-12).astype(np.float32) / 127
    steps, wide = f"{name}_int8", f"{name}_steps"
    nodes = [
        helper.make_node("Cast", [steps], [wide], wide, to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [wide, f"{name}_scale"], [name], f"{name}_restore"),
    ]
    return {steps: np.round(values / scale).astype(np.int8), f"{name}_scale": scale}, nodes
