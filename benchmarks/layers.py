"""What each layer of a model file has to do: multiplications, and bytes that it reads and writes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]

_WEIGHTS_AT = {"Conv": 1, "FusedConv": 1, "QLinearConv": 3}
"""ONNX operator → place of its weights among its inputs; the first of their dimensions is the output's channels."""
_PRODUCTS = ("Gemm", "MatMul", "FusedGemm", "FusedMatMul", "MatMulNBits", "FULLY_CONNECTED")
_ITEM_BYTES = {"float": 4, "float32": 4, "int8": 1, "uint8": 1, "int32": 4, "int64": 8, "bool": 1}


@dataclass(frozen=True)
class Layer:
    """One operator as a runtime executes it, or some that can only be timed together.

    Attributes:
        kind: the runtime's name of the operator.
        macs: multiplications, each with its addition.
        weight_bytes, activation_bytes: read once, or written once.
        int8: its input is 8-bit.
        ms: measured; None where nothing was.
    """

    name: str
    kind: str
    macs: int
    weight_bytes: int
    activation_bytes: int
    int8: bool
    ms: float | None = None

    @property
    def moved_bytes(self) -> int:
        """All bytes that must pass between memory and arithmetic."""
        return self.weight_bytes + self.activation_bytes


def from_onnx_event(event: Mapping[str, Any], ms: float) -> Layer:
    """A node of ONNX Runtime's profile (`enable_profiling`), which tells types, shapes and sizes."""
    args = event["args"]
    inputs, outputs = (
        [_read(each) for each in args[key]] for key in ("input_type_shape", "output_type_shape")
    )
    kind = args["op_name"]
    macs = 0
    if kind in _WEIGHTS_AT:
        weights = inputs[_WEIGHTS_AT[kind]][1]
        macs = math.prod(outputs[0][1]) * math.prod(weights[1:])
    elif kind in _PRODUCTS:
        macs = math.prod(outputs[0][1]) * inputs[0][1][-1]
    moved = int(args["activation_size"]) + int(args["output_size"])
    name = event["name"].removesuffix("_kernel_time")
    return Layer(name, kind, macs, int(args["parameter_size"]), moved, _is_int8(inputs), ms)


def from_tflite_operator(
    operator: Mapping[str, Any], tensors: Mapping[int, Mapping[str, Any]], constant: set[int]
) -> Layer:
    """An operator of a TFLite file.

    Args:
        operator, tensors: as LiteRT's interpreter tells them, tensors by index.
        constant: indices of the tensors that hold weights.
    """
    kind = operator["op_name"]
    inputs = [int(index) for index in operator["inputs"] if index in tensors]
    outputs = [int(index) for index in operator["outputs"]]
    shapes = {index: tuple(map(int, tensors[index]["shape"])) for index in (*inputs, *outputs)}
    macs = 0
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        _, height, width, channels = shapes[inputs[1]]
        macs = math.prod(shapes[outputs[0]]) * height * width * (channels if kind == "CONV_2D" else 1)
    elif kind in _PRODUCTS:
        macs = math.prod(shapes[outputs[0]]) * shapes[inputs[0]][-1]

    def size(indices: Sequence[int]) -> int:
        return sum(math.prod(shapes[i]) * _ITEM_BYTES[tensors[i]["dtype"].__name__] for i in indices)

    seen = [] if kind == "RESHAPE" else [*(i for i in inputs if i not in constant), *outputs]
    int8 = tensors[inputs[0]]["dtype"].__name__ in ("int8", "uint8")
    weights = size([i for i in inputs if i in constant])
    return Layer(tensors[outputs[0]]["name"], kind, macs, weights, size(seen), int8)


def _read(each: Mapping[str, Sequence[int]]) -> tuple[str, Shape]:
    """Type and shape of one tensor of a profile: {"float": [1, 3]}."""
    (dtype, shape), *_ = each.items()
    return dtype, tuple(shape)


def _is_int8(inputs: Sequence[tuple[str, Shape]]) -> bool:
    return bool(inputs) and inputs[0][0] in ("int8", "uint8")
