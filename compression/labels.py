"""What each variant is worth, 0-1 on one scale for all contents.

There are no rated product photos to train on, so the truth is built from three things:

- what full-reference metrics see of the faults (`fidelity`): they know that blur hardly shows on a
  smooth cup;
- the severities, which know the order of faults that metrics undervalue (coding, resolution, color);
- what the source photo was worth before (`sources`), or what people said of it.

The overall label is the product of the attributes, so that a low one always has a cause.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from compression.data import Photo
from compression.degradations import FAULTS
from compression.fidelity import Fidelity, FidelityCache, Reference, key
from compression.sources import SourceQuality, assess
from compression.variants import FULL_PX, Variant, draw, render
from edge_iqa import image, opencv
from edge_iqa.errors import PhotoError, PhotoSizeError

_UNTOUCHED = 0.035
"""Impairment that the closing JPEG pass alone gives a clean copy, on average."""
_UNSURE = 0.05
"""A loss (in logarithms) that is measured as well as this weighs as much as the chance of any other cause."""
_LOWEST = 1e-3
"""A logarithm of a quality goes no lower: below what a source with every fault at its worst is worth."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One rendered variant with its label.

    Attributes:
        path: JPEG file.
        photo: index of its source in the data set.
        variant: faults and severities.
        target: float32 (1+A,), overall first, 0-1, higher is better.
        category: index of what the product is; -1 where nobody said.
    """

    path: Path
    photo: int
    variant: Variant
    target: NDArray[np.float32]
    category: int = -1


@dataclass(frozen=True)
class Task:
    """What to render and label of one photo."""

    index: int
    photo: Photo
    attributes: tuple[str, ...]
    category: int
    cache: Path
    every_fault: bool = False
    labelled: bool = True


def label(
    impairment: float,
    variant: Variant,
    attributes: Sequence[str],
    source: SourceQuality,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> NDArray[np.float32]:
    """Turn what is known of one variant into its target.

    Args:
        impairment: of the variant against its source, 0-1.
        attributes: names of the attributes wanted.
        source: what the source is worth.
        bounds: interval in which people say the source's overall quality lies.

    Returns:
        float32 (1+A,): overall, then each attribute.
    """
    losses = [(FAULTS[name].attribute, 1 - FAULTS[name].worst * severity) for name, severity in variant.steps]
    kept = math.prod(share for _, share in losses)
    seen = min(1.0, max(0.0, (impairment - _UNTOUCHED) / (1 - _UNTOUCHED)))
    quality = 1 - _blend(1 - kept, seen) if losses else 1.0
    measured = source.overall
    overall = min(bounds[1], max(bounds[0], measured))
    target = _share_out(overall, {name: getattr(source, name, 1.0) for name in attributes}, measured)
    for cause, share in losses:
        if cause in target:
            target[cause] *= quality ** (math.log(share) / math.log(kept) if kept < 1 else 1 / len(losses))
    return np.array([overall * quality, *(target[name] for name in attributes)], np.float32)


def _share_out(overall: float, found: dict[str, float], measured: float) -> dict[str, float]:
    """Attributes of a source whose overall quality is given: people know better than what was measured.

    What they think better shrinks every loss. What they think worse falls on the causes that were found,
    by how much each took; the less was found, the more evenly.
    """
    given = -math.log(max(overall, _LOWEST))
    took = {name: -math.log(value) for name, value in found.items()}
    total = -math.log(measured)
    if given < total:
        return {name: math.exp(-loss * given / total) for name, loss in took.items()}
    even = sum(took.values()) + _UNSURE * len(took)
    return {name: math.exp(-loss - (given - total) * (loss + _UNSURE) / even) for name, loss in took.items()}


def _blend(severe: float, seen: float) -> float:
    """What is lost: the mean of what the severities say and of what the metrics see.

    Where the metrics see less than half of it, the severities lose their say: gray shoes are none the
    worse for being faded.
    """
    say = 0.5 * min(1.0, 2 * seen / severe) if severe else 0.5
    return say * severe + (1 - say) * seen


def prepare(
    photos: Sequence[Photo],
    attributes: Sequence[str],
    cache: Path,
    jobs: int = 1,
    categories: Sequence[str] = (),
    every_fault: bool = False,
    labelled: bool = True,
) -> Iterator[list[Sample] | PhotoError]:
    """Render and label every photo, in order; a photo that cannot be read yields its error.

    Args:
        cache: folder for renderings and metrics; a second run reads both from there.
        jobs: processes.
        categories: names, in the order of the model's output.
        every_fault: see `variants.draw`.
        labelled: False leaves targets unknown (NaN): a teacher will judge.
    """
    numbers = {name: number for number, name in enumerate(categories)}
    tasks = [
        Task(index, photo, tuple(attributes), numbers.get(photo.category, -1), cache, every_fault, labelled)
        for index, photo in enumerate(photos)
    ]
    if jobs == 1:
        yield from map(_prepare_one, tasks)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from pool.map(_prepare_one, tasks, chunksize=4)


def _prepare_one(task: Task) -> list[Sample] | PhotoError:
    torch.set_num_threads(1)  # one process a core already
    opencv.load().setNumThreads(1)
    photo = task.photo
    try:
        encoded = photo.path.read_bytes()
        variants = draw(hashlib.sha256(encoded).hexdigest(), task.every_fault)
        paths = render(photo, variants, task.cache)
        if not task.labelled:
            unknown = np.full(1 + len(task.attributes), np.nan, np.float32)
            pairs = zip(paths, variants, strict=True)
            return [Sample(path, task.index, variant, unknown, task.category) for path, variant in pairs]
        pixels = image.read(encoded, long_side_px=FULL_PX).pixels
        mask = None if photo.mask is None else image.read(photo.mask, long_side_px=FULL_PX).pixels[..., 0]
        if mask is not None and mask.shape != pixels.shape[:2]:
            raise PhotoSizeError(
                f"{photo.mask}: expected a mask as large as {photo.path.name}, "
                f"{pixels.shape[1]}x{pixels.shape[0]}, got {mask.shape[1]}x{mask.shape[0]}"
            )
        source = assess(pixels, mask, photo.enlarged)
        impairments = [each.impairment for each in _compare(encoded, pixels, mask, paths, task.cache)]
    except PhotoError as error:
        return error
    return [
        Sample(
            path,
            task.index,
            variant,
            label(impairment, variant, task.attributes, source, photo.bounds),
            task.category,
        )
        for path, variant, impairment in zip(paths, variants, impairments, strict=True)
    ]


def _compare(
    encoded: bytes,
    pixels: NDArray[np.uint8],
    mask: NDArray[np.uint8] | None,
    paths: Sequence[Path],
    cache: Path,
) -> list[Fidelity]:
    """Compare every variant with its source, from the cache where it is known."""
    store = FidelityCache(cache / "fidelity.sqlite")
    try:
        rendered = [path.read_bytes() for path in paths]
        keys = [key(encoded, each, *([] if mask is None else [mask.tobytes()])) for each in rendered]
        values = [store.get(each) for each in keys]
        if None in values:
            reference = Reference(pixels, mask)
            values = [
                value or reference.compare(image.read(each, long_side_px=FULL_PX).pixels)
                for value, each in zip(values, rendered, strict=True)
            ]
            store.put(zip(keys, values, strict=True))
        return values
    finally:
        store.close()
