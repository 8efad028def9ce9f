"""Samples → batches of views, cut by the device's own code, one batch ahead of the training step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compression.labels import Sample
from compression.recipe import TrainConfig
from edge_iqa import image, views
from edge_iqa.views import ViewSpec

_AHEAD = 1
"""Batches cut while the model trains on another."""
_MOST_SHIFT_PX = 24


@dataclass(frozen=True, eq=False)
class Batch:
    """Views and truth of several samples.

    Attributes:
        views: uint8 (B, V, S, S, 3).
        targets: float32 (B, 1+A), 0-1.
        photos: int64 (B,), the source photo of each sample.
    """

    views: Tensor
    targets: Tensor
    photos: Tensor


def training_batches(
    photos: Sequence[Sequence[Sample]],
    spec: ViewSpec,
    config: TrainConfig,
    epoch: int,
    first: int = 0,
) -> Iterator[Batch]:
    """Yield one epoch: photos in random order, some variants of each, mirrored and shifted at random.

    The order and every random choice depend on seed, epoch and step alone: a resumed run that
    starts at step `first` sees just what the killed one would have seen.
    """
    seed, photos_per_step = (config.seed, epoch), config.photos_per_step
    order = np.random.default_rng(seed).permutation(len(photos))
    steps = range(first, count_steps(len(photos), photos_per_step))

    def make(step: int) -> Batch:
        rng = np.random.default_rng((*seed, step))
        chosen = []
        for index in order[step * photos_per_step : (step + 1) * photos_per_step]:
            variants = photos[index]
            picked = rng.permutation(len(variants))[: config.variants_per_photo]
            chosen += [variants[i] for i in picked]
        return _stack([_cut_at_random(sample, spec, rng) for sample in chosen], chosen)

    with ThreadPoolExecutor(1) as ahead:
        waiting: deque[Future[Batch]] = deque()
        for step in steps:
            waiting.append(ahead.submit(make, step))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def count_steps(photos: int, photos_per_step: int) -> int:
    """Number of steps in an epoch; the last one may be smaller."""
    return -(-photos // photos_per_step)


def evaluation_batches(samples: Sequence[Sample], spec: ViewSpec, size: int = 16) -> Iterator[Batch]:
    """Yield all samples in order, with their views where the device would place them."""
    for start in range(0, len(samples), size):
        chosen = samples[start : start + size]
        yield _stack([views.cut(image.read(sample.path), spec) for sample in chosen], chosen)


def _cut_at_random(sample: Sample, spec: ViewSpec, rng: np.random.Generator) -> NDArray[np.uint8]:
    shifts = rng.integers(-_MOST_SHIFT_PX, _MOST_SHIFT_PX + 1, (spec.detail, 2))
    cut = views.cut(image.read(sample.path), spec, shifts)
    return cut[:, :, ::-1] if rng.random() < 0.5 else cut


def _stack(cuts: Sequence[NDArray[np.uint8]], samples: Sequence[Sample]) -> Batch:
    return Batch(
        torch.from_numpy(np.stack(cuts)),
        torch.from_numpy(np.stack([sample.target for sample in samples])),
        torch.tensor([sample.photo for sample in samples]),
    )
