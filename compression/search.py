"""Int8 models are tried until one loses little enough: first ways to find ranges, then layers in float.

Which layers stay float is not guessed from where they stand, but measured: those that lose most when
they alone are int8 (`compression.sensitivity`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from compression.sensitivity import Sensitivity, measure_layers
from export import parity

Views = NDArray[np.uint8]
Outputs = Sequence[dict[str, Any]]

TARGET = 0.0135
"""Wanted 99th percentile of the score difference. The gate asks for 0.02 at the worse end of its
interval, on other photos; this leaves it room."""

COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20)
"""How many of the most sensitive convolutions are tried in float, one after the other."""

METHODS = ("min_max", "mean_min_max", "percentile")
"""Ways to find ranges that are tried; entropy, which takes minutes, only where it is asked for."""

SENSITIVITY_PHOTOS = 48
"""Photos to measure each layer on: enough to order them, and there are half a hundred."""


class Quantizer(Protocol):
    """Makes int8 models of one float model.

    Attributes:
        methods: ways to find the range of an activation.
        layers: what each convolution is, in the order they run.
    """

    methods: tuple[str, ...]
    layers: tuple[str, ...]

    def quantize(self, method: str, float_layers: Collection[int] = ()) -> bytes: ...


@dataclass(frozen=True)
class Trial:
    """One way to quantize, and the largest score difference from float over photos.

    Attributes:
        method: how ranges were found.
        float_layers: places of the convolutions that stayed float.
        mean, p99, worst: over photos, of the largest difference among the scores.
        embedding_cosine: of the two embeddings, the smallest over photos.
    """

    method: str
    float_layers: tuple[int, ...]
    mean: float
    p99: float
    worst: float
    embedding_cosine: float


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found.

    Attributes:
        content: the model that was taken.
        chosen: its trial.
        trials: all, in the order they were tried.
        sensitivity: of each convolution, in the order they run.
    """

    content: bytes
    chosen: Trial
    trials: list[Trial]
    sensitivity: list[Sensitivity]


def search(
    quantizer: Quantizer,
    runtime: str,
    reference: Outputs,
    check: Sequence[Views],
    methods: Sequence[str] = METHODS,
    target: float = TARGET,
    counts: Iterable[int] = COUNTS,
) -> Found:
    """Take the best way to find ranges, leave ever more of the worst layers in float, give back who can.

    A float layer costs time, and what each loses alone does not tell what they lose together: when the
    target is met, each float layer is tried in int8 again, from the least sensitive one on.

    Args:
        reference: outputs of the float model on `check`.

    Returns:
        The model with the fewest float layers that meets the target, else the one that comes nearest.
    """
    trials: list[Trial] = []
    best: list[bytes] = []

    def attempt(method: str, layers: Collection[int], photos: int = len(check)) -> tuple[bytes, Trial]:
        content = quantizer.quantize(method, layers)
        outputs = run_all(f"model.int8.{runtime}", content, check[:photos])
        return content, compare_outputs(method, layers, reference[:photos], outputs)

    def rank(trial: Trial) -> tuple[bool, float, float]:
        missed = trial.p99 > target
        return (missed, trial.p99 if missed else len(trial.float_layers), trial.p99)

    def keep(content: bytes, trial: Trial) -> None:
        trials.append(trial)
        if min(trials, key=rank) is trial:
            best[:] = [content]

    for method in methods:
        keep(*attempt(method, ()))
    method = min(trials, key=rank).method
    sensitivity = measure_layers(
        quantizer.layers, lambda layers: attempt(method, layers, SENSITIVITY_PHOTOS)[1]
    )
    worst = [each.layer for each in sorted(sensitivity, key=lambda each: -each.mean)]
    for count in counts:
        if count >= len(worst) or min(trials, key=rank).p99 <= target:
            break
        keep(*attempt(method, sorted(worst[:count])))
    for layer in reversed(worst):
        needed = min(trials, key=rank)
        if layer in needed.float_layers and needed.p99 <= target:
            keep(*attempt(method, [each for each in needed.float_layers if each != layer]))
    return Found(best[0], min(trials, key=rank), trials, sensitivity)


def run_all(name: str, content: bytes, views: Iterable[Views]) -> list[dict[str, Any]]:
    """Outputs of a model for each photo."""
    run = parity.from_file(name, content)
    return [run(each) for each in views]


def compare_outputs(method: str, float_layers: Collection[int], exact: Outputs, small: Outputs) -> Trial:
    """How far int8 outputs are from float ones."""
    gaps = [np.abs(a["scores"] - b["scores"]).max() for a, b in zip(exact, small, strict=True)]
    cosines = [
        float(a["embedding"] @ b["embedding"])
        / float(np.linalg.norm(a["embedding"]) * np.linalg.norm(b["embedding"]))
        for a, b in zip(exact, small, strict=True)
    ]
    return Trial(
        method,
        tuple(float_layers),
        mean=float(np.mean(gaps)),
        p99=float(np.quantile(gaps, 0.99)),
        worst=float(np.max(gaps)),
        embedding_cosine=min(cosines),
    )
