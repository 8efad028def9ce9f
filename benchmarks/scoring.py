"""Score many renderings through `edge_iqa`, from encoded bytes, on all cores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from compression.progress import track
from edge_iqa import Inspector, backends, opencv
from edge_iqa.backends.base import cores
from edge_iqa.bundle import Bundle
from edge_iqa.codes import CODES
from edge_iqa.errors import DataError

T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True)
class Device:
    """What scores.

    Attributes:
        bundle: folder (None: the one in the package).
        backend: runtime (None: what a device takes).
        model: a model file in place of the one in use: one of the bundle's, or one beside it that takes and gives
            what the bundle's manifest says.
    """

    bundle: Path | None
    backend: str | None = None
    model: Path | None = None

    def open(self) -> Inspector:
        """An inspector of it.

        Raises:
            EdgeIqaError: the bundle or the model cannot be read, or do not fit.
        """
        if self.model is None:
            return Inspector.open(self.bundle, self.backend)
        bundle = Bundle.open(self.bundle)
        listed = {bundle.path.resolve() / entry.path: entry.path for entry in bundle.models}
        path = self.model.resolve()
        try:
            content = bundle.read(listed[path]) if path in listed else path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: the model could not be read ({error.strerror or error})") from error
        return Inspector(bundle, backends.open(content, path.suffix[1:]))


_inspector: Inspector | None = None


def score(encoded: bytes) -> Row:
    """Score one photo: score and attributes 0-1, verdict, cause (attribute of the first issue, or None), confidence 0-1
    (or None) of the verdict's side, category.
    """
    if _inspector is None:
        raise RuntimeError("score() runs inside score_all() alone")
    report = _inspector.inspect(encoded)
    first = report.issues[0].code if report.issues else None
    return {
        "score": report.score / 100,
        "attributes": {name: value / 100 for name, value in report.attributes.items()},
        "verdict": report.verdict.value,
        "cause": None if first is None else CODES[first].attribute,
        "confidence": report.confidence,
        "category": None if report.category is None else report.category.name,
    }


def score_all(device: Device, work: Callable[[T], list[Row]], tasks: Sequence[T], what: str) -> list[Row]:
    """Run `work`, which renders and scores, on every task; its rows in order, under a progress bar."""
    with ProcessPoolExecutor(cores(), get_context("spawn"), _open, (device,)) as pool:
        return [row for rows in track(pool.map(work, tasks), len(tasks), what) for row in rows]


def describe(device: Device) -> Row:
    """Name and hashes of what scores."""
    with device.open() as inspector:
        bundle, backend = inspector.bundle, inspector.backend
        return {
            "bundle": bundle.label,
            "manifest_sha256": bundle.manifest_sha256,
            "judging_sha256": bundle.judging_sha256,
            "model": bundle.manifest.in_use[backend.name] if device.model is None else device.model.name,
            "backend": backend.version,
            "runtime": backend.name,
            "thresholds": {
                "accept": bundle.manifest.thresholds.accept,
                "reject": bundle.manifest.thresholds.reject,
            },
            "categories": list(bundle.manifest.outputs.categories),
        }


def make_rng(*names: str) -> np.random.Generator:
    """A generator of these names alone: the same renderings in every run."""
    return np.random.default_rng(int(hashlib.sha256(" ".join(names).encode()).hexdigest()[:16], 16))


def _open(device: Device) -> None:
    global _inspector
    opencv.load().setNumThreads(1)
    _inspector = device.open()


def iterate_pairs(rows: Sequence[Row], key: str) -> Iterator[tuple[str, list[Row]]]:
    """Rows by the value of `key`, in the order of first appearance."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    yield from groups.items()
