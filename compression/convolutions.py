"""What a convolution is, and how tables and plots call it: by what it does, as runtimes keep no better name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Convolution:
    """Size of the kernel, and channels."""

    height: int
    width: int
    inputs: int
    outputs: int
    depthwise: bool

    @property
    def name(self) -> str:
        """As in `3x3 3-32`, `3x3 depthwise 32`."""
        size = f"{self.height}x{self.width}"
        return (
            f"{size} depthwise {self.outputs}" if self.depthwise else f"{size} {self.inputs}-{self.outputs}"
        )

    @property
    def weights(self) -> int:
        """How many it has, without its biases."""
        return self.height * self.width * (1 if self.depthwise else self.inputs) * self.outputs
