"""Torch → ONNX: one self-contained file for ONNX Runtime, server or mobile."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from edge_iqa.errors import GateError
from edge_iqa.files import write_bytes
from export.contract import INPUT, ModelInfo, OnePhoto, make_example
from export.operators import check_operators
from export.portable import TORCH_OPSET, make_portable


def export_onnx(net: nn.Module, info: ModelInfo, path: Path) -> Path:
    """Write a model as ONNX, batch norm folded into the convolutions. Same model, same bytes.

    It is of operator set 15 and uses no operator that the reduced builds of ONNX Runtime for phones lack.

    Args:
        net: uint8 (B, V, S, S, 3) → scores (B, 1+A), embedding (B, D), category (B, C); left in
            evaluation mode.
        info: goes into the file's metadata.
        path: gets input `views` uint8 (V, S, S, 3), outputs `scores`, `embedding`
            and, where C > 0, `category`, float32.

    Raises:
        GateError: the graph came out other than the contract, or with an operator that a phone may lack.
        OutputError: the file cannot be written.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, on its use of torch
        program = torch.onnx.export(
            OnePhoto(net).eval(),
            kwargs={INPUT: make_example(info.spec)},
            dynamo=True,
            opset_version=TORCH_OPSET,
            input_names=[INPUT],
            output_names=list(info.shapes),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise GateError(f"{path.name}: torch's exporter returned no program")
    model = program.model_proto
    strip(model)
    make_portable(model, path.name)
    describe(model, info)
    _check(model, info, path.name)
    content = model.SerializeToString(deterministic=True)
    check_operators(path.name, content)
    return write_bytes(path, content)


def strip(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes for debugging: stack traces hold paths of the machine it ran on."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def describe(model: onnx.ModelProto, info: ModelInfo) -> None:
    """Replace a model's metadata by ours."""
    del model.metadata_props[:]
    for key, value in sorted(info.to_metadata().items()):
        model.metadata_props.add(key=key, value=value)


def _check(model: onnx.ModelProto, info: ModelInfo, name: str) -> None:
    onnx.checker.check_model(model, full_check=True)
    operators = {node.op_type for node in model.graph.node}
    if "BatchNormalization" in operators:
        raise GateError(f"{name}: expected batch norm folded into the convolutions, but some is left")
    expected = {
        INPUT: (onnx.TensorProto.UINT8, info.spec.shape),
        **{output: (onnx.TensorProto.FLOAT, shape) for output, shape in info.shapes.items()},
    }
    found = {value.name: _read_type(value) for value in (*model.graph.input, *model.graph.output)}
    if found != expected:
        raise GateError(f"{name}: expected inputs and outputs {expected}, got {found}")


def _read_type(value: onnx.ValueInfoProto) -> tuple[int, tuple[int, ...]]:
    tensor = value.type.tensor_type
    return tensor.elem_type, tuple(size.dim_value for size in tensor.shape.dim)
