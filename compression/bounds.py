"""A gate: one bound, what was measured against it, and whether it holds."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compression.command import replace_values
from compression.metrics import Estimate
from export.release import BOUNDS, CAPS

_MOST = {"file_mb": 100.0}
"""No bound is larger than this, or than 2: one that is would let everything pass, or nothing."""


@dataclass(frozen=True)
class Gate:
    """One bound, what was measured against it (with its 95 % interval), and whether it holds."""

    name: str
    value: float
    low: float
    high: float
    n: int
    bound: str
    passed: bool


def hold(name: str, measured: Estimate, key: str, bounds: Mapping[str, float]) -> Gate:
    """Hold a measurement to the bound `key`: the worse end of its interval counts, and NaN never passes."""
    bound, capped = bounds[key], key in CAPS
    passed = measured.high <= bound if capped else measured.low >= bound
    text = f"{'<=' if capped else '>='} {bound:g}"
    return Gate(name, measured.value, measured.low, measured.high, measured.n, text, passed)


def size_gate(files: Mapping[str, bytes], bounds: Mapping[str, float]) -> Gate:
    """The int8 TFLite file, in megabytes of 10^6 bytes: what an app that ships the bundle grows by."""
    size_mb = len(files["model.int8.tflite"]) / 1e6
    return hold("int8 TFLite file, MB", Estimate(size_mb, size_mb, size_mb, 1), "file_mb", bounds)


def read_bounds(options: Sequence[str]) -> dict[str, float]:
    """Replace default bounds by `NAME=VALUE` options.

    Raises:
        ValueError: an unknown name, or a value that is no number from 0 to 2, as SRCC and shares are (megabytes: 100).
    """
    bounds = replace_values("--bound", options, BOUNDS)
    for name, value in bounds.items():
        most = _MOST.get(name, 2.0)
        if not 0 <= value <= most:
            raise ValueError(f"--bound: expected {name} from 0 to {most:g}, got {value:g}")
    return bounds


def bound(text: str) -> str:
    """Check a `NAME=VALUE`, for argparse: hours may lie between the command and its gates."""
    try:
        read_bounds([text])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("--bound: ")) from error
    return text
