"""Cost against threads: of the model and of OpenCV, each from one to as many as there are cores."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import megapixels
from benchmarks.figure import Figure
from benchmarks.scales.part import Found, Setting, observe, tell_ratio
from benchmarks.scales.pixels import read_stages
from edge_iqa import Inspector, Report, opencv
from edge_iqa.backends.base import cores

ROUNDS = 30
_MEGAPIXELS = 12.0


def measure(setting: Setting) -> Found:
    """Time one photo with every pair of counts, in turns.

    Raises:
        EdgeIqaError: the photo cannot be made, or not judged.
    """
    counts = count_up(cores())
    if len(counts) == 1:
        return Found(
            [], {"grid": []}, {"valid": True, "invalid": [], "unknown": []}, ["one core: one thread is all"]
        )
    size = min(_MEGAPIXELS, setting.sizes[-1])
    photo = megapixels.make(setting.photos, [size], setting.cache / "megapixels")[0].photo
    with observe(setting, None, None) as observed, contextlib.ExitStack() as stack:
        inspectors = {
            count: stack.enter_context(Inspector.open(setting.bundle, setting.backend, threads=count))
            for count in counts
        }
        tasks = {
            (model, rest): _use(inspectors[model], rest, photo.data) for model in counts for rest in counts
        }
        recorded = observed.record(
            "threads",
            {_name(*pair): task for pair, task in tasks.items()},
            setting.rounds(ROUNDS),
            lambda report: {**read_stages(report), "total": report.timing_ms["total"]},
        )
        conditions = observed.close()
    # the time of telling OpenCV how many threads it has is none of a verdict's
    total = {pair: recorded[_name(*pair)].stages_ms["total"] for pair in tasks}
    figures: list[Figure] = [
        tell_ratio(f"time with {_name(*pair)} over one each", each, total[1, 1])
        for pair, each in total.items()
        if pair != (1, 1)
    ]
    grid = [
        {
            "model_threads": model,
            "opencv_threads": rest,
            "p50_ms": float(np.median(total[model, rest])),
            "stages_p50_ms": {
                stage: float(np.median(each))
                for stage, each in recorded[_name(model, rest)].stages_ms.items()
                if stage != "total"
            },
        }
        for model, rest in tasks
    ]
    return Found(figures, {"photo": photo.name, "grid": grid}, conditions)  # fmt: skip


def count_up(most: int, all_up_to: int = 4) -> tuple[int, ...]:
    """Counts from 1 to `most`: each of the first few, then doubled, and the last."""
    few = range(1, min(most, all_up_to) + 1)
    doubled = (all_up_to << step for step in range(1, most.bit_length()))
    return tuple(sorted({*few, *(count for count in doubled if count < most), most}))


def _use(inspector: Inspector, opencv_threads: int, data: bytes) -> Callable[[], Report]:
    cv2: Any = opencv.load()

    def inspect() -> Report:
        cv2.setNumThreads(opencv_threads)
        return inspector.inspect(data)

    return inspect


def _name(model: int, rest: int) -> str:
    return f"{model} for the model and {rest} for the rest"
