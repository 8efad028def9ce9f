"""Which operators a model is made of, and whether every phone's runtime has them."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator

import onnx
from google.protobuf.message import DecodeError

from edge_iqa.errors import GateError

_AGAIN = "run compression.quantize again"

ONNX_OPSET = 15
"""The newest operator set of the reduced builds of ONNX Runtime for phones."""

_HELD = """
Abs Add And ArgMax ArgMin AveragePool Cast Ceil Clip Concat ConstantOfShape Conv ConvTranspose Cos CumSum
DepthToSpace DequantizeLinear Div DynamicQuantizeLinear Elu Equal Erf Exp Expand Flatten Floor Gather
GatherND Gemm GlobalAveragePool Greater GreaterOrEqual HardSigmoid Identity If InstanceNormalization LRN
LeakyRelu Less LessOrEqual Log LogSoftmax Loop MatMul MatMulInteger Max MaxPool Mean Min Mul Neg
NonMaxSuppression NonZero Not Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear Range Reciprocal
ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape Resize ReverseSequence Round Scan ScatterND
Shape Sigmoid Sin Size Slice Softmax SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh ThresholdedRelu Tile TopK
Transpose Unique Unsqueeze Where
"""
ONNX = frozenset(_HELD.split())
"""Operators of onnxruntime-mobile 1.17, the reduced build (float, int8, uint8): the table of
docs/reference/operators/mobile_package_op_type_support_1.17.md, made from
tools/ci_build/github/android/mobile_package.required_operators.config of microsoft/onnxruntime.
From 1.19 on the packages for phones hold every operator; a build of one's own holds what one lists."""

_TAKEN = """
ABS ADD AVERAGE_POOL_2D CEIL CONCATENATION CONV_2D DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE DIV ELU FLOOR
FULLY_CONNECTED HARD_SWISH LEAKY_RELU LOGISTIC MAX_POOL_2D MAXIMUM MEAN MINIMUM MUL NEG PAD PRELU QUANTIZE
RELU RELU6 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR ROUND SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SQRT SQUARE
SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM TANH TRANSPOSE TRANSPOSE_CONV
"""
TFLITE = frozenset(_TAKEN.split())
"""Operators that the XNNPACK delegate takes: tflite/delegates/xnnpack/README.md of google-ai-edge/LiteRT,
and SUM, which it leaves out and the delegate of LiteRT 2.3 takes (a test asks the delegate itself)."""

TFLITE_LEFT = {"CAST": 1}
"""What the delegate leaves to the interpreter, and how often it may be there: pixels, from uint8 to float."""


def read_onnx(content: bytes) -> onnx.ModelProto:
    """Parse an ONNX file.

    Raises:
        GateError: it is none, or a part of one.
    """
    try:
        model = onnx.load_from_string(content)
    except DecodeError as error:
        raise GateError(f"expected an ONNX file, got a part of one or something else; {_AGAIN}") from error
    if not model.graph.node:
        raise GateError(f"expected an ONNX file with operators, got none; {_AGAIN}")
    return model


def list_operators(content: bytes, runtime: str) -> Counter[str]:
    """Count the operators of a model, those inside branches and loops too.

    Args:
        content: an ONNX or TFLite file.
        runtime: `onnx` or `tflite`.

    Returns:
        Operator → how many. One that is not of ONNX's own set has its domain before it, and one whose meaning
        is newer than operator set 15 has the set after it, as in `ReduceMean-18`.

    Raises:
        GateError: it is no such file, or a part of one.
    """
    if runtime == "onnx":
        model = read_onnx(content)
        opset = next((each.version for each in model.opset_import if not each.domain), 0)
        return Counter(_name(node, opset) for node in _walk(model.graph))
    try:
        return Counter(_read_tflite(content))
    except (struct.error, IndexError, TypeError, KeyError) as error:  # what a FlatBuffer's reader raises
        raise GateError(
            f"expected a TFLite file, got a part of one or something else ({error}); {_AGAIN}"
        ) from error


def find_foreign(content: bytes, runtime: str) -> dict[str, int]:
    """Operators that a phone's runtime may lack, and how many of each there are; see `list_operators`."""
    found = list_operators(content, runtime)
    if runtime == "onnx":
        return {name: count for name, count in found.items() if name not in ONNX}
    return {
        name: count
        for name, count in found.items()
        if name not in TFLITE and count > TFLITE_LEFT.get(name, 0)
    }


def check_operators(name: str, content: bytes) -> None:
    """Let a model pass that every phone's runtime can run.

    Args:
        name: of its file; the suffix tells the runtime.

    Raises:
        GateError: names the operators that one may lack.
    """
    try:
        foreign = find_foreign(content, name.rpartition(".")[2])
    except GateError as error:
        raise GateError(f"{name}: {error}") from error
    if foreign:
        listed = ", ".join(f"{count} {operator}" for operator, count in sorted(foreign.items()))
        raise GateError(
            f"{name}: expected only operators that the runtimes for phones have (export/operators.py), "
            f"got {listed}; write the model without them, or add a rewrite to export/portable.py"
        )


def _walk(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _walk(inner)


def _name(node: onnx.NodeProto, opset: int) -> str:
    if node.domain not in ("", "ai.onnx"):
        return f"{node.domain}:{node.op_type}"
    try:
        since = onnx.defs.get_schema(node.op_type, opset, "").since_version
    except onnx.defs.SchemaError:  # not in the standard at all
        return f"?:{node.op_type}"
    return node.op_type if since <= ONNX_OPSET else f"{node.op_type}-{since}"


def _read_tflite(content: bytes) -> Iterator[str]:
    # the schema's module takes half a second, and who lists an ONNX file needs none
    from ai_edge_litert import schema_py_generated as schema

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for graph in model.subgraphs:
        for operator in graph.operators or ():
            code = model.operatorCodes[operator.opcodeIndex]
            custom = code.customCode
            yield f"custom:{custom.decode()}" if custom else names[code.builtinCode]
