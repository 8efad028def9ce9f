"""Post-training int8 for LiteRT: static int8 convolutions, float heads with int8 weights."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
from ai_edge_quantizer import algorithm_manager, calibrator, quantizer, recipe_manager
from ai_edge_quantizer.qtyping import TFLOperationName as Op
from ai_edge_quantizer.utils import qsv_utils, tfl_flatbuffer_utils, tfl_interpreter_utils
from numpy.typing import NDArray

from compression.convolutions import Convolution
from compression.quantize_histograms import HISTOGRAMS, few, find_ranges
from edge_iqa.backends.base import cores

_INT8 = (Op.CONV_2D, Op.DEPTHWISE_CONV_2D, Op.ADD, Op.PAD)
_CONVOLUTIONS = (Op.CONV_2D, Op.DEPTHWISE_CONV_2D)
_UPDATES = {"min_max": qsv_utils.min_max_update, "mean_min_max": qsv_utils.moving_average_update}

Views = NDArray[np.uint8]


class TfliteQuantizer:
    """Makes int8 models of one float model; photos are run through it once a method.

    Args:
        model: the float model.
        calibration: uint8 (V, S, S, 3) of photos as they will come.
    """

    methods = (*_UPDATES, *HISTOGRAMS)
    """How an activation's range is found; see `compression.quantize_histograms`. The library's own default is the
    average, which can clip too much."""

    def __init__(self, model: bytes, calibration: Sequence[Views]) -> None:
        self._model = model
        self._calibration = calibration
        self._operators = list(_list_operators(model))
        self._ranges: dict[str, Any] = {}
        self.layers = tuple(_list_convolutions(model))

    def quantize(self, method: str, float_layers: Collection[int] = ()) -> bytes:
        """Make an int8 model.

        Args:
            method: one of `methods`.
            float_layers: places in `layers` of the convolutions that stay float.
        """
        with quiet():
            if method not in self._ranges:
                self._ranges[method] = self._calibrate(method)
            worker = quantizer.Quantizer(bytearray(self._model), self._make_recipe(float_layers))
            result = worker.quantize(
                self._ranges[method], enable_progress_bar=False, enable_progress_report=False
            )
        return bytes(result.quantized_model)

    def _calibrate(self, method: str) -> Any:
        manager = recipe_manager.RecipeManager()
        manager.load_quantization_recipe(self._make_recipe(()))
        update = _UPDATES.get(method, qsv_utils.min_max_update)
        worker = calibrator.Calibrator(self._model, num_threads=cores(), qsv_update_func=update)
        worker.calibrate({"serving_default": [{"views": views} for views in self._calibration]}, manager)
        ranges = worker.get_model_qsvs()
        if method in HISTOGRAMS:
            activations = {name for name, each in ranges.items() if np.size(each["min"]) == 1}
            found = find_ranges(method, self._run_photos(activations))
            for name, (low, high) in found.items():
                shape = np.shape(ranges[name]["min"])
                ranges[name] = {"min": np.full(shape, low), "max": np.full(shape, high)}
        return ranges

    def _run_photos(self, names: Collection[str]) -> Iterator[dict[str, NDArray[np.float32]]]:
        """Every activation of these names, photo by photo."""
        interpreter = tfl_interpreter_utils.create_tfl_interpreter(
            self._model, use_xnnpack=True, num_threads=cores(), preserve_all_tensors=True
        )
        constants = set(tfl_interpreter_utils.get_constant_tensor_names(self._model))
        for photo in few(self._calibration):
            tfl_interpreter_utils.invoke_interpreter_signature(interpreter, {"views": photo})
            values = tfl_interpreter_utils.get_tensor_name_to_content_map(interpreter, 0)
            yield {
                name: values[name]
                for name in names
                if name not in constants and values[name].dtype == np.float32
            }

    def _make_recipe(self, float_layers: Collection[int]) -> Any:
        manager = recipe_manager.RecipeManager()
        for kind in _INT8:
            manager.add_static_config(
                regex=".*", operation_name=kind, activation_num_bits=8, weight_num_bits=8
            )
        manager.add_weight_only_config(regex=".*", operation_name=Op.FULLY_CONNECTED, num_bits=8)
        for name, kind in self._belong_to(float_layers):
            manager.add_quantization_config(
                regex=f"^{re.escape(name)};",
                operation_name=kind,
                algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE,
            )
        return manager.get_quantization_recipe()

    def _belong_to(self, layers: Collection[int]) -> Iterator[tuple[str, Op]]:
        """These convolutions, the padding before each, and what could be int8 behind it."""
        index = -1
        for name, kind in self._operators:
            index += kind in _CONVOLUTIONS
            if index + (kind is Op.PAD) in layers and kind in _INT8:
                yield name, kind


def _list_operators(content: bytes) -> Iterator[tuple[str, Op | None]]:
    """Name of the output, and kind, of every operator, in the order they run."""
    model = tfl_flatbuffer_utils.read_model(bytearray(content))
    graph = model.subgraphs[0]
    for operator in graph.operators:
        kind = model.operatorCodes[operator.opcodeIndex].builtinCode
        name = tfl_flatbuffer_utils.get_tensor_name(graph.tensors[operator.outputs[0]])
        yield name, tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME.get(kind)


def _list_convolutions(content: bytes) -> Iterator[Convolution]:
    model = tfl_flatbuffer_utils.read_model(bytearray(content))
    tensors = model.subgraphs[0].tensors
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        kind = tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME.get(code)
        if kind in _CONVOLUTIONS:
            inputs = tensors[operator.inputs[0]].shape[-1]
            _, height, width, _ = tensors[operator.inputs[1]].shape
            outputs = tensors[operator.outputs[0]].shape[-1]
            yield Convolution(height, width, inputs, outputs, kind is Op.DEPTHWISE_CONV_2D)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back progress bars and warnings of the quantizer; our own commands show progress."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
