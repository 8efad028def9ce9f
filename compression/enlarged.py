"""Photos that were enlarged before they came to us: large, natural, and without the detail their size promises.

Source photos are small; scenes are drawn. Only these show cloth, fruit and bottles at the sizes of a
phone. They are worth less from the start: `sources.assess` is told how much they were enlarged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from compression.data import Photo
from edge_iqa import image, opencv
from edge_iqa.errors import PhotoError
from edge_iqa.files import write_bytes

_VERSION = 1
"""Raise it when enlarging changes: files of older versions are then left aside."""

LONG_SIDE_PX = (640, 1600)
_SHRINK = (1.0, 2.5)
"""Half of the photos lose pixels first: what was enlarged was no larger than a thumbnail."""
_QUALITY = (80, 97)
"""JPEG quality of the small one: what is at fault is its size."""


def enlarge(photos: Sequence[Photo], count: int, cache: Path, jobs: int = 1) -> Iterator[Photo]:
    """Enlarge `count` photos spread evenly over the list.

    How much depends on a photo's content alone: every run sees the same. One that cannot be read, or is
    as large as it would become, is left out.
    """
    places = range(min(count, len(photos)))
    tasks = [(photos[at * len(photos) // len(places)], cache / "enlarged") for at in places]
    if jobs == 1:
        yield from filter(None, map(_enlarge_one, tasks))
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from filter(None, pool.map(_enlarge_one, tasks, chunksize=4))


def _enlarge_one(task: tuple[Photo, Path]) -> Photo | None:
    photo, folder = task
    cv2 = opencv.load()
    cv2.setNumThreads(1)
    try:
        encoded = photo.path.read_bytes()
        sha256 = hashlib.sha256(encoded).hexdigest()
        rng = np.random.default_rng((_VERSION, int(sha256[:16], 16)))
        pixels = image.read(encoded).pixels
    except (OSError, PhotoError):
        return None  # labelling names the photos that cannot be read
    height, width = pixels.shape[:2]
    shrink = float(rng.uniform(*_SHRINK)) if rng.random() < 0.5 else 1.0
    small_size = max(32, round(width / shrink)), max(32, round(height / shrink))
    goal_px = float(np.exp(rng.uniform(*np.log(LONG_SIDE_PX))))
    factor = goal_px / max(small_size)
    if factor <= 1:
        return None  # large enough to show what enlarged ones are made for
    kernel = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)[int(rng.integers(4))]
    quality = int(rng.integers(*_QUALITY))
    path = folder / f"{_VERSION}-{sha256}.jpg"
    if not path.is_file():
        small = cv2.resize(pixels, small_size, interpolation=cv2.INTER_AREA)
        _, coded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        size = round(small_size[0] * factor), round(small_size[1] * factor)
        large = cv2.resize(cv2.imdecode(coded, cv2.IMREAD_COLOR), size, interpolation=kernel)
        write_bytes(path, cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 97])[1].tobytes())
    return replace(photo, path=path, label=None, accepted=None, mask=None, enlarged=factor)
