"""Weights of a TFLite model as float16 or int8, by ai-edge-quantizer."""

from __future__ import annotations

from typing import Any

from ai_edge_quantizer import algorithm_manager, quantizer, recipe_manager
from ai_edge_quantizer.qtyping import (
    ComputePrecision,
    OpQuantizationConfig,
    TensorDataType,
    TensorQuantizationConfig,
)
from ai_edge_quantizer.qtyping import TFLOperationName as Op

from compression.quantize_tflite import quiet

_PRODUCTS = (Op.CONV_2D, Op.FULLY_CONNECTED)
_HALF = OpQuantizationConfig(
    weight_tensor_config=TensorQuantizationConfig(num_bits=16, dtype=TensorDataType.FLOAT),
    compute_precision=ComputePrecision.FLOAT,
    explicit_dequantize=True,
)


def quantize_weights(model: bytes, variant: str) -> bytes:
    """Make `fp16`, `w8` or `dynamic` of a float model; see `compression.quantize_weights`."""
    with quiet():
        worker = quantizer.Quantizer(bytearray(model), _make_recipe(variant))
        result = worker.quantize(enable_progress_bar=False, enable_progress_report=False)
    return bytes(result.quantized_model)


def _make_recipe(variant: str) -> Any:
    manager = recipe_manager.RecipeManager()
    if variant == "fp16":
        for kind in (*_PRODUCTS, Op.DEPTHWISE_CONV_2D):
            manager.add_quantization_config(
                regex=".*",
                operation_name=kind,
                op_config=_HALF,
                algorithm_key=algorithm_manager.AlgorithmName.FLOAT_CASTING,
            )
        return manager.get_quantization_recipe()
    add = manager.add_dynamic_config if variant == "dynamic" else manager.add_weight_only_config
    for kind in _PRODUCTS:
        add(regex=".*", operation_name=kind, num_bits=8)
    return manager.get_quantization_recipe()
