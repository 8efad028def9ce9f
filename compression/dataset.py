"""A data set made ready for training: read, rendered, labelled, with progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compression import scenes
from compression.data import Photo, categories_of, hash_photos, read_photos, select
from compression.enlarged import enlarge
from compression.labels import Sample, prepare
from compression.progress import console, track
from compression.scenes import stock
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
        categories: what products can be, in the order of `Sample.category`.
        train, val: one list of samples a photo.
    """

    source: str
    sha256: str
    scenes: tuple[int, int]
    enlarged: tuple[int, int]
    categories: tuple[str, ...]
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
            "photos": (
                len(self.train) - self.scenes[0] - self.enlarged[0],
                len(self.val) - self.scenes[1] - self.enlarged[1],
            ),
            "scenes": self.scenes,
            "enlarged": self.enlarged,
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
        scenes: so many scenes are added to train and to val, and half as many enlarged photos.
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
    enlarged: list[int] = []
    for split, part, count in zip(("train", "val"), parts, scenes, strict=True):
        made = add_enlarged(part, split, count // 2, cache)
        part += add_scenes(part, split, count, cache) + made
        enlarged.append(len(made))
    prepared = label_photos([*parts[0], *parts[1]], attributes, cache, names)
    train = [samples for samples in prepared if samples and samples[0].photo < len(parts[0])]
    val = [samples for samples in prepared if samples and samples[0].photo >= len(parts[0])]
    name = "example and drawn photos" if source is None else source.name
    return Dataset(name, sha256, scenes, (enlarged[0], enlarged[1]), names, train, val)


def add_scenes(photos: Sequence[Photo], split: str, count: int, cache: Path) -> list[Photo]:
    """Make scenes of a split, with cut-outs from its own photos."""
    if not count:
        return []
    found = track(stock.find_cutouts(photos, cache, cores()), len(photos), f"cut-outs ({split})")
    cutouts = [cutout for cutout in found if cutout is not None]
    made = stock.make(split, count, cutouts, cache, cores())
    return list(track(made, count, f"scenes ({split}, {len(cutouts)} cut-outs)"))


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
