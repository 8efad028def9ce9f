"""How long each file takes here, side by side; and which of a runtime is in use: int8 where it is faster than float."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compression.bounds import Gate
from compression.labels import Sample
from compression.progress import console
from edge_iqa import backends, image, machine, views
from edge_iqa.backends.base import Backend
from edge_iqa.errors import GateError
from edge_iqa.manifest import RUNTIMES
from edge_iqa.timing import Recording, measure_interleaved, ratio
from edge_iqa.views import ViewSpec
from export.layers import list_layers, sum_work
from export.report import SPEED_GATE

PHOTOS = 8
"""Views of about so many photos are run in turn; the time of a model does not depend on what they show."""
_REPEATS = 200
_WARMUP = 10
_THREADS = 1


def cut_some(samples: Sequence[Sample], spec: ViewSpec) -> list[NDArray[np.uint8]]:
    """Views (V, S, S, 3) of some of the photos, spread evenly over the list."""
    step = max(1, len(samples) // PHOTOS)
    return [views.cut(image.read(sample.path), spec) for sample in samples[::step]]


def time_files(files: Mapping[str, bytes], inputs: Sequence[NDArray[np.uint8]]) -> dict[str, Recording]:
    """Time each file on one thread, one photo at a time, those of one runtime in turns.

    Args:
        files: name → content.
        inputs: views of photos; a round takes the next photo.
    """
    recorded: dict[str, Recording] = {}
    for runtime in RUNTIMES:
        tasks = {
            name: _make_task(backends.open(content, runtime, _THREADS), inputs)
            for name, content in files.items()
            if name.endswith(f".{runtime}")
        }
        with console.status(f"time of {', '.join(tasks)}"):
            recorded |= measure_interleaved(tasks, warmup=_WARMUP, repeats=_REPEATS)
    return recorded


def choose_files(
    recorded: Mapping[str, Recording], bounds: Mapping[str, float]
) -> tuple[dict[str, str], list[Gate]]:
    """Take int8 where it is faster than float in the same run and runtime, else float.

    A processor without 8-bit dot products (x86 before VNNI) says nothing of the phones that have them: a
    recipe that is run on such a machine sets `int8_speed_up` below 1, and its bundle is experimental.

    Args:
        recorded: of `time_files`.

    Returns:
        runtime → file, and what was measured: p50 of float over int8 within a round. It decides, it does
        not refuse.
    """
    in_use, speed = {}, []
    for runtime in RUNTIMES:
        names = [f"model.{precision}.{runtime}" for precision in ("fp32", "int8")]
        gain = ratio(*(recorded[name].whole_ms for name in names))
        if gain is None:
            raise GateError(f"int8 speed: {_REPEATS} repeats are too few for an interval")
        least = bounds["int8_speed_up"]
        faster = gain.low > least
        in_use[runtime] = names[1] if faster else names[0]
        name = f"{SPEED_GATE.format(runtime=runtime)}; where it is not above {least:g}, float ships"
        speed.append(Gate(name, gain.value, gain.low, gain.high, _REPEATS, f"> {least:g}", faster))
    return in_use, speed


def describe_costs(
    files: Mapping[str, bytes],
    recorded: Mapping[str, Recording],
    inputs: Sequence[NDArray[np.uint8]],
    watch: machine.Watch,
) -> dict[str, Any]:
    """What each file costs for one photo, for report and card: time on this machine, and the work that it does.

    Args:
        recorded: of `time_files`.
        watch: made before the files were timed.
    """
    # what loaded the machine before were the gates themselves
    facts, usage = machine.describe(), replace(watch.read(), load_1min_before=None)
    return {
        "device": "host",
        "machine": facts,
        "usage": usage.to_dict(),
        "warnings": usage.warnings(facts),
        "versions": backends.available(),
        "threads": _THREADS,
        "photos": len(inputs),
        "files": {
            name: {**recorded[name].timing.to_dict(), **sum_work(list_layers(name, content, inputs[0]))}
            for name, content in files.items()
        },
    }


def _make_task(backend: Backend, inputs: Sequence[NDArray[np.uint8]]) -> Callable[[], object]:
    """Runs a model on the next photo each time."""
    turn = cycle(inputs)
    return lambda: backend.run(next(turn))
