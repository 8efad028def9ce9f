"""Int8 models are tried until one loses little enough: first ways to find ranges, then layers in float.

Which layers stay float is not guessed: those are tried that lose most, for the bytes they cost, when they
alone are int8 (`compression.sensitivity`), and the first ones, and time decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from compression.convolutions import Convolution
from compression.sensitivity import Sensitivity, measure_layers
from export import parity

Views = NDArray[np.uint8]
Outputs = Sequence[dict[str, Any]]

TARGET = 0.0135
"""Wanted 99th percentile of the score difference. The gate asks for 0.02 at the worse end of its
interval, on other photos; this leaves it room."""

COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24)
"""How many of the most sensitive convolutions are tried in float, one after the other."""

METHODS = ("min_max", "mean_min_max", "percentile")
"""Ways to find ranges that are tried; entropy, which takes minutes, only where it is asked for."""

FLOAT_BYTES = 3
"""What a weight costs in float besides its byte in int8."""

SENSITIVITY_PHOTOS = 48
"""Photos to measure each layer on: enough to order them, and there are half a hundred."""


class Quantizer(Protocol):
    """Makes int8 models of one float model.

    Attributes:
        methods: ways to find the range of an activation.
        layers: the convolutions, in the order they run.
    """

    methods: tuple[str, ...]
    layers: tuple[Convolution, ...]

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
    fastest: Callable[[Sequence[bytes]], int],
    methods: Sequence[str] = METHODS,
    target: float = TARGET,
    counts: Sequence[int] = COUNTS,
    most_bytes: float = math.inf,
) -> Found:
    """Take the best way to find ranges, then leave ever more layers in float until the target is met.

    Two sets are found: the worst layers, wherever they stand, and the first ones in a row. The worst are
    fewer, but each border between int8 and float costs a conversion: in ONNX Runtime, without VNNI, twelve
    scattered ones made a model slower than seventeen in a row. So the faster of the two is taken.

    The worst are those that lose most a weight: late layers hold most weights of a network and lose little,
    so that one of them in float can cost a file as much as all the early ones.

    Args:
        reference: outputs of the float model on `check`.
        fastest: models → place of the one that takes the least time.
        most_bytes: of the model; a layer that would make it larger stays int8.

    Returns:
        A model that meets the target, else the one that comes nearest.
    """
    attempts = _Attempts(quantizer, runtime, reference, check, target)
    for method in methods:
        attempts.make(method, ())
    method = attempts.best().method
    sensitivity = measure_layers(
        [each.name for each in quantizer.layers],
        lambda layers: attempts.measure(method, layers, SENSITIVITY_PHOTOS)[1],
    )
    chosen = attempts.best()
    if chosen.p99 > target:
        weights = [each.weights for each in quantizer.layers]
        room = most_bytes - len(attempts.contents[chosen])
        worst = _fit(_rank(sensitivity, weights), weights, room)
        found = [attempts.give_back(attempts.extend(method, worst, counts), worst)]
        found.append(attempts.extend(method, _fit(range(len(weights)), weights, room), counts))
        met = [trial for trial in found if trial.p99 <= target]
        chosen = attempts.best()
        if met:
            chosen = met[fastest([attempts.contents[trial] for trial in met])] if len(met) > 1 else met[0]
    return Found(attempts.contents[chosen], chosen, list(attempts.contents), sensitivity)


def _rank(sensitivity: Sequence[Sensitivity], weights: Sequence[int]) -> list[int]:
    """Layers, first the one that loses most a weight, above the least that any loses.

    That least is what all int8 models have in common, the heads' weights in int8 above all.
    """
    least = min(each.mean for each in sensitivity)
    worst = sorted(sensitivity, key=lambda each: (each.mean - least) / weights[each.layer], reverse=True)
    return [each.layer for each in worst]


def _fit(order: Iterable[int], weights: Sequence[int], room: float) -> list[int]:
    """Of layers in this order, those that can be float in so many bytes; one that cannot is passed over."""
    kept = []
    for layer in order:
        if FLOAT_BYTES * weights[layer] <= room:
            kept.append(layer)
            room -= FLOAT_BYTES * weights[layer]
    return kept


class _Attempts:
    """Models that were made, and what each lost.

    Attributes:
        contents: trial → model, in the order they were tried.
    """

    def __init__(
        self, quantizer: Quantizer, runtime: str, reference: Outputs, check: Sequence[Views], target: float
    ) -> None:
        self._quantizer, self._runtime = quantizer, runtime
        self._reference, self._check, self._target = reference, check, target
        self.contents: dict[Trial, bytes] = {}

    def measure(self, method: str, layers: Collection[int], photos: int) -> tuple[bytes, Trial]:
        """Make a model and compare it on so many photos."""
        content = self._quantizer.quantize(method, layers)
        outputs = run_all(f"model.int8.{self._runtime}", content, self._check[:photos])
        return content, compare_outputs(method, layers, self._reference[:photos], outputs)

    def make(self, method: str, layers: Collection[int]) -> Trial:
        """Make a model, compare it on all photos, and remember it."""
        content, trial = self.measure(method, layers, len(self._check))
        self.contents[trial] = content
        return trial

    def extend(self, method: str, order: Sequence[int], counts: Sequence[int]) -> Trial:
        """Leave ever more layers in float, in this order; the first trial that is good enough, or the best."""
        tried = []
        for count in counts:
            if not order or count >= len(self._quantizer.layers):
                break
            tried.append(self.make(method, sorted(order[:count])))
            if tried[-1].p99 <= self._target:
                return tried[-1]
            if count >= len(order):
                break
        return min(tried, key=lambda trial: trial.p99, default=self.best())

    def give_back(self, trial: Trial, worst: Sequence[int]) -> Trial:
        """Try each float layer in int8 again, the least sensitive first: together some are not needed."""
        for layer in reversed(worst):
            if trial.p99 <= self._target and layer in trial.float_layers:
                fewer = self.make(trial.method, [each for each in trial.float_layers if each != layer])
                trial = fewer if fewer.p99 <= self._target else trial
        return trial

    def best(self) -> Trial:
        """The trial that lost least."""
        return min(self.contents, key=lambda trial: (trial.p99, trial.mean))


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
