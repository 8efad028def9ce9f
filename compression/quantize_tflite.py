"""Post-training int8 for LiteRT: static int8 convolutions, float heads with int8 weights."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ai_edge_quantizer import algorithm_manager, calibrator, quantizer, recipe_manager
from ai_edge_quantizer.qtyping import TFLOperationName as Op
from ai_edge_quantizer.utils import qsv_utils, tfl_flatbuffer_utils
from numpy.typing import NDArray

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

    methods = tuple(_UPDATES)
    """How an activation's range is found: over all photos, or averaged over photos (clips outliers).
    The library's own default is the average, which can clip too much."""

    def __init__(self, model: bytes, calibration: Sequence[Views]) -> None:
        self._model = model
        self._calibration = calibration
        self._operators = list(_list_operators(model))
        self._ranges: dict[str, Any] = {}

    @property
    def convolutions(self) -> int:
        """How many convolutions the model has."""
        return sum(kind in _CONVOLUTIONS for _, kind in self._operators)

    def quantize(self, method: str, keep_float: int) -> bytes:
        """Make an int8 model.

        Args:
            method: one of `methods`.
            keep_float: so many convolutions, counted from the input, stay float.
        """
        with _quiet():
            if method not in self._ranges:
                self._ranges[method] = self._calibrate(method)
            worker = quantizer.Quantizer(bytearray(self._model), self._make_recipe(keep_float))
            result = worker.quantize(
                self._ranges[method], enable_progress_bar=False, enable_progress_report=False
            )
        return bytes(result.quantized_model)

    def _calibrate(self, method: str) -> Any:
        manager = recipe_manager.RecipeManager()
        manager.load_quantization_recipe(self._make_recipe(0))
        worker = calibrator.Calibrator(self._model, num_threads=cores(), qsv_update_func=_UPDATES[method])
        worker.calibrate({"serving_default": [{"views": views} for views in self._calibration]}, manager)
        return worker.get_model_qsvs()

    def _make_recipe(self, keep_float: int) -> Any:
        manager = recipe_manager.RecipeManager()
        for kind in _INT8:
            manager.add_static_config(
                regex=".*", operation_name=kind, activation_num_bits=8, weight_num_bits=8
            )
        manager.add_weight_only_config(regex=".*", operation_name=Op.FULLY_CONNECTED, num_bits=8)
        for name, kind in self._first(keep_float):
            manager.add_quantization_config(
                regex=f"^{re.escape(name)};",
                operation_name=kind,
                algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE,
            )
        return manager.get_quantization_recipe()

    def _first(self, count: int) -> Iterator[tuple[str, Op]]:
        """Operators that could be int8, up to the convolution number `count`."""
        seen = 0
        for name, kind in self._operators:
            if seen == count:
                return
            seen += kind in _CONVOLUTIONS
            if kind in _INT8:
                yield name, kind


def _list_operators(content: bytes) -> Iterator[tuple[str, Op | None]]:
    """Name of the output, and kind, of every operator, in the order they run."""
    model = tfl_flatbuffer_utils.read_model(bytearray(content))
    graph = model.subgraphs[0]
    for operator in graph.operators:
        kind = model.operatorCodes[operator.opcodeIndex].builtinCode
        name = tfl_flatbuffer_utils.get_tensor_name(graph.tensors[operator.outputs[0]])
        yield name, tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME.get(kind)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back progress bars and warnings of the quantizer; our own commands show progress."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
