"""What each layer of a model file has to do: multiplications, and bytes that it reads and writes.

Both stand for energy, which no laptop tells: a multiplication and a byte cost what they cost on any
processor of a kind. ONNX Runtime tells its layers in the profile of a run, after its own optimizations,
LiteRT in its list of operators.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa.backends.onnx import make_options

Shape = tuple[int, ...]
Views = NDArray[np.uint8]

_WEIGHTS_AT = {"Conv": 1, "FusedConv": 1, "QLinearConv": 3}
"""ONNX operator → place of its weights among its inputs; the first of their dimensions is the output's channels."""
_PRODUCTS = ("Gemm", "MatMul", "FusedGemm", "FusedMatMul", "MatMulNBits", "FULLY_CONNECTED")
_BROADCASTS = ("Add", "Sub", "Mul", "Div", "ADD", "SUB", "MUL", "DIV")
_ITEM_BYTES = {"float32": 4, "float16": 2, "int8": 1, "uint8": 1, "int32": 4, "int64": 8, "bool": 1}
_8_BIT = ("int8", "uint8")


@dataclass(frozen=True)
class Form:
    """Shape of a convolution or product.

    Attributes:
        inputs: channels that each output value is summed over: 1 in a depthwise convolution.
        outputs: channels that are made.
        window: places of each channel that are summed: 9 in a 3x3 convolution.
        groups: of channels that do not see each other: all of them in a depthwise convolution, mostly 1.
    """

    inputs: int
    outputs: int
    window: int = 1
    groups: int = 1

    @property
    def each(self) -> int:
        """Multiplications for one output value."""
        return self.inputs * self.window


@dataclass(frozen=True)
class Layer:
    """One operator as a runtime executes it, or some that can only be timed together.

    Attributes:
        kind: the runtime's name of the operator.
        macs: multiplications, each with its addition.
        weight_bytes, activation_bytes: read once, or written once.
        int8_macs: those of them on 8-bit numbers; all or none, but for operators that are timed together.
        ms: measured; None where nothing was.
        form: what it multiplies; None without macs.
        loops: of a broadcast, how often the smaller operand is gone through, or held against a row; else 0.
    """

    name: str
    kind: str
    macs: int
    weight_bytes: int
    activation_bytes: int
    int8_macs: int
    ms: float | None = None
    form: Form | None = None
    loops: int = 0

    @property
    def moved_bytes(self) -> int:
        """All bytes that must pass between memory and arithmetic."""
        return self.weight_bytes + self.activation_bytes


def list_layers(name: str, content: bytes, views: Views) -> list[Layer]:
    """Layers of a model file, in the order they run.

    Args:
        name: of the file; the suffix tells the runtime.
        views: uint8 (V, S, S, 3), of one photo.
    """
    if name.endswith(".tflite"):
        return list_tflite(content)
    return [*list_onnx(content, views, padded=False).values()]


def sum_work(layers: Sequence[Layer]) -> dict[str, int]:
    """All that a model does for one photo: `macs`, `int8_macs` among them, `weight_bytes`, `activation_bytes`."""
    return {
        "macs": sum(layer.macs for layer in layers),
        "int8_macs": sum(layer.int8_macs for layer in layers),
        "weight_bytes": sum(layer.weight_bytes for layer in layers),
        "activation_bytes": sum(layer.activation_bytes for layer in layers),
    }


def list_onnx(content: bytes, views: Views, padded: bool = True) -> dict[str, Layer]:
    """Nodes of an ONNX file as ONNX Runtime executes them, by their name in its profile.

    Args:
        padded: as on this processor, channels filled up to its vectors' length (8 or 16); else the model's own
            channels, which are the same on every machine.
    """
    # weights that were packed for the processor are no longer told
    nodes = profile_nodes(content, views, 1, packed=False, padded=padded)
    return {name: from_onnx_event(events[0]) for name, events in nodes.items()}


def profile_nodes(
    content: bytes, views: Views, repeats: int, packed: bool = True, padded: bool = True
) -> dict[str, list[dict[str, Any]]]:
    """Run an ONNX file; events of ONNX Runtime's profile by node, in the order they run."""
    import onnxruntime

    options = make_options(onnxruntime, 1)
    options.enable_profiling = True
    if not packed:
        options.add_session_config_entry("session.disable_prepacking", "1")
    if not padded:  # all optimizations but the last kind, the layout of channels in blocks
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        for _ in range(repeats):
            session.run(None, {"views": views})
        events = json.loads(Path(session.end_profiling()).read_text())
    nodes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["name"].endswith("_kernel_time"):
            nodes[event["name"]].append(event)
    return nodes


def list_tflite(content: bytes) -> list[Layer]:
    """Operators of a TFLite file, in the order they run."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    tensors = {int(each["index"]): each for each in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()  # the only list of operators that Python has
    made = {int(index) for each in operators for index in each["outputs"]}
    made |= {int(each["index"]) for each in interpreter.get_input_details()}
    constant = set(tensors) - made
    # weights that are stored small are made float once, when the model is loaded, not for each photo
    constant |= {
        int(index)
        for each in operators
        if each["op_name"] == "DEQUANTIZE" and int(each["inputs"][0]) in constant
        for index in each["outputs"]
    }
    return [from_tflite_operator(each, tensors, constant) for each in operators]


def from_onnx_event(event: Mapping[str, Any]) -> Layer:
    """A node of ONNX Runtime's profile (`enable_profiling`), which tells types, shapes and sizes."""
    args = event["args"]
    inputs, outputs = (
        [_read(each) for each in args[key]] for key in ("input_type_shape", "output_type_shape")
    )
    kind = args["op_name"]
    shapes, out = [shape for _, shape in inputs], outputs[0][1]
    form = None
    if kind in _WEIGHTS_AT:
        made, depth, *sides = shapes[_WEIGHTS_AT[kind]]
        # channels come first, or last where ONNX Runtime turned the model round for int8
        channels = shapes[0][1] if out[1] == made else shapes[0][-1]
        form = Form(depth, made, math.prod(sides), max(1, channels // depth))
    elif kind in _PRODUCTS:
        form = Form(shapes[0][-1], out[-1])
    macs = math.prod(out) * form.each if form else 0
    moved = int(args["activation_size"]) + int(args["output_size"])
    name = event["name"].removesuffix("_kernel_time")
    int8_macs = macs if _is_int8(inputs) else 0
    loops = count_loops(shapes, out) if kind in _BROADCASTS else 0
    return Layer(name, kind, macs, int(args["parameter_size"]), moved, int8_macs, form=form, loops=loops)


def from_tflite_operator(
    operator: Mapping[str, Any], tensors: Mapping[int, Mapping[str, Any]], constant: set[int]
) -> Layer:
    """An operator of a TFLite file.

    Args:
        operator, tensors: as LiteRT's interpreter tells them, tensors by index.
        constant: indices of the tensors that hold weights; an operator that makes one has nothing to do.
    """
    kind = operator["op_name"]
    inputs = [int(index) for index in operator["inputs"] if index in tensors]
    outputs = [int(index) for index in operator["outputs"]]
    shapes = {index: tuple(map(int, tensors[index]["shape"])) for index in (*inputs, *outputs)}
    shape = shapes[outputs[0]]
    form = None
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        _, height, width, depth = shapes[inputs[1]]
        channels = shapes[inputs[0]][-1]
        depth = depth if kind == "CONV_2D" else 1
        form = Form(depth, shape[-1], height * width, max(1, channels // depth))
    elif kind in _PRODUCTS:
        form = Form(shapes[inputs[0]][-1], shape[-1])
    macs = math.prod(shape) * form.each if form else 0
    loops = count_loops([shapes[index] for index in inputs], shape) if kind in _BROADCASTS else 0

    def is_int8(index: int) -> bool:
        return tensors[index]["dtype"].__name__ in _8_BIT

    def size(indices: Sequence[int]) -> int:
        return sum(math.prod(shapes[i]) * _ITEM_BYTES[tensors[i]["dtype"].__name__] for i in indices)

    name = tensors[outputs[0]]["name"]
    if constant.issuperset(outputs):
        return Layer(name, kind, 0, 0, 0, 0)
    seen = [] if kind == "RESHAPE" else [*(i for i in inputs if i not in constant), *outputs]
    # with weights of 8 bits and float inputs the runtime rounds the inputs for each photo, and multiplies in 8 bits
    int8 = macs > 0 and (is_int8(inputs[0]) or is_int8(inputs[1]))
    weights = size([i for i in inputs if i in constant])
    int8_macs = macs if int8 else 0
    return Layer(name, kind, macs, weights, size(seen), int8_macs, form=form, loops=loops)


def count_loops(operands: Sequence[Shape], result: Shape) -> int:
    """How many inner loops a broadcast takes: each goes over as many values as lie in a row of both operands.

    0 where all operands are as large as the result, or one number.
    """
    small = min(operands, key=math.prod)
    if math.prod(small) in (1, math.prod(result)):
        return 0
    padded = (1,) * (len(result) - len(small)) + small
    row = 1
    held = padded[-1] == 1  # one value against a row, or a row against a row
    for here, there in zip(reversed(result), reversed(padded), strict=True):
        if here != 1 and (there == 1) != held:
            break
        row *= here
    return math.prod(result) // row


def _read(each: Mapping[str, Sequence[int]]) -> tuple[str, Shape]:
    """Type and shape of one tensor of a profile: {"float": [1, 3]}."""
    (dtype, shape), *_ = each.items()
    return dtype, tuple(shape)


def _is_int8(inputs: Sequence[tuple[str, Shape]]) -> bool:
    return bool(inputs) and inputs[0][0] in _8_BIT
