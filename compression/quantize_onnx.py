"""Post-training int8 for ONNX Runtime: static QDQ, activations u8, weights s8 per channel.

u8s8 is what x86 computes twice as fast as s8s8, and Arm as fast. Convolutions and what stands between
them become int8; pooling and heads are a thousandth of the work and stay float, with int8 weights,
so that the file is small and the outputs keep their digits.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

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
from onnxruntime.quantization.calibrate import create_calibrator, save_tensors_data

from compression.convolutions import Convolution
from compression.quantize_histograms import BINS, PERCENTILE, split
from compression.quantize_weights_onnx import store_heads_as_int8

_INT8 = ("Conv", "Clip", "Relu", "Add")
_OURS = "edge_iqa."

_CALIBRATORS: dict[str, tuple[CalibrationMethod, dict[str, Any]]] = {
    "min_max": (CalibrationMethod.MinMax, {}),
    "mean_min_max": (CalibrationMethod.MinMax, {"moving_average": True}),
    "percentile": (CalibrationMethod.Percentile, {"percentile": PERCENTILE, "symmetric": False}),
    "entropy": (CalibrationMethod.Entropy, {"num_bins": BINS}),
}

Views = NDArray[np.uint8]


class OnnxQuantizer:
    """Makes int8 models of one float model; photos are run through it once a method.

    Args:
        model: the float model.
        calibration: uint8 (V, S, S, 3) of photos as they will come.
        folder: for intermediate files.
    """

    methods = tuple(_CALIBRATORS)
    """How an activation's range is found; see `compression.quantize_histograms`."""

    def __init__(self, model: bytes, calibration: Sequence[Views], folder: Path) -> None:
        self._calibration = calibration
        self._folder = folder
        self._prepared = folder / "prepared.onnx"
        loaded = onnx.load_from_string(model)
        self._metadata = [entry for entry in loaded.metadata_props if entry.key.startswith(_OURS)]
        source = folder / "source.onnx"
        source.write_bytes(model)
        # every shape here is fixed, so plain inference of shapes is enough
        quant_pre_process(str(source), str(self._prepared), skip_symbolic_shape=True)
        graph = onnx.load(str(self._prepared)).graph
        self._nodes = [(node.name, node.op_type) for node in graph.node]
        self.layers = tuple(_list_convolutions(graph))

    def quantize(self, method: str, float_layers: Collection[int] = ()) -> bytes:
        """Make an int8 model.

        Args:
            method: one of `methods`.
            float_layers: places in `layers` of the convolutions that stay float.
        """
        out = self._folder / "quantized.onnx"
        with _quiet():
            quantize_static(
                str(self._prepared),
                str(out),
                None,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_INT8),
                nodes_to_exclude=self._belong_to(float_layers),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=_CALIBRATORS[method][0],
                calibration_cache_path=self._calibrate(method),
            )
        model = onnx.load(str(out))
        store_heads_as_int8(model)
        shield_float_convolutions(model)
        tidy(model)
        model.metadata_props.extend(self._metadata)
        return model.SerializeToString(deterministic=True)

    def _calibrate(self, method: str) -> Path:
        """A file with the range of every activation, made once a method."""
        path = self._folder / f"{method}.json"
        if not path.is_file():
            kind, options = _CALIBRATORS[method]
            augmented = str(self._folder / "augmented.onnx")
            calibrator = create_calibrator(self._prepared, _INT8, augmented, kind, extra_options=options)
            for photos in split(method, self._calibration):
                calibrator.collect_data(_Reader(photos))
            save_tensors_data(calibrator.compute_data(), path)
        return path

    def _belong_to(self, layers: Collection[int]) -> list[str]:
        """Names of these convolutions, and of what stands behind each before the next one."""
        names, index = [], -1
        for name, kind in self._nodes:
            index += kind == "Conv"
            if index in layers:
                names.append(name)
        return names


def _list_convolutions(graph: onnx.GraphProto) -> Iterator[Convolution]:
    sizes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv":
            outputs, inputs, height, width = sizes[node.input[1]]
            groups = next((entry.i for entry in node.attribute if entry.name == "group"), 1)
            yield Convolution(height, width, inputs * groups, outputs, groups > 1)


def shield_float_convolutions(model: onnx.ModelProto) -> None:
    """Keep ONNX Runtime from turning a float convolution between int8 ones into int8.

    Where it finds a convolution between a DequantizeLinear and a QuantizeLinear it rounds its weights, to one
    scale for all channels (`WeightBiasQuantization`): worse than what the quantizer left float to avoid. A
    clip of nothing behind the DequantizeLinear hides that; it costs a pass over the input.
    """
    graph = model.graph
    makers = {output: node for node in graph.node for output in node.output}
    lowest = numpy_helper.from_array(np.array(np.finfo(np.float32).min), "float_lowest")
    for node in [node for node in graph.node if node.op_type == "Conv"]:
        before, weight = makers.get(node.input[0]), makers.get(node.input[1])
        if before is None or before.op_type != "DequantizeLinear" or weight is not None:
            continue
        hidden = f"{node.name}_float"
        clip = onnx.helper.make_node("Clip", [node.input[0], lowest.name], [hidden], hidden)
        node.input[0] = hidden
        graph.node.insert(list(graph.node).index(node), clip)
        if lowest not in graph.initializer:
            graph.initializer.append(lowest)


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
