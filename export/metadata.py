"""What a TFLite file says about itself: the essentials of the manifest, as JSON among its metadata.

The file format keeps named buffers (`Model.metadata` in schema.fbs of LiteRT); runtimes pass over those that they do
not know, so the graph and what it computes stay the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa.errors import GateError
from export.contract import ModelInfo

NAME = "edge_iqa"
"""Of the metadata entry; its buffer holds one JSON object in UTF-8."""

_ALIGNMENT_BYTES = 16


def write_metadata(content: bytes, info: ModelInfo) -> bytes:
    """Put what a model is into a TFLite file; an entry of before is replaced."""
    # TensorFlow Lite's schema takes half a second to import
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    told = schema.BufferT()
    told.data = np.frombuffer(json.dumps(info.to_fields(), sort_keys=True).encode(), np.uint8)
    entries = model.metadata or []
    entry = next((each for each in entries if each.name == NAME.encode()), None)
    if entry is not None:
        model.buffers[entry.buffer] = told
    else:
        entry = schema.MetadataT()
        entry.name, entry.buffer = NAME.encode(), len(model.buffers)
        model.buffers.append(told)
        model.metadata = [*entries, entry]
    model.buffers = [_Aligned(each.data) for each in model.buffers]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


@dataclass(frozen=True, eq=False)
class _Aligned:
    """A buffer as the schema wants it, at a multiple of 16 bytes; its Python code would put it at any multiple of 4."""

    data: NDArray[np.uint8] | bytearray | None

    def Pack(self, builder: Any) -> int:  # the name that the schema's code calls
        from ai_edge_litert import schema_py_generated as schema

        content = b"" if self.data is None else bytes(self.data)
        if content:
            builder.StartVector(1, len(content), _ALIGNMENT_BYTES)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if content:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


def read_metadata(content: bytes, name: str) -> ModelInfo | None:
    """Read what `write_metadata` wrote; None where a file has none, as those of before have none.

    Args:
        name: of the file, for the message.

    Raises:
        GateError: it is there and is not what it should be.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == NAME.encode():
            told = _read_buffer(model.Buffers(entry.Buffer()), content)
            try:
                return ModelInfo.from_fields(json.loads(told))
            except (KeyError, ValueError, TypeError) as error:
                raise GateError(
                    f"{name}: its metadata is not that of this project ({error!r}); run compression.quantize again"
                ) from error
    return None


def _read_buffer(buffer: Any, content: bytes) -> bytes:
    """What a buffer holds; the quantizer writes long ones behind the FlatBuffer, by offset and size."""
    if buffer.Offset():
        return content[buffer.Offset() : buffer.Offset() + buffer.Size()]
    return bytes(buffer.DataAsNumpy()) if buffer.DataLength() else b""
