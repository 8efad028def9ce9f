"""A data set made ready for training: read, rendered, labelled, with progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from compression import scenes
from compression.data import Photo, categories_of, hash_photos, read_photos, select
from compression.enlarged import enlarge
from compression.labels import Sample, prepare
from compression.progress import console, track
from compression.scenes import stock
from compression.scenes.materials import Painted
from edge_iqa import opencv
from edge_iqa.backends.base import cores
from edge_iqa.errors import DataError
from edge_iqa.files import write_bytes

CACHE = Path(".cache")
EXAMPLES = Path(__file__).parents[1] / "examples" / "photos.csv"
_DRAWN = 96
VAL_PHOTOS = 150
"""Photos of val that training is judged on after each epoch."""
SCENES = 460
"""Scenes that the reference models were trained on beside photos."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Photos with their rendered and labelled variants.

    Attributes:
        source: where it came from, for the record.
        sha256: hash of contents and splits.
        scenes: how many scenes were added to train and to val.
        enlarged: how many enlarged photos were added to train and to val.
        pairs: how many scenes on white and on gray were added to train and to val.
        categories: what products can be, in the order of `Sample.category`.
        rated: of how many photos of train and of val people said what they think.
        train, val: one list of samples a photo; a pair of scenes is one.
    """

    source: str
    sha256: str
    scenes: tuple[int, int]
    enlarged: tuple[int, int]
    pairs: tuple[int, int]
    categories: tuple[str, ...]
    rated: tuple[int, int]
    train: list[list[Sample]]
    val: list[list[Sample]]

    @property
    def photos(self) -> int:
        """How many source photos there are, those that could not be read included: a free number."""
        return 1 + max(samples[0].photo for samples in [*self.train, *self.val])

    def describe(self) -> dict[str, Any]:
        """What a run's record says of its data."""
        return {
            "data": self.source,
            "data_sha256": self.sha256,
            "photos": tuple(
                len(part) - self.scenes[at] - self.enlarged[at] - self.pairs[at]
                for at, part in enumerate((self.train, self.val))
            ),
            "scenes": self.scenes,
            "enlarged": self.enlarged,
            "pairs": self.pairs,
            "categories": self.categories,
        }


def make_dataset(
    source: Path | None,
    attributes: Sequence[str],
    cache: Path = CACHE,
    limits: tuple[int | None, int | None] = (None, None),
    scenes: tuple[int, int] = (0, 0),
    categories: Sequence[str] | None = None,
) -> Dataset:
    """Read, render and label train and val photos; unreadable ones are named and left out.

    Args:
        source: CSV or folder; None takes the example photos and photos drawn by code.
        limits: at most so many photos of train and of val.
        scenes: so many scenes are added to train and to val, as many enlarged photos, and a quarter as many
            pairs of scenes.
        categories: names in the order of the model's output; None: those that train photos have.

    Raises:
        DataError: the source does not fit, or holds no photo of train or of val.
    """
    photos = read_default(cache) if source is None else read_photos(source)
    parts = [select(photos, split, limit) for split, limit in zip(("train", "val"), limits, strict=True)]
    for split, part in zip(("train", "val"), parts, strict=True):
        if not part:
            raise DataError(f"{source}: no photo in split {split!r}; give more photos, or a `split` column")
    names = categories_of(parts[0]) if categories is None else tuple(categories)
    sha256 = hash_photos([*parts[0], *parts[1]])
    train_rated, val_rated = (sum(photo.bounds != (0.0, 1.0) for photo in part) for part in parts)
    enlarged, pairs, sources = [], [], []
    for at, split in enumerate(("train", "val")):
        part = list(parts[at])
        made = add_enlarged(part, split, scenes[at], cache)
        enlarged.append(len(made))
        parts[at] += add_scenes(part, split, scenes[at], cache) + made
        parts[at] += add_pairs(part, split, scenes[at] // 4, cache)
    prepared = label_photos([*parts[0], *parts[1]], attributes, cache, names)
    for part, count in zip((prepared[: len(parts[0])], prepared[len(parts[0]) :]), scenes, strict=True):
        alone, joined = part[: len(part) - 2 * (count // 4)], _join_pairs(part, count // 4)
        sources.append([samples for samples in [*alone, *joined] if samples])
        pairs.append(sum(bool(samples) for samples in joined))
    name = "example and drawn photos" if source is None else source.name
    return Dataset(
        name,
        sha256,
        scenes,
        (enlarged[0], enlarged[1]),
        (pairs[0], pairs[1]),
        names,
        (train_rated, val_rated),
        *sources,
    )


def add_scenes(photos: Sequence[Photo], split: str, count: int, cache: Path) -> list[Photo]:
    """Make scenes of a split, with cut-outs from its own photos."""
    if not count:
        return []
    made = stock.make(split, count, _find_cutouts(photos, split, cache), cache, cores())
    return list(track(made, count, f"scenes ({split})"))


def add_pairs(photos: Sequence[Photo], split: str, count: int, cache: Path) -> list[Photo]:
    """Make scenes of a split twice, on white and on gray, one after the other."""
    if not count:
        return []
    made = stock.make_pairs(split, count, _find_cutouts(photos, split, cache), cache, cores())
    return list(track(made, 2 * count, f"on white and on gray ({split})"))


def _find_cutouts(photos: Sequence[Photo], split: str, cache: Path) -> list[Painted]:
    found = track(stock.find_cutouts(photos, cache, cores()), len(photos), f"cut-outs ({split})")
    return [cutout for cutout in found if cutout is not None]


def _join_pairs(prepared: list[list[Sample]], pairs: int) -> list[list[Sample]]:
    """Make one source of each of the pairs, which stand at the end; an empty one where none could be read."""
    paired = prepared[len(prepared) - 2 * pairs :]
    return [_join(white, gray) for white, gray in zip(paired[::2], paired[1::2], strict=True)]


def _join(white: list[Sample], gray: list[Sample]) -> list[Sample]:
    """One thing is worth the same on both grounds, though its outline measures softer on one of them."""
    if not white or not gray:
        return white or gray
    correction = white[0].target / np.maximum(gray[0].target, 1e-3)
    number = white[0].photo
    same = [replace(each, photo=number, target=np.minimum(each.target * correction, 1)) for each in gray]
    return [*white, *same]


def add_enlarged(photos: Sequence[Photo], split: str, count: int, cache: Path) -> list[Photo]:
    """Enlarge some photos of a split that nobody judged: people's word is on the photo as it was."""
    unjudged = [photo for photo in photos if photo.bounds == (0.0, 1.0)]
    if not count or not unjudged:
        return []
    return list(track(enlarge(unjudged, count, cache, cores()), count, f"enlarged ({split})"))


def label_photos(
    photos: Sequence[Photo],
    attributes: Sequence[str],
    cache: Path,
    categories: Sequence[str] = (),
    every_fault: bool = False,
    labelled: bool = True,
) -> list[list[Sample]]:
    """Render and label photos with a progress bar; an unreadable one gives an empty list and a line."""
    results: list[list[Sample]] = []
    prepared = prepare(photos, attributes, cache, cores(), categories, every_fault, labelled)
    for result in track(prepared, len(photos), "photos"):
        if not isinstance(result, list):
            console.print(f"left out: {result}")
        results.append(result if isinstance(result, list) else [])
    return results


def read_default(cache: Path) -> list[Photo]:
    """The photos that every checkout has: the clean examples, and scenes drawn by code.

    Drawn scenes are kept in the cache; scene number N is the same on every machine.
    """
    folder = cache / "drawn"
    cv2 = opencv.load()
    for seed in track(range(_DRAWN), _DRAWN, "drawn photos"):
        path = folder / f"{seed:03d}.png"
        if not path.is_file():
            pixels = scenes.draw(seed, height_px=480, width_px=640).pixels
            _, encoded = cv2.imencode(".png", pixels[..., ::-1])
            write_bytes(path, bytes(encoded))
    drawn = [
        Photo(folder / f"{seed:03d}.png", "val" if seed % 6 == 0 else "train", f"drawn-{seed}")
        for seed in range(_DRAWN)
    ]
    return [*read_photos(EXAMPLES), *drawn]
