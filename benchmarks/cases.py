"""Listings drawn and measured: each becomes a case, what is true of it beside what was measured."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compression import listings
from compression.data import Photo
from compression.listings import Truth, enlarging
from compression.progress import track
from edge_iqa import Inspector, image, opencv
from edge_iqa.backends.base import cores

Inspect = Callable[[bytes], Any]
"""A file → what a `Report` says of it: `measurements` by name, each with `value`, `mask`, `issues` with `code`."""


@dataclass(frozen=True)
class Task:
    """One photo to make: a listing of a seed, or a real photo enlarged or not.

    Attributes:
        part: which question it is for.
        photo: a real photo; None: a listing is drawn.
    """

    part: str
    seed: int
    fault: str | None = None
    background: str | None = None
    photo: Photo | None = None


@dataclass(frozen=True)
class Case:
    """One photo, measured.

    Attributes:
        truth: fields of `Truth` but for the mask.
        values: measured values by name; a name that is absent could not be measured.
        codes: causes and hints of the report, by the policy for everybody.
        iou: of the product found with the true one, 0 to 1; 0 where none was found.
        confidence: that the outline was found.
        found: background by the mask: "light", "plain" or "none".
    """

    part: str
    group: str
    truth: Mapping[str, Any]
    values: Mapping[str, float]
    codes: frozenset[str]
    iou: float
    confidence: float
    found: str


def plan(scenes: int, seeds: Sequence[int]) -> list[Task]:
    """Listings for every question; no two share a seed.

    "white" and "any" get `scenes` photos without a fault, gray and sweep half as many each, every fault half as
    many on any background, and product faults half as many on plain ones.
    """
    half = max(2, scenes // 2)
    wanted: list[tuple[str, int, str | None, tuple[str | None, ...]]] = [
        ("white", scenes, None, ("white",)),
        ("any", scenes, None, (None,)),
        ("plain", scenes, None, ("gray", "sweep")),
        *((fault, half, fault, (None,)) for fault in listings.FAULTS),
        *((f"{fault}, plain", half, fault, listings.PLAIN) for fault in ("cut_off", "over_exposed")),
    ]
    tasks, seed = [], iter(seeds)
    for part, count, fault, grounds in wanted:
        tasks += [Task(part, next(seed), fault, grounds[at % len(grounds)]) for at in range(count)]
    return tasks


def plan_photos(photos: Sequence[Photo], first_seed: int) -> list[Task]:
    """Every real photo twice: shrunk to an original that is sharp for sure, and that enlarged."""
    return [
        Task(part, first_seed + at, "upscaled" if part == "photos, enlarged" else None, None, photo)
        for at, photo in enumerate(photos)
        for part in ("photos, original", "photos, enlarged")
    ]


def measure_all(tasks: Sequence[Task], what: str = "listings") -> list[Case]:
    """Draw and measure on all cores, under a progress bar; cases in order."""
    with ProcessPoolExecutor(cores(), get_context("spawn"), _use_one_thread) as pool:
        return list(track(_map(pool, tasks), len(tasks), what))


def _map(pool: ProcessPoolExecutor, tasks: Sequence[Task]) -> Iterator[Case]:
    yield from pool.map(look, tasks, chunksize=4)


def _use_one_thread() -> None:
    opencv.load().setNumThreads(1)


def look(task: Task, inspect: Inspect | None = None) -> Case:
    """Make the photo of a task and inspect it (None: as the device does) from its encoded bytes."""
    jpeg, truth = _make(task)
    found = (inspect or _open_inspector().inspect)(jpeg)
    known = {name: value for name, value in vars(truth).items() if name != "mask"}
    group = str(task.seed) if task.photo is None else task.photo.group
    values = {name: float(each.value) for name, each in found.measurements.items()}
    codes = frozenset(issue.code for issue in found.issues)
    iou = overlap(truth.mask, found.mask.product)
    return Case(
        task.part, group, known, values, codes, iou, float(found.mask.confidence), found.mask.background
    )


@functools.cache
def _open_inspector() -> Inspector:
    """One a process."""
    return Inspector.open()


def _make(task: Task) -> tuple[bytes, Truth]:
    if task.photo is None:
        listing = listings.draw_listing(task.seed, task.fault, background=task.background)
        return listing.jpeg, listing.truth
    rng = np.random.default_rng((task.seed, 5))
    pixels = enlarging.make_original(image.read(task.photo.path).pixels)
    factor = 1.0
    if task.fault is not None:
        height, width = pixels.shape[:2]
        factor = enlarging.choose_factor(rng)
        pixels, _ = enlarging.enlarge(rng, pixels, round(height * factor), round(width * factor))
    nothing = np.zeros(pixels.shape[:2], np.uint8)
    truth = Truth(task.seed, task.fault, "photo", nothing, products=1, upscaled=factor)
    return listings.encode(pixels, truth).jpeg, truth


def overlap(true: NDArray[np.uint8], found: NDArray[np.bool_]) -> float:
    """Intersection over union in the pixels of `found`; 0 where either is empty."""
    cv2 = opencv.load()
    same = cv2.resize(true, found.shape[1::-1], interpolation=cv2.INTER_AREA) > 127
    return float((same & found).sum() / max(1, (same | found).sum()))
