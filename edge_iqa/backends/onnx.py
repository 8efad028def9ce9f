"""ONNX Runtime. The only importer of `onnxruntime`, on first use."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa.backends.base import (
    INPUT,
    Outputs,
    Signature,
    Tensor,
    check_views,
    clamp_threads,
    find_version,
    read_signature,
    to_outputs,
)
from edge_iqa.errors import BackendError

_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
_ERRORS_LEVEL = 3
"""ONNX Runtime writes to stderr on its own; warnings about optimizations help nobody here."""


def find() -> str | None:
    """Distribution and version of what is installed, or None. Imports nothing."""
    return find_version("onnxruntime", _DISTRIBUTIONS)


ON_CPU = "CPUExecutionProvider"
"""What runs a model where nothing else is asked for, and what another provider leaves over."""


class OnnxBackend:
    """A model in ONNX Runtime. Calls from several threads run side by side."""

    name = "onnx"

    def __init__(self, model: bytes, threads: int | None = None, provider: str | None = None) -> None:
        """Load a model.

        Args:
            model: an ONNX file, complete in itself.
            threads: see `clamp_threads`.
            provider: execution provider, such as `CUDAExecutionProvider`; None is the CPU.

        Raises:
            BackendError: ONNX Runtime is not installed or cannot be imported, refuses the model, or cannot use the
                provider.
            ValueError: see `clamp_threads`.
        """
        self.threads = clamp_threads(threads)
        runtime = _load()
        self.version = find() or f"onnxruntime {runtime.__version__}"
        self._errors = _list_errors(runtime)
        self.provider = provider or ON_CPU
        if self.provider not in (usable := runtime.get_available_providers()):
            raise BackendError(f"{self.version} cannot use {self.provider}, only {', '.join(usable)}")
        try:
            session = runtime.InferenceSession(
                model,
                make_options(runtime, self.threads),
                providers=list(dict.fromkeys((self.provider, ON_CPU))),
            )
        except self._errors as error:
            raise BackendError(f"ONNX Runtime refuses the model: {error}") from error
        # one that lacks its driver is left out without an error
        if (came := session.get_providers()[0]) != self.provider:
            raise BackendError(f"{self.version} could not start {self.provider}, and would run on {came}")
        self.signature: Signature = read_signature(
            {node.name: _read_tensor(node) for node in session.get_inputs()},
            {node.name: _read_tensor(node) for node in session.get_outputs()},
        )
        self._session = session

    def run(self, views: NDArray[np.uint8]) -> Outputs:
        """See `Backend.run`."""
        session = self._session  # another thread may close meanwhile; this call still ends well
        if session is None:
            raise BackendError("this backend is closed; open another")
        checked, names = check_views(views, self.signature), self.signature.outputs
        try:
            found = session.run(names, {INPUT: checked})
        except self._errors as error:
            raise BackendError(f"ONNX Runtime failed on this photo: {error}") from error
        return to_outputs(dict(zip(names, found, strict=True)))

    def close(self) -> None:
        """See `Backend.close`."""
        self._session = None


def _load() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendError(
            f"ONNX Runtime could not be imported ({error}); run `pip install onnxruntime`"
        ) from error
    module: ModuleType = onnxruntime
    return module


def make_options(runtime: ModuleType, threads: int) -> Any:
    """Session options as every model here runs with.

    Args:
        runtime: the module `onnxruntime`.
    """
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_LEVEL
    # by default idle threads spin: cores at full load between two photos, and a warm phone
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # x86 without VNNI adds two products of u8 and s8 in 16 bits, which overflow: scores moved by 0.017.
    # With this its weights become u8 there, and scores are those of every other processor
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _list_errors(runtime: ModuleType) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: a dozen types of its own, without a common base below Exception."""
    state = runtime.capi.onnxruntime_pybind11_state
    own = (value for value in vars(state).values() if isinstance(value, type))
    return (*(value for value in own if issubclass(value, Exception)), RuntimeError, ValueError)


def _read_tensor(node: Any) -> Tensor:
    return Tensor(_DTYPES.get(node.type, node.type), tuple(node.shape))
