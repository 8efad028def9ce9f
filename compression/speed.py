"""Which file of a runtime is in use: int8 where it is faster than float in the same run, else float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from compression.bounds import Gate
from compression.labels import Sample
from edge_iqa import backends, image, views
from edge_iqa.backends.base import Backend
from edge_iqa.errors import GateError
from edge_iqa.manifest import RUNTIMES
from edge_iqa.timing import measure_interleaved, ratio
from edge_iqa.views import ViewSpec
from export.report import SPEED_GATE

_REPEATS = 25


def choose_files(
    files: Mapping[str, bytes], samples: Sequence[Sample], spec: ViewSpec, bounds: Mapping[str, float]
) -> tuple[dict[str, str], list[Gate]]:
    """Take int8 where it is faster than float in the same run and runtime, else float.

    A processor without 8-bit dot products (x86 before VNNI) says nothing of the phones that have them: a
    recipe that is run on such a machine sets `int8_speed_up` below 1, and its bundle is experimental.

    Returns:
        runtime → file, and what was measured: p50 of float over p50 of int8. It decides, it does
        not refuse.
    """
    inputs = [views.cut(image.read(sample.path), spec) for sample in samples[:: max(1, len(samples) // 8)]]
    in_use, speed = {}, []
    for runtime in RUNTIMES:
        names = [f"model.{precision}.{runtime}" for precision in ("fp32", "int8")]
        opened = [backends.open(files[name], runtime) for name in names]
        tasks = {
            name: partial(_run_all, backend, inputs) for name, backend in zip(names, opened, strict=True)
        }
        timed = measure_interleaved(tasks, warmup=3, repeats=_REPEATS)
        gain = ratio(timed[names[0]].whole_ms, timed[names[1]].whole_ms)
        if gain is None:
            raise GateError(f"int8 speed: {_REPEATS} repeats are too few for an interval")
        least = bounds["int8_speed_up"]
        faster = gain.low > least
        in_use[runtime] = names[1] if faster else names[0]
        name = f"{SPEED_GATE.format(runtime=runtime)}; where it is not above {least:g}, float ships"
        speed.append(Gate(name, gain.value, gain.low, gain.high, _REPEATS, f"> {least:g}", faster))
    return in_use, speed


def _run_all(backend: Backend, inputs: Sequence[NDArray[np.uint8]]) -> None:
    for each in inputs:
        backend.run(each)
