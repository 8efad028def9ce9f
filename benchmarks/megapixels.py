"""Photos of any number of megapixels, made from real ones and kept as files.

A photo that has the pixels of the largest size is shrunk to every size. Where none has, real photos are laid side by
side at their own pixels, so that each pixel has as much to decode as a camera's; enlarging one would not give that. A
series is of one kind at all sizes: shrinking packs more into a pixel. Every photo says in its name how it was made.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.encodings import FORMATS, encode
from benchmarks.photos import Photo, pick
from edge_iqa import image, opencv
from edge_iqa.errors import DataError, PhotoError
from edge_iqa.files import write_bytes, write_json

SIZES = (1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0)
LEAST, MOST = 0.1, 99.0
"""Megapixels that can be asked for; a verdict takes 100 at most."""
QUALITY = 92
_MOST_SOURCES = 60
_ENOUGH = 0.995
"""Of the pixels: a photo that has so many is taken as it is."""
_WHOLE_PX = 65_535
_VERSION = 1
"""Of how photos are made: others than these are made anew."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Made:
    """One photo that was made.

    Attributes:
        photo: encoded; its name says the megapixels, how it was made and, where not baseline JPEG, the format.
        megapixels: asked for.
        series: which of the sources, or which sheet; photos of one series are alike.
        kind: one of `benchmarks.encodings.FORMATS`.
        pixels: that it has.
    """

    photo: Photo
    megapixels: float
    series: int
    kind: str
    pixels: int


@dataclass(frozen=True)
class Tile:
    """One photo of a sheet: its name, and where it lies; shown is the middle of it, at its own pixels."""

    name: str
    top: int
    left: int
    height: int
    width: int


def make(
    sources: Sequence[Photo],
    sizes: Sequence[float],
    cache: Path,
    each: int = 1,
    kinds: Sequence[str] = FORMATS[:1],
) -> list[Made]:
    """Make photos of these sizes, or take them from the cache: by size, then series, then format.

    Args:
        sources: real photos; of more than 60 some are taken. Those that cannot be read are passed over.
        sizes: megapixels (10^6 pixels), from 0.1 to 99.
        cache: folder, made where it is missing; each file lands whole or not at all.
        each: photos of a size.
        kinds: of `FORMATS`.

    Raises:
        DataError: a size out of range, or no source that can be read.
        OutputError: the cache cannot be written.
    """
    if wrong := [size for size in sizes if not LEAST <= size <= MOST]:
        raise DataError(f"megapixels: expected from {LEAST:g} to {MOST:g}, got {wrong[0]:g}")
    sizes = list(dict.fromkeys(sizes))
    workshop = _Workshop(pick(sources, _MOST_SOURCES), cache, max(sizes))
    return [
        made for size in sizes for series in range(each) for made in workshop.make(size, series, tuple(kinds))
    ]


def list_readable(photos: Sequence[Photo]) -> list[Photo]:
    """Those that can be read.

    Raises:
        DataError: there is none.
    """
    found = [photo for photo in photos if _count(photo)]
    if not found:
        raise DataError("--photos: expected photos, and none of these can be read")
    return found


def shrink(pixels: Pixels, megapixels: float) -> Pixels:
    """A photo at fewer pixels, each the mean of those that it stands for; as it is where it has no more.

    Args:
        pixels: uint8 (H, W, 3).

    Returns:
        uint8 (h, w, 3), at most half a pixel a side off the size and the shape asked for.
    """
    height, width = pixels.shape[:2]
    scale = math.sqrt(megapixels * 1e6 / (height * width))
    if scale >= math.sqrt(_ENOUGH) and scale * scale * _ENOUGH <= 1:
        return pixels
    cv2 = opencv.load()
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shrunk: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return shrunk


def lay(
    sources: Sequence[Photo], height: int, width: int, rng: np.random.Generator
) -> tuple[Pixels, list[Tile]]:
    """Lay photos side by side at their own pixels until a sheet is full.

    Args:
        sources: photos that can be read; taken in a random order, again from the first where they do not suffice.

    Returns:
        uint8 (height, width, 3), and what lies where: every pixel in one tile.
    """
    sheet = np.empty((height, width, 3), np.uint8)
    tiles = []
    waiting = [(0, 0, height, width)]
    order = _draw(len(sources), rng)
    while waiting:
        top, left, room_down, room_right = waiting.pop()
        source = sources[next(order)]
        part = _middle(_read(source), room_down, room_right)
        down, right = part.shape[:2]
        sheet[top : top + down, left : left + right] = part
        tiles.append(Tile(source.name, top, left, down, right))
        if room_right > right:
            waiting.append((top, left + right, down, room_right - right))
        if room_down > down:
            waiting.append((top + down, left, room_down - down, room_right))
    return sheet, tiles


class _Workshop:
    """Sources, by size, and the folder of what was made of them."""

    def __init__(self, sources: Sequence[Photo], cache: Path, largest: float) -> None:
        sized = [(pixels, photo) for photo in sources if (pixels := _count(photo))]
        if not sized:
            raise DataError("--photos: expected photos to make others from, and none can be read")
        sized.sort(
            key=lambda pair: (-pair[0], -len(pair[1].data))
        )  # of one size first what has most to decode
        self._sized, self._sources, self._cache = sized, [photo for _, photo in sized], cache
        self._shrinkable = sum(pixels >= largest * 1e6 * _ENOUGH for pixels, _ in sized)
        told = " ".join(photo.sha256 for photo in self._sources)
        key = f"{_VERSION} {QUALITY} {self._shrinkable} {told}"
        self._key = hashlib.sha256(key.encode()).hexdigest()[:12]

    def make(self, size: float, series: int, kinds: Sequence[str]) -> list[Made]:
        stem = self._cache / f"{size:g}mp-{series}-{self._key}"
        paths = {kind: Path(f"{stem}.{kind}") for kind in kinds}
        about = Path(f"{stem}.json")
        told = _read_about(about)
        if told is None or not all(path.is_file() for path in paths.values()):
            pixels, how = self._draw(size, series)
            for kind, path in paths.items():
                write_bytes(path, encode(pixels, kind, QUALITY))
            told = {"how": how, "pixels": pixels.shape[0] * pixels.shape[1]}
            write_json(about, told)
        return [
            Made(
                Photo(_name(size, str(told["how"]), kind), path.read_bytes()),
                size,
                series,
                kind,
                int(told["pixels"]),
            )
            for kind, path in paths.items()
        ]

    def _draw(self, size: float, series: int) -> tuple[Pixels, str]:
        if series < self._shrinkable:
            _, source = self._sized[series]
            pixels = _read(source)
            shrunk = shrink(pixels, size)
            return shrunk, f"{'as' if shrunk is pixels else 'shrunk from'} {source.name}"
        height = round(math.sqrt(size * 1e6 * 3 / 4))
        width = round(height * 4 / 3)
        sheet, tiles = lay(self._sources, height, width, np.random.default_rng([series, round(size * 1000)]))
        names = {tile.name for tile in tiles}
        times = f", {len(tiles)} pieces" if len(tiles) > len(names) else ""
        number = f"sheet {series + 1} of" if series else "sheet of"  # two may hold as many pieces
        return sheet, f"{number} {len(names)} photo{'s' if len(names) > 1 else ''}{times}"


def _name(size: float, how: str, kind: str) -> str:
    """No two photos that are made have the same."""
    return f"{size:g} MP, {how}" + ("" if kind == FORMATS[0] else f", {kind}")


def _read(photo: Photo) -> Pixels:
    """All its pixels, uint8 (H, W, 3)."""
    return image.read(photo.data, long_side_px=_WHOLE_PX).pixels


def _count(photo: Photo) -> int:
    """Pixels of a photo; 0 where it cannot be read."""
    try:
        pixels = _read(photo)
    except PhotoError:
        return 0
    return pixels.shape[0] * pixels.shape[1]


def _middle(pixels: Pixels, height: int, width: int) -> Pixels:
    """The middle, where the product is, of at most this size."""
    top, left = max(0, pixels.shape[0] - height) // 2, max(0, pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def _draw(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Places of all, in a random order, and again and again."""
    while True:
        yield from map(int, rng.permutation(count))


def _read_about(path: Path) -> dict[str, object] | None:
    """What is kept of a photo that was made; None where there is nothing whole."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and {"how", "pixels"} <= told.keys() else None
