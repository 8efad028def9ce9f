"""Post-training int8 for ONNX Runtime: static QDQ, activations u8, weights s8 per channel.

u8s8 is what x86 computes twice as fast as s8s8, and Arm as fast. Convolutions and what stands between
them become int8; pooling and heads are a thousandth of the work and stay float, with int8 weights,
so that the file is small and the outputs keep their digits.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)

_INT8 = ("Conv", "Clip", "Relu", "Add")
_PRODUCTS = ("Gemm", "MatMul")
"""Linear layers: of one vector, and of one vector for each view."""
_OURS = "edge_iqa."
_LARGE = 4096
"""Weights of the heads with more values than this are stored as int8."""

Views = NDArray[np.uint8]


class OnnxQuantizer:
    """Makes int8 models of one float model; photos are run through it once a method.

    Args:
        model: the float model.
        calibration: uint8 (V, S, S, 3) of photos as they will come.
        folder: for intermediate files.
    """

    methods = ("min_max", "mean_min_max")
    """How an activation's range is found: over all photos, or averaged over photos (clips outliers)."""

    def __init__(self, model: bytes, calibration: Sequence[Views], folder: Path) -> None:
        self._calibration = calibration
        self._folder = folder
        self._prepared = folder / "prepared.onnx"
        loaded = onnx.load_from_string(model)
        self._metadata = [entry for entry in loaded.metadata_props if entry.key.startswith(_OURS)]
        source = folder / "source.onnx"
        source.write_bytes(model)
        # symbolic inference knows no ReduceL2; every shape here is fixed, so plain inference is enough
        quant_pre_process(str(source), str(self._prepared), skip_symbolic_shape=True)
        self._nodes = [(node.name, node.op_type) for node in onnx.load(str(self._prepared)).graph.node]

    @property
    def convolutions(self) -> int:
        """How many convolutions the model has."""
        return sum(kind == "Conv" for _, kind in self._nodes)

    def quantize(self, method: str, keep_float: int) -> bytes:
        """Make an int8 model.

        Args:
            method: one of `methods`.
            keep_float: so many convolutions, counted from the input, stay float.
        """
        out = self._folder / f"{method}-{keep_float}.onnx"
        with _quiet():
            quantize_static(
                str(self._prepared),
                str(out),
                _Reader(self._calibration),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_INT8),
                nodes_to_exclude=self._first(keep_float),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"CalibMovingAverage": method == "mean_min_max"},
                calibration_cache_path=self._folder / f"{method}.json",
            )
        model = onnx.load(str(out))
        store_weights_as_int8(model)
        tidy(model)
        model.metadata_props.extend(self._metadata)
        return model.SerializeToString(deterministic=True)

    def _first(self, count: int) -> list[str]:
        """Names of all nodes before the convolution after the first `count`."""
        names, seen = [], 0
        for name, kind in self._nodes:
            seen += kind == "Conv"
            if seen > count:
                break
            names.append(name)
        return names


def store_weights_as_int8(model: onnx.ModelProto) -> None:
    """Store the weights of float matrix products as int8, one scale per output: a quarter of the bytes.

    The runtime turns them back into float when it loads the model, so the products stay float.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type in _PRODUCTS]:
        tensor = weights.get(node.input[1])
        if tensor is None or np.prod(tensor.dims) < _LARGE:
            continue
        transposed = any(entry.name == "transB" and entry.i for entry in node.attribute)
        axis = 0 if transposed else 1
        values = numpy_helper.to_array(tensor)
        scale = np.maximum(np.abs(values).max(1 - axis), 1e-12).astype(np.float32) / 127
        steps = np.round(values / np.expand_dims(scale, 1 - axis)).astype(np.int8)
        name = tensor.name
        graph.initializer.remove(tensor)
        parts = {
            f"{name}_int8": steps,
            f"{name}_scale": scale,
            f"{name}_zero": np.zeros(scale.shape, np.int8),
        }
        graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in parts.items())
        restore = onnx.helper.make_node("DequantizeLinear", list(parts), [name], f"{name}_restore", axis=axis)
        graph.node.insert(list(graph.node).index(node), restore)


def tidy(model: onnx.ModelProto) -> None:
    """Remove operator sets that no node uses, and notes of the quantizer."""
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used or not entry.domain]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    del model.metadata_props[:]


class _Reader:
    """Calibration views as ONNX Runtime's calibrator asks for them."""

    def __init__(self, calibration: Sequence[Views]) -> None:
        self._left = iter(calibration)

    def get_next(self) -> dict[str, Views] | None:
        views = next(self._left, None)
        return None if views is None else {"views": views}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the quantizer prints and logs; it speaks of files that nobody sees."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)
