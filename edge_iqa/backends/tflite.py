"""LiteRT, or the older tflite-runtime. The only importer of either, on first use.

When it loads its first model LiteRT writes one INFO line about XNNPACK to stderr; it has no switch for that.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator, Mapping
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

SIGNATURE_KEY = "serving_default"

_IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of every TFLite file. tflite-runtime checks nothing: other bytes crash the process."""
_BUFFERS = 4
"""Place of the weights among the fields of the root table."""


def find() -> str | None:
    """Distribution and version of what is installed, LiteRT first, or None. Imports nothing."""
    return find_version("ai_edge_litert", ("ai-edge-litert",)) or _find_old()


class TfliteBackend:
    """A model in LiteRT. Its interpreter holds the tensors of one call, so calls take turns."""

    name = "tflite"

    def __init__(self, model: bytes, threads: int | None = None) -> None:
        """Load a model.

        Args:
            model: a TFLite file with the signature `serving_default`.
            threads: see `clamp_threads`.

        Raises:
            BackendError: neither runtime is installed or can be imported, or it refuses the model.
            ValueError: see `clamp_threads`.
        """
        self.threads = clamp_threads(threads)
        self.version, interpreter_type = _load()
        self._lock = threading.Lock()
        if not _is_whole(model):
            raise BackendError(f"{self.version} refuses the model: it is no TFLite file, or a part of one")
        try:
            interpreter = interpreter_type(model_content=model, num_threads=self.threads)
            interpreter.allocate_tensors()  # a runner made before this would stand in its way
            runner = interpreter.get_signature_runner(SIGNATURE_KEY)
            inputs, outputs = runner.get_input_details(), runner.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise BackendError(f"{self.version} refuses the model: {error}") from error
        self.signature: Signature = read_signature(_read_tensors(inputs), _read_tensors(outputs))
        self._runner = runner

    def run(self, views: NDArray[np.uint8]) -> Outputs:
        """See `Backend.run`."""
        checked = check_views(views, self.signature)
        with self._lock:
            if self._runner is None:
                raise BackendError("this backend is closed; open another")
            try:
                outputs = self._runner(**{INPUT: checked})
            except (ValueError, RuntimeError) as error:
                raise BackendError(f"{self.version} failed on this photo: {error}") from error
        return to_outputs(outputs)

    def close(self) -> None:
        """See `Backend.close`; waits for a call that is under way."""
        with self._lock:
            self._runner = None


def _is_whole(model: bytes) -> bool:
    """Whether all weights lie inside the file: a part of one would crash tflite-runtime.

    It is no full check of a FlatBuffer (https://flatbuffers.dev/internals); hashes stand before it.
    """
    try:
        return model[4:8] == _IDENTIFIER and all(end <= len(model) for end in _weight_ends(model))
    except struct.error:  # a number would lie outside
        return False


def _weight_ends(model: bytes) -> Iterator[int]:
    """Where each vector ends that the root table's buffers hold."""
    (root,) = struct.unpack_from("<I", model, 0)
    buffers = _follow(model, root, _BUFFERS)
    if buffers is None:
        raise struct.error("no buffers")
    (count,) = struct.unpack_from("<I", model, buffers)
    yield buffers + 4 * (count + 1)
    for at in range(buffers + 4, buffers + 4 * (count + 1), 4):
        data = _follow(model, at + struct.unpack_from("<I", model, at)[0], 0)
        if data is not None:
            yield data + 4 + struct.unpack_from("<I", model, data)[0]


def _follow(model: bytes, table: int, field: int) -> int | None:
    """Position of what a table's field points at; None where the table leaves it out."""
    (back,) = struct.unpack_from("<i", model, table)
    if not 0 <= table - back < len(model):  # a negative one would count from the end
        raise struct.error("a table outside the file")
    (size,) = struct.unpack_from("<H", model, table - back)
    if size < 4 + 2 * (field + 1):
        return None
    (offset,) = struct.unpack_from("<H", model, table - back + 4 + 2 * field)
    return table + offset + int(struct.unpack_from("<I", model, table + offset)[0]) if offset else None


def _load() -> tuple[str, Any]:
    """Name and version, and the class Interpreter, of the first runtime that is there."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        old = _load_old()
        if old is None:
            raise BackendError(
                f"LiteRT could not be imported ({error}); run `pip install ai-edge-litert`, "
                "or `pip install tflite-runtime 'numpy<2'` on an old device"
            ) from error
        return old
    return find_version("ai_edge_litert", ("ai-edge-litert",)) or "ai-edge-litert", Interpreter


def _load_old() -> tuple[str, Any] | None:
    version = _find_old()
    if version is None:
        return None
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        return None
    return version, Interpreter


def _find_old() -> str | None:
    """tflite-runtime, where it works: beside numpy 2 it can be imported, and dies on the first model."""
    if int(np.__version__.split(".")[0]) >= 2:
        return None
    return find_version("tflite_runtime", ("tflite-runtime",))


def _read_tensors(details: Mapping[str, Mapping[str, Any]]) -> dict[str, Tensor]:
    return {
        name: Tensor(np.dtype(detail["dtype"]).name, tuple(int(size) for size in detail["shape_signature"]))
        for name, detail in details.items()
    }
