"""Rounds of one photo: every variant in turn, in each round; once more where the machine did not keep still."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import yardstick
from benchmarks.drift import Drift, find_drift
from benchmarks.photos import Photo
from benchmarks.progress import Progress
from benchmarks.sampler import Sampler
from benchmarks.variants import Variant
from edge_iqa import timing
from edge_iqa.inspector import STAGES

WARMUP = 5
"""At least; then until steady."""
STEADY = timing.Steady(window=5, tolerance=0.02, at_most=60)


@dataclass(frozen=True)
class Effort:
    """How much is done for one photo.

    Attributes:
        repeats: kept rounds.
        tries: at most. What tells that rounds are set aside is that times moved, not where they moved to.
        drift_confidence: of the test for a drift.
    """

    repeats: int
    tries: int
    drift_confidence: float = timing.CONFIDENCE


@dataclass(frozen=True)
class Rounds:
    """What was kept.

    Attributes:
        recorded: by name of the variant.
        speed: of the yardstick, in the same rounds.
        unsteady: what the warm-up did not reach, or None.
        set_aside: of each try before, why it does not count.
    """

    recorded: Mapping[str, timing.Recording]
    speed: timing.Recording
    drift: Drift
    unsteady: str | None
    set_aside: tuple[str, ...]


def measure_rounds(
    photo: Photo,
    variants: Sequence[Variant],
    effort: Effort,
    sampler: Sampler,
    watch: Callable[[str, int], Progress],
    task: str,
) -> Rounds:
    """Measure a photo until its rounds hold, or as often as may be; the last try is kept whatever it is.

    Args:
        watch: a task and its rounds → what shows its progress.
    """
    set_aside: list[str] = []
    while True:
        title = f"{task}, try {len(set_aside) + 1}" if set_aside else task
        progress = watch(title, 2 * STEADY.window + effort.repeats)
        recorded = _record(photo, variants, effort.repeats, progress, sampler)
        speed = recorded.pop(yardstick.NAME)
        drift = find_drift([each.whole_ms for each in recorded.values()], effort.drift_confidence)
        first = next(iter(recorded.values()))
        unsteady = None if first.steady else f"was not steady after {first.warmup_ms.size} rounds"
        why = f"drifted by {drift.share.value:+.1%}" if drift.told and drift.share else unsteady
        # too few rounds to tell a drift are as few the next time
        if why is None or drift.share is None or len(set_aside) + 1 >= effort.tries:
            return Rounds(recorded, speed, drift, unsteady, tuple(set_aside))
        set_aside.append(why)


def _record(
    photo: Photo, variants: Sequence[Variant], repeats: int, progress: Progress, sampler: Sampler
) -> dict[str, timing.Recording]:
    def on_round(done: int) -> None:
        progress.on_round(done)
        sampler.on_round(done)

    tasks: dict[str, Callable[[], Any]] = {
        variant.name: functools.partial(variant.inspector.inspect, photo.data) for variant in variants
    }
    recorded = timing.measure_interleaved(
        {**tasks, yardstick.NAME: yardstick.Yardstick().run},
        warmup=WARMUP,
        repeats=repeats,
        read_stages=lambda report: {stage: report.timing_ms[stage] for stage in STAGES} if report else {},
        on_round=on_round,
        steady=STEADY,
    )
    progress.clear()
    return recorded
