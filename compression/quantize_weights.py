"""Smaller files for devices without int8 arithmetic: weights stored in fewer bits, products in float.

| variant | weights | arithmetic | runtimes |
| --- | --- | --- | --- |
| `fp16` | float16 | float | both |
| `w8` | int8, one scale a channel | float | both |
| `dynamic` | int8, one scale a channel | int8, activations scaled anew for each photo | TFLite |

None needs calibration. Depthwise convolutions stay float in the int8 variants: they are a hundredth of the
bytes and would add a quarter to the loss, and XNNPACK takes none with dynamic activations. There is no dynamic ONNX
variant: its convolution (ConvInteger) is missing in the reduced builds for phones, and was 8 times slower than
float and nearly 5 times as far from it as `w8`. Figures: `benchmarks/results/README.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

VARIANTS = {"fp16": ("onnx", "tflite"), "w8": ("onnx", "tflite"), "dynamic": ("tflite",)}
"""Variant → the runtimes that it is made for."""

_FROM_EXACT = ("fp16",)
"""Made of the float model itself. The others gain by channels of one range, so of the evened one."""


def make_variants(
    names: Sequence[str], exact: Mapping[str, bytes], evened: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Make variants of a float model for each runtime that they are for.

    Args:
        names: of `VARIANTS`.
        exact: runtime → float model.
        evened: runtime → the same model with evened channel ranges (`compression.equalize`).

    Returns:
        `model.VARIANT.RUNTIME` → content.

    Raises:
        ValueError: an unknown variant.
    """
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise ValueError(f"expected variants among {', '.join(VARIANTS)}, got {', '.join(unknown)}")
    made = {}
    for name in dict.fromkeys(names):
        for runtime in VARIANTS[name]:
            source = (exact if name in _FROM_EXACT else evened)[runtime]
            made[f"model.{name}.{runtime}"] = _make(name, runtime, source)
    return made


def _make(name: str, runtime: str, source: bytes) -> bytes:
    # each library takes seconds to import, and `--help` needs none
    if runtime == "onnx":
        from compression.quantize_weights_onnx import store_as_half, store_as_int8

        return store_as_half(source) if name == "fp16" else store_as_int8(source)
    from compression.quantize_weights_tflite import quantize_weights

    return quantize_weights(source, name)
