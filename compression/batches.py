"""Samples → batches of views, cut by the device's own code, one batch ahead of the training step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from compression import processes
from compression.labels import Sample
from compression.train_config import TrainConfig
from edge_iqa import image, views
from edge_iqa.views import ViewSpec

_AHEAD = 1
"""Batches cut while the model trains on another."""
_MOST_SHIFT_PX = 24
Change = tuple[NDArray[np.int_], bool]
"""What training does to the views of a sample: pixels that details move by, (detail, 2); mirrored."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Views and truth of several samples.

    Attributes:
        views: uint8 (B, V, S, S, 3).
        targets: float32 (B, 1+A), 0-1.
        photos: int64 (B,), the source photo of each sample.
        categories: int64 (B,), what the product is; -1 where nobody said.
    """

    views: Tensor
    targets: Tensor
    photos: Tensor
    categories: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, each.name).to(device) for each in fields(self)))


def training_batches(
    photos: Sequence[Sequence[Sample]],
    spec: ViewSpec,
    config: TrainConfig,
    epoch: int,
    first: int = 0,
    part: tuple[int, int] | None = None,
) -> Iterator[Batch]:
    """Yield one epoch: photos in random order, some variants of each, mirrored and shifted at random.

    The order and every random choice depend on seed, epoch and step alone: a resumed run that
    starts at step `first` sees just what the killed one would have seen, and the shares of several
    processes are together what one process would have seen.

    Args:
        part: share 0, 1, ... of how many of each step's photos to yield, an empty batch where that is
            none; by default what falls to this process.
    """
    if epoch < config.small_epochs:
        spec = replace(spec, size_px=min(spec.size_px, config.small_px))
    share, shares = part or (processes.rank(), processes.count())
    seed, photos_per_step = (config.seed, epoch), config.photos_per_step
    order = np.random.default_rng(seed).permutation(len(photos))
    steps = range(first, count_steps(len(photos), photos_per_step))

    def make(step: int) -> Batch:
        rng = np.random.default_rng((*seed, step))
        chosen: list[tuple[Sample, bool]] = []
        for place, index in enumerate(order[step * photos_per_step : (step + 1) * photos_per_step]):
            variants = photos[index]
            # clean ones always (a scene on two grounds has two): every other is to be told from them
            clean = [at for at, sample in enumerate(variants) if not sample.variant.steps]
            spoiled = [at for at in range(len(variants)) if at not in clean]
            picked = [*clean, *rng.permutation(spoiled)][: config.variants_per_photo]
            chosen += [(variants[i], place % shares == share) for i in picked]
        # drawn for all, so that our own come out as in one process
        drawn = [(sample, ours, _draw_change(spec, rng)) for sample, ours in chosen]
        made = [(sample, _cut(sample, spec, change)) for sample, ours, change in drawn if ours]
        if made:
            return _stack([cut for _, cut in made], [sample for sample, _ in made])
        sample, _, change = drawn[0]
        other = _stack([_cut(sample, spec, change)], [sample])
        return Batch(*(getattr(other, each.name)[:0] for each in fields(other)))

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
        yield _stack(
            [views.cut(image.read(sample.path, long_side_px=spec.long_side_px), spec) for sample in chosen],
            chosen,
        )


def fit_views(views: Tensor, spec: ViewSpec) -> Tensor:
    """Derive the views of a model from those cut for a hungrier one, so that both see one augmentation.

    Args:
        views: uint8 (B, V, S, S, 3), cut with at least as many views as `spec` asks for.

    Returns:
        uint8 (B, spec.count, s, s, 3): the whole is shrunk; details are the middle of the first ones.
        Views smaller than those of `spec` (early epochs train on such) keep their size.
    """
    given = views.shape[2]
    size = min(spec.size_px, given)
    if (spec.count, size) == (views.shape[1], given):
        return views
    if spec.count > views.shape[1]:
        raise ValueError(f"expected at least {spec.count} views, got {views.shape[1]}")
    whole = F.interpolate(views[:, 0].permute(0, 3, 1, 2).float(), (size, size), mode="area")
    edge = (given - size) // 2
    details = views[:, 1 : spec.count, edge : edge + size, edge : edge + size]
    return torch.cat([whole.round().to(torch.uint8).permute(0, 2, 3, 1)[:, None], details], 1)


def widest(*specs: ViewSpec) -> ViewSpec:
    """The views to cut so that `fit_views` can serve every model.

    Raises:
        ValueError: the models look at different viewing scales.
    """
    scales = {spec.long_side_px for spec in specs}
    if len(scales) > 1:
        raise ValueError(f"expected one viewing scale for teacher and student, got {sorted(scales)} px")
    return ViewSpec(max(s.size_px for s in specs), max(s.detail for s in specs), scales.pop())


def _draw_change(spec: ViewSpec, rng: np.random.Generator) -> Change:
    shifts = rng.integers(-_MOST_SHIFT_PX, _MOST_SHIFT_PX + 1, (spec.detail, 2))
    return shifts, bool(rng.random() < 0.5)


def _cut(sample: Sample, spec: ViewSpec, change: Change) -> NDArray[np.uint8]:
    shifts, mirrored = change
    cut = views.cut(image.read(sample.path, long_side_px=spec.long_side_px), spec, shifts)
    return cut[:, :, ::-1] if mirrored else cut


def _stack(cuts: Sequence[NDArray[np.uint8]], samples: Sequence[Sample]) -> Batch:
    return Batch(
        torch.from_numpy(np.stack(cuts)),
        torch.from_numpy(np.stack([sample.target for sample in samples])),
        torch.tensor([sample.photo for sample in samples]),
        torch.tensor([sample.category for sample in samples]),
    )
