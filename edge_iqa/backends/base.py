"""What an inference backend is, and the checks that all of them share."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_iqa.errors import BackendError

INPUT = "views"


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives.

    Attributes:
        views: shape of the input `views`, (V, S, S, 3), uint8.
        scores: length of the output `scores`, 1+A, float32 (1, 1+A).
        embedding: D of the output `embedding`, float32 (1, D).
        category: C of the output `category`, float32 (1, C); 0 where there is no such output.
    """

    views: tuple[int, int, int, int]
    scores: int
    embedding: int
    category: int = 0

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs."""
        return ["scores", "embedding", *(["category"] if self.category else [])]


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a model says about one photo.

    Attributes:
        scores: float32 (1+A,), 0 to 1, higher is better: overall quality, then the attributes.
        embedding: float32 (D,), unit length.
        category: float32 (C,), logits of what the product is; empty where the model has no such output.
    """

    scores: NDArray[np.float32]
    embedding: NDArray[np.float32]
    category: NDArray[np.float32]


class Backend(Protocol):
    """A model, loaded and ready. Safe to call from several threads at once."""

    @property
    def name(self) -> str:
        """Runtime key of the manifest: `onnx` or `tflite`."""

    @property
    def version(self) -> str:
        """Distribution and version, such as `onnxruntime 1.31.1`."""

    @property
    def threads(self) -> int:
        """Threads that one call uses."""

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""

    def run(self, views: NDArray[np.uint8]) -> Outputs:
        """Score one photo.

        Args:
            views: uint8 (V, S, S, 3), RGB.

        Raises:
            BackendError: other views than the model takes, a closed backend, or a runtime that fails.
        """

    def close(self) -> None:
        """Let go of the model; `run` raises from here on. May be called twice."""


@dataclass(frozen=True)
class Tensor:
    """Type and shape of an input or output, as the runtime tells them."""

    dtype: str
    shape: tuple[object, ...]


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def clamp_threads(threads: int | None) -> int:
    """Decide how many threads a model runs on: 1 unless asked for more, and never more than cores.

    With more threads than cores a call takes a hundred times as long.

    Raises:
        ValueError: not a whole number from 1 up.
    """
    if threads is None:
        return 1
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads: expected a whole number from 1 up, or None, got {threads!r}")
    return min(threads, cores())


def find_version(module: str, distributions: tuple[str, ...]) -> str | None:
    """Distribution and version behind a module; None where it cannot be imported. Imports nothing."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:  # a folder that happens to have the name has no origin
        return None
    for distribution in distributions:
        try:
            return f"{distribution} {importlib.metadata.version(distribution)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{distributions[0]} (version unknown)"


def read_signature(inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> Signature:
    """Check that a model's inputs and outputs are of the kind that every bundle's are.

    Raises:
        BackendError: another name, type or number of dimensions.
    """
    names = set(outputs) - {"category"}
    if set(inputs) != {INPUT} or names != {"scores", "embedding"}:
        raise BackendError(
            "expected a model with the input views and the outputs scores and embedding, "
            f"got {_list(inputs)} and {_list(outputs)}"
        )
    views = _shape(INPUT, inputs[INPUT], "uint8", 4)
    lengths = {name: _shape(name, tensor, "float32", 2) for name, tensor in outputs.items()}
    for name, shape in lengths.items():
        if shape[0] != 1:
            raise BackendError(f"{name}: expected one row, for one photo, got shape {shape}")
    return Signature(
        views=(views[0], views[1], views[2], views[3]),
        scores=lengths["scores"][1],
        embedding=lengths["embedding"][1],
        category=lengths["category"][1] if "category" in lengths else 0,
    )


def check_views(views: Any, signature: Signature) -> NDArray[np.uint8]:
    """Check views against what the model takes, and make them contiguous.

    Raises:
        BackendError: not an array, or of another type or shape.
    """
    if not isinstance(views, np.ndarray) or views.dtype != np.uint8 or views.shape != signature.views:
        came = f"{views.dtype} {views.shape}" if isinstance(views, np.ndarray) else type(views).__name__
        raise BackendError(f"views: expected a uint8 array of shape {signature.views}, got {came}")
    return np.ascontiguousarray(views)


def to_outputs(found: Mapping[str, NDArray[np.float32]]) -> Outputs:
    """Take the one row of each output.

    Args:
        found: name → value, `scores` (1, 1+A), `embedding` (1, D) and, where there is one, `category` (1, C).

    Raises:
        BackendError: a value that is not a number; a report must never hold one.
    """
    if not all(np.isfinite(values).all() for values in found.values()):
        raise BackendError(
            "the model gave values that are not numbers; run `edge-iqa doctor`, and try the other backend"
        )
    category = found["category"][0].copy() if "category" in found else np.zeros(0, np.float32)
    return Outputs(np.clip(found["scores"][0], 0, 1), found["embedding"][0].copy(), category)


def _shape(name: str, tensor: Tensor, dtype: str, dimensions: int) -> tuple[int, ...]:
    sizes = tuple(size for size in tensor.shape if isinstance(size, (int, np.integer)) and size > 0)
    if tensor.dtype != dtype or len(tensor.shape) != dimensions or len(sizes) != dimensions:
        raise BackendError(
            f"{name}: expected {dtype} of {dimensions} fixed dimensions, got {tensor.dtype} {tensor.shape}"
        )
    return tuple(int(size) for size in sizes)


def _list(names: Mapping[str, Tensor]) -> str:
    return ", ".join(sorted(names)) or "none"
