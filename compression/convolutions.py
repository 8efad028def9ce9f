"""How a convolution is called in tables and plots: by what it does, as runtimes keep no better name."""

from __future__ import annotations


def describe(height: int, width: int, inputs: int, outputs: int, depthwise: bool) -> str:
    """Size of the kernel and channels: `3x3 3-32`, `3x3 depthwise 32`."""
    size = f"{height}x{width}"
    return f"{size} depthwise {outputs}" if depthwise else f"{size} {inputs}-{outputs}"
