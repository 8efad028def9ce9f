"""Scenes as photos of a data set: made once, kept in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from compression.data import Photo
from compression.scenes import BACKGROUNDS, cut_out, draw
from compression.scenes.backgrounds import PLAIN
from compression.scenes.materials import Painted
from edge_iqa import image, opencv
from edge_iqa.errors import PhotoError
from edge_iqa.files import write_bytes

_VERSION = 1
"""Raise it when drawing changes: scenes of older versions are then left aside."""

WEB = ((600, 800), (800, 600), (800, 800), (1000, 1000), (900, 1200), (1200, 1600), (1600, 1200))
PHONE = ((1800, 2400), (2400, 1800), (3000, 4000), (4000, 3000))
"""Heights and widths: as shops show photos, and as phones take them (4 and 12 megapixels)."""

_PHONE_SHARE = 0.1
_FIRST_SEED = {"train": 10_000, "val": 40_000, "test": 70_000}
_FIRST_PAIR = {"train": 30_000, "val": 60_000}
GROUNDS = ("white", "gray")
"""What the two photos of a pair stand on."""


@dataclass(frozen=True, eq=False)
class Order:
    """One scene to make; `paired`: one of two that differ in the ground alone."""

    seed: int
    height_px: int
    width_px: int
    background: str
    fill: float | None
    cutouts: Sequence[Painted]
    paired: bool = False


def find_cutouts(photos: Sequence[Photo], cache: Path, jobs: int = 1) -> Iterator[Painted | None]:
    """Cut out what stands free on a plain light ground, one answer a photo: most give nothing."""
    tasks = [(photo.path, cache / "cutouts") for photo in photos]
    if jobs == 1:
        yield from map(_cut_one, tasks)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from pool.map(_cut_one, tasks, chunksize=16)


def make(split: str, count: int, cutouts: Sequence[Painted], cache: Path, jobs: int = 1) -> Iterator[Photo]:
    """Make `count` scenes of a split: drawn things and cut-outs, every background, web and phone sizes.

    Every second web scene shows cut-outs where there are any; give those of the same split alone.
    Scene N of a split is the same on every machine that has the same cut-outs.
    """
    orders = [_order(_FIRST_SEED[split] + index, cutouts) for index in range(count)]
    yield from _make(orders, split, cache, jobs)


def make_pairs(
    split: str, count: int, cutouts: Sequence[Painted], cache: Path, jobs: int = 1
) -> Iterator[Photo]:
    """Make `count` scenes twice, on white and then on gray: what a thing stands on must not move its score."""
    orders = []
    for seed in range(_FIRST_PAIR[split], _FIRST_PAIR[split] + count):
        rng = np.random.default_rng((seed, 2))
        height, width = WEB[int(rng.integers(len(WEB)))]
        fill = float(rng.uniform(0.3, 0.95))
        chosen = [cutouts[int(rng.integers(len(cutouts)))]] if cutouts and rng.random() < 0.5 else []
        orders += [Order(seed, height, width, ground, fill, chosen, paired=True) for ground in GROUNDS]
    yield from _make(orders, split, cache, jobs)


def background_of(photo: Photo) -> str:
    """What a scene that `make` made stands on."""
    return _order(int(photo.group.removeprefix("scene-")), ()).background


def _order(seed: int, cutouts: Sequence[Painted]) -> Order:
    rng = np.random.default_rng((seed, 1))
    phone = rng.random() < _PHONE_SHARE
    sizes = PHONE if phone else WEB
    height, width = sizes[int(rng.integers(len(sizes)))]
    background = str(rng.choice(("white", "white", "white", "gray", "gray", *BACKGROUNDS)))
    alone = background in PLAIN and rng.random() < 0.6
    fill = float(rng.uniform(0.12, 0.95)) if alone else None
    chosen: list[Painted] = []
    if cutouts and not phone and rng.random() < 0.5:
        many = 1 if alone else int(rng.choice((1, 2, 3, 6, 12)))
        chosen = [cutouts[int(at)] for at in rng.integers(0, len(cutouts), many)]
    return Order(seed, height, width, background, fill, chosen)


def _make(orders: Sequence[Order], split: str, cache: Path, jobs: int) -> Iterator[Photo]:
    tasks = [(order, split, cache / "scenes") for order in orders]
    if jobs == 1:
        yield from map(_make_one, tasks)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from pool.map(_make_one, tasks, chunksize=2)


def _make_one(task: tuple[Order, str, Path]) -> Photo:
    order, split, folder = task
    cv2 = opencv.load()
    # what a phone takes is too large to keep without loss
    suffix = ".png" if max(order.height_px, order.width_px) <= 1600 else ".jpg"
    kind = f"-pair-{order.background}" if order.paired else ""
    name = f"{split}{kind}-{order.seed}-{_VERSION}{_mark(order.cutouts)}"
    path, mask = folder / f"{name}{suffix}", folder / f"{name}-mask.png"
    if not (path.is_file() and mask.is_file()):
        scene = draw(order.seed, order.height_px, order.width_px, order.background, order.cutouts, order.fill)
        options = [cv2.IMWRITE_PNG_COMPRESSION, 1] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 98]
        write_bytes(path, cv2.imencode(suffix, scene.pixels[..., ::-1], options)[1].tobytes())
        write_bytes(mask, cv2.imencode(".png", scene.mask)[1].tobytes())
    # what is drawn is flawless by construction; a cut-out is worth what its photo was
    label = None if order.cutouts else 1.0
    return Photo(path, split, f"{'pair' if order.paired else 'scene'}-{order.seed}", label=label, mask=mask)


def _mark(cutouts: Sequence[Painted]) -> str:
    """What tells a scene of these products from one of others."""
    if not cutouts:
        return ""
    content = hashlib.sha256()
    for part in (part for cutout in cutouts for part in cutout):
        content.update(np.ascontiguousarray(part).tobytes())
    return f"-cut-{content.hexdigest()[:16]}"


def _cut_one(task: tuple[Path, Path]) -> Painted | None:
    """Cut one photo, or read from the cache what was cut before; an empty file says that nothing was."""
    cv2 = opencv.load()
    cv2.setNumThreads(1)
    path, folder = task
    try:
        encoded = path.read_bytes()
        kept = folder / f"{_VERSION}-{hashlib.sha256(encoded).hexdigest()}.png"
        if not kept.is_file():
            found = cut_out(image.read(encoded).pixels)
            both = None if found is None else np.dstack([found[0][..., ::-1], found[1]]) * 255
            png = b"" if both is None else cv2.imencode(".png", both.round().astype(np.uint8))[1].tobytes()
            write_bytes(kept, png)
        stored = kept.read_bytes()
    except (OSError, PhotoError):
        return None  # labelling names the photos that cannot be read
    if not stored:
        return None
    both = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_UNCHANGED).astype(np.float32) / 255
    return np.ascontiguousarray(both[..., 2::-1]), np.ascontiguousarray(both[..., 3])
