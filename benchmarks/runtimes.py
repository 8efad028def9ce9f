"""What the runtimes tell beyond a model's outputs: operators, and how long each takes.

ONNX Runtime profiles its own nodes. LiteRT's Python package tells no times (its benchmark tool is not
in the wheel, and the interpreter's profiler cannot be read), so there the model is cut off after ever
more operators: what the longer part takes more than the shorter one is the time of what lies between.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from export.layers import Layer, Views, list_onnx, list_tflite, profile_nodes

WARMUP = 2
_MACS_PER_BYTE = 4
"""Multiplications in the time that a byte takes, roughly; only where to cut depends on it."""
_FUSED_WITH_NEXT = ("PAD",)
"""Operators that the runtime makes part of the one behind them; cut off, they would take time of their own."""


def profile_onnx(content: bytes, views: Views, repeats: int) -> list[Layer]:
    """Nodes as ONNX Runtime executes them, after its own optimizations, with the fastest of their times."""
    times = profile_nodes(content, views, WARMUP + repeats)
    return [
        replace(layer, ms=min(event["dur"] for event in times[name]) / 1e3)
        for name, layer in list_onnx(content, views).items()
    ]


def profile_tflite(content: bytes, views: Views, repeats: int) -> Iterator[Layer]:
    """Operators of a TFLite file, small ones joined with the next large one, with the fastest of their times.

    A time is the difference of two measurements, and may come out a little below zero.
    """
    layers, part = list_tflite(content), Part(content)
    before, start = 0.0, 0
    for end in find_cuts(layers):
        now = _time(part.cut_off(end), views, repeats)
        yield replace(join(layers[start:end]), ms=now - before)
        before, start = now, end


def find_cuts(layers: Sequence[Layer], most: int = 40) -> list[int]:
    """Numbers of operators after which to cut, ascending; the last is all of them.

    Args:
        most: about so many parts, each of as much work: differences of less are lost in the noise.
    """
    work = [layer.macs + _MACS_PER_BYTE * layer.moved_bytes for layer in layers]
    cuts, since = [], 0
    for number, each in enumerate(work, 1):
        since += each
        if since * most >= sum(work) and layers[number - 1].kind not in _FUSED_WITH_NEXT:
            cuts.append(number)
            since = 0
    return [*(cut for cut in cuts if cut < len(layers)), len(layers)]


def join(layers: Sequence[Layer]) -> Layer:
    """Several operators as one, named after the one with the most work."""
    first = max(layers, key=lambda layer: (layer.macs, layer.moved_bytes))
    return replace(
        first,
        macs=sum(layer.macs for layer in layers),
        int8_macs=sum(layer.int8_macs for layer in layers),
        weight_bytes=sum(layer.weight_bytes for layer in layers),
        activation_bytes=sum(layer.activation_bytes for layer in layers),
    )


class Part:
    """A TFLite model that can be cut off after any of its operators."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.tools import flatbuffer_utils

        self._model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        self._model.signatureDefs = []  # they name outputs that are cut off
        for buffer in self._model.buffers:
            if buffer.data is not None:
                buffer.data = np.asarray(buffer.data, np.uint8)  # packed at once, not byte by byte
        graph = self._model.subgraphs[0]
        self._operators, self._outputs = graph.operators, [int(index) for index in graph.outputs]
        self._bytes = 2 * len(content)

    def cut_off(self, count: int) -> bytes:
        """A model of the first `count` operators; it gives all that the others would have read.

        An operator that nobody reads from would be left out by the runtime, and take no time.
        """
        import flatbuffers

        graph = self._model.subgraphs[0]
        made = [int(index) for each in self._operators[:count] for index in each.outputs]
        read = {int(index) for each in self._operators[count:] for index in each.inputs} | {*self._outputs}
        graph.operators = self._operators[:count]
        graph.outputs = [index for index in made if index in read]
        builder = flatbuffers.Builder(self._bytes)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _time(content: bytes, views: Views, repeats: int) -> float:
    """Milliseconds that the thread runs a model, the fastest of several."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], views)
    taken = []
    for _ in range(WARMUP + repeats):
        start_ns = time.thread_time_ns()
        interpreter.invoke()
        taken.append(time.thread_time_ns() - start_ns)
    return min(taken[WARMUP:]) / 1e6
