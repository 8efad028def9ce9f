"""Inference backends by name. A user says `litert` or `onnx`; a manifest says `tflite` or `onnx`."""

from __future__ import annotations

from collections.abc import Collection

from edge_iqa.backends.base import Backend
from edge_iqa.backends.onnx import OnnxBackend
from edge_iqa.backends.onnx import find as find_onnx
from edge_iqa.backends.tflite import TfliteBackend
from edge_iqa.backends.tflite import find as find_tflite
from edge_iqa.errors import BackendError

RUNTIMES = {"litert": "tflite", "onnx": "onnx"}
"""User's name → runtime key of the manifest, the better choice first: LiteRT starts in half the
time and half the memory."""

PACKAGES = {"litert": "ai-edge-litert", "onnx": "onnxruntime"}
"""User's name → what to install."""

NAMES = {runtime: name for name, runtime in RUNTIMES.items()}
"""Runtime key of the manifest → user's name."""


def available() -> dict[str, str]:
    """What is installed: runtime key → distribution and version, the better choice first. Imports nothing."""
    found = {"tflite": find_tflite(), "onnx": find_onnx()}
    return {runtime: version for runtime, version in found.items() if version is not None}


def choose(name: str | None, runtimes: Collection[str]) -> str:
    """Choose a runtime.

    Args:
        name: `litert` or `onnx`; None takes the best that is installed.
        runtimes: runtime keys that the bundle has models for.

    Returns:
        Its runtime key.

    Raises:
        BackendError: no such backend, it is not installed, or the bundle has no model for it.
    """
    if name is not None and name not in RUNTIMES:
        raise BackendError(f"backend: expected one of {', '.join(RUNTIMES)}, got {name!r}")
    installed = available()
    if not installed:
        commands = [
            f"`pip install {package}`" for known, package in PACKAGES.items() if name in (None, known)
        ]
        raise BackendError(f"no inference runtime is installed; run {' or '.join(commands)}")
    if name is None:
        wanted = [runtime for runtime in installed if runtime in runtimes]
        name = NAMES[wanted[0]] if wanted else NAMES[next(iter(runtimes))]
    runtime = RUNTIMES[name]
    if runtime not in runtimes:
        raise BackendError(f"the bundle has no model for the backend {name}, only for {_join(runtimes)}")
    if runtime not in installed:
        raise BackendError(
            f"the backend {name} is not installed, only {_join(installed)}; "
            f"run `pip install {PACKAGES[name]}`"
        )
    return runtime


def open(model: bytes, runtime: str, threads: int | None = None, provider: str | None = None) -> Backend:
    """Load a model.

    Args:
        model: the bytes of the file; nothing is read from disk.
        runtime: `onnx` or `tflite`.
        threads: threads for one call; 1 where none is given, and never more than there are cores.
        provider: what ONNX Runtime hands the work to, such as `CUDAExecutionProvider`; None is the processor.

    Raises:
        BackendError: the runtime is not installed, refuses the model, or cannot use the provider.
        ValueError: `runtime` or `threads` is out of range.
    """
    if runtime == "onnx":
        return OnnxBackend(model, threads, provider)
    if runtime == "tflite":
        if provider is not None:
            raise BackendError(
                f"{NAMES[runtime]} runs on the processor alone (XNNPACK); it cannot use {provider}"
            )
        return TfliteBackend(model, threads)
    raise ValueError(f"runtime: expected onnx or tflite, got {runtime!r}")


def _join(runtimes: Collection[str]) -> str:
    return " and ".join(NAMES[runtime] for runtime in runtimes)
