"""Samples of one split, scored by the model files as the device would: encoded bytes, views, runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from compression.data import Photo
from compression.dataset import add_scenes, label_photos
from compression.labels import Sample
from compression.progress import track
from compression.scenes import stock
from edge_iqa import backends, image, views
from edge_iqa.backends.base import Backend
from edge_iqa.errors import BackendError, DataError, GateError
from edge_iqa.luma import measure_luma
from edge_iqa.views import ViewSpec

_GROUPS = 2
"""Scenes drawn by code are no proof: with one group of photos, or none, nothing is measured."""
Floats = NDArray[np.floating[Any]]


class Judging(Protocol):
    """What must be known of models to score with them: a net tells it, and so do the files."""

    @property
    def spec(self) -> ViewSpec: ...
    @property
    def attributes(self) -> tuple[str, ...]: ...
    @property
    def categories(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one split, and the scores (n, 1+A) that each model gave them, by name.

    Attributes:
        groups: who sent each sample's photo, or its scene.
        kinds: category, degradation, background → the name of each sample's, "" where nobody knows it.
        luma: (n,) mean luma of each sample, 0-1, as the device measures it.
    """

    samples: list[Sample]
    groups: list[str]
    kinds: dict[str, list[str]]
    luma: Floats
    scores: dict[str, Floats]

    @property
    def labels(self) -> Floats:
        """Overall labels (n,)."""
        return np.array([sample.target[0] for sample in self.samples])


def score_split(
    photos: Sequence[Photo],
    split: str,
    student: Judging,
    files: Mapping[str, bytes],
    cache: Path,
    scenes: int,
    every_fault: bool = False,
) -> Split:
    """Score every variant of every photo and of some scenes with each artifact.

    Args:
        files: name, ending in `.onnx` or `.tflite` → content.
        scenes: how many are added to the photos.
        every_fault: see `variants.draw`.

    Raises:
        DataError: no photo of the split could be read, or all are of one group.
        GateError: a file does not run, or gives values that are no numbers.
    """
    if len({photo.group for photo in photos}) < _GROUPS:
        raise DataError(
            f"split {split!r}: expected photos of at least {_GROUPS} groups, whose spread makes the intervals, got "
            f"{len(photos)} photos; give more photos, or a `split` column"
        )
    added = add_scenes(photos, split, scenes, cache)
    everything = [*photos, *added]
    backgrounds = [*("photo" for _ in photos), *map(stock.background_of, added)]
    prepared = label_photos(everything, student.attributes, cache, student.categories, every_fault)
    samples = [sample for each in prepared for sample in each]
    if not samples:
        raise DataError(f"no readable photo in split {split!r}; give more photos, or a `split` column")
    kinds = {
        "category": [everything[sample.photo].category for sample in samples],
        "degradation": [_name_degradation(sample) for sample in samples],
        "background": [backgrounds[sample.photo] for sample in samples],
    }
    luma, scores = _run_files(samples, student, files)
    return Split(samples, [everything[sample.photo].group for sample in samples], kinds, luma, scores)


def _name_degradation(sample: Sample) -> str:
    """`clean`, the only fault, or `mixture`: each mixture by itself would be a slice of one."""
    return sample.variant.fault or ("mixture" if sample.variant.steps else "clean")


def _run_files(
    samples: Sequence[Sample], student: Judging, files: Mapping[str, bytes]
) -> tuple[Floats, dict[str, Floats]]:
    """Mean luma (n,) of samples, and file → scores (n, 1+A)."""
    opened = {name: backends.open(content, name.rpartition(".")[2]) for name, content in files.items()}
    scores: dict[str, list[Floats]] = {name: [] for name in opened}
    luma = []
    for sample in track(samples, len(samples), "scores"):
        frame = image.read(sample.path, long_side_px=student.spec.long_side_px)
        cut = views.cut(frame, student.spec)
        luma.append(measure_luma(frame).mean)
        for name, backend in opened.items():
            scores[name].append(_run(name, backend, cut, sample))
    for backend in opened.values():
        backend.close()
    return np.array(luma), {name: np.stack(values) for name, values in scores.items()}


def _run(name: str, backend: Backend, cut: NDArray[np.uint8], sample: Sample) -> Floats:
    try:
        return backend.run(cut).scores
    except BackendError as error:
        raise GateError(f"{name}: expected scores for {sample.path}, and none came: {error}") from error
