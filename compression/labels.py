"""What each variant is worth: full-reference metrics against its source, mapped to 0-1.

There are no rated product photos to train on, so the truth is built. Half of a label is what two
metrics that agree well with people say (HaarPSI, Reisenhofer et al. 2018, arXiv:1607.06140; MDSI,
Nafchi et al. 2016, arXiv:1608.07433): they know that blur hardly shows on a smooth cup. The other
half is the severity: it knows the order of faults that metrics undervalue (light, compression).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from compression.data import Photo
from compression.degradations import FAULTS
from compression.variants import Variant, draw, render
from edge_iqa import image
from edge_iqa.errors import PhotoError

_VERSION = "haarpsi+mdsi, piq 0.8, 1"
_HAARPSI = (0.40, 0.99)
_MDSI = (0.47, 0.13)
"""Metric values that count as 0 and as 1: about the 2nd and 98th percentile over the training
photos' variants, so that both metrics use the whole scale."""


@dataclass(frozen=True)
class Metrics:
    """Raw full-reference values: HaarPSI 0-1, higher is better; MDSI 0-1, lower is better."""

    haarpsi: float
    mdsi: float


@dataclass(frozen=True, eq=False)
class Sample:
    """One rendered variant with its label.

    Attributes:
        path: JPEG file.
        photo: index of its source in the data set.
        variant: fault and severity.
        target: float32 (1+A,), overall first, 0-1, higher is better.
    """

    path: Path
    photo: int
    variant: Variant
    target: NDArray[np.float32]


class MetricCache:
    """Metrics by content hash of reference and variant, in one SQLite file: a kill loses nothing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS metrics (key TEXT PRIMARY KEY, haarpsi REAL, mdsi REAL)")

    def get(self, key: str) -> Metrics | None:
        row = self._db.execute("SELECT haarpsi, mdsi FROM metrics WHERE key = ?", (key,)).fetchone()
        return Metrics(*row) if row else None

    def put(self, values: Iterable[tuple[str, Metrics]]) -> None:
        rows = [(key, value.haarpsi, value.mdsi) for key, value in values]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)", rows)

    def count(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM metrics").fetchone()[0])

    def close(self) -> None:
        self._db.close()


def label(
    metrics: Metrics, variant: Variant, attributes: Sequence[str], source: float | None = None
) -> NDArray[np.float32]:
    """Turn metrics and severity into the target of one variant.

    Args:
        source: a person's rating of the source photo, 0-1, where there is one: it caps the overall
            label of every variant. Without one the source counts as 1.

    Returns:
        float32 (1+A,): the overall label, then each attribute: the overall label for the attribute
        that the fault lowers, 1 for the others.
    """
    seen = (_rescale(metrics.haarpsi, *_HAARPSI) + _rescale(metrics.mdsi, *_MDSI)) / 2
    overall = (seen + 1 - variant.severity) / 2 if variant.fault else 1.0
    target = np.ones(1 + len(attributes), np.float32)
    target[0] = overall * (1.0 if source is None else source)
    if variant.fault and (cause := FAULTS[variant.fault].attribute) in attributes:
        target[1 + attributes.index(cause)] = overall
    return target


def prepare(
    photos: Sequence[Photo], attributes: Sequence[str], cache: Path, jobs: int = 1
) -> Iterator[list[Sample] | PhotoError]:
    """Render and label every photo, in order; a photo that cannot be read yields its error.

    Args:
        cache: folder for renderings and metrics; a second run reads both from there.
        jobs: processes.
    """
    tasks = [(index, photo, tuple(attributes), cache) for index, photo in enumerate(photos)]
    if jobs == 1:
        yield from map(_prepare_one, tasks)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from pool.map(_prepare_one, tasks, chunksize=4)


def measure(reference: NDArray[np.uint8], degraded: NDArray[np.uint8]) -> Metrics:
    """Compare a variant with its source; both uint8 HxWx3, RGB, of one size, at least 64 px a side."""
    from compression import torchvision_compat  # noqa: F401 (piq imports torchvision; this goes first)
    import piq  # isort: skip

    pair = [torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255 for pixels in (degraded, reference)]
    return Metrics(float(piq.haarpsi(*pair)), float(piq.mdsi(*pair)))


def _prepare_one(task: tuple[int, Photo, tuple[str, ...], Path]) -> list[Sample] | PhotoError:
    index, photo, attributes, cache = task
    torch.set_num_threads(1)  # one process a core already
    try:
        encoded = photo.path.read_bytes()
        variants = draw(hashlib.sha256(encoded).hexdigest())
        paths = render(photo, variants, cache)
        metrics = _measure_all(encoded, paths, cache)
    except PhotoError as error:
        return error
    return [
        Sample(path, index, variant, label(value, variant, attributes, photo.label))
        for path, variant, value in zip(paths, variants, metrics, strict=True)
    ]


def _measure_all(encoded: bytes, paths: Sequence[Path], cache: Path) -> list[Metrics]:
    store = MetricCache(cache / "metrics.sqlite")
    try:
        rendered = [path.read_bytes() for path in paths]
        keys = [_key(encoded, each) for each in rendered]
        values = [store.get(key) for key in keys]
        if None in values:
            reference = image.read(encoded).pixels
            values = [
                value or measure(reference, image.read(each).pixels)
                for value, each in zip(values, rendered, strict=True)
            ]
            store.put(zip(keys, values, strict=True))
        return values
    finally:
        store.close()


def _key(reference: bytes, degraded: bytes) -> str:
    digest = hashlib.sha256(_VERSION.encode())
    digest.update(hashlib.sha256(reference).digest() + hashlib.sha256(degraded).digest())
    return digest.hexdigest()


def _rescale(value: float, worst: float, best: float) -> float:
    return min(1.0, max(0.0, (value - worst) / (best - worst)))
