"""Photos as large as phones take them, drawn once and kept as files: what costs of a verdict are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.encodings import FORMATS, encode
from compression import scenes
from compression.progress import track
from edge_iqa.files import write_bytes


@dataclass(frozen=True)
class Recipe:
    """One drawn photo.

    Attributes:
        background: name in `compression.scenes.BACKGROUNDS`.
        seed: of its scene.
        quality: of JPEG.
    """

    background: str
    seed: int
    quality: int


TWELVE = (
    Recipe("white", 100, 95),
    Recipe("sweep", 101, 92),
    Recipe("table", 102, 95),
    Recipe("cloth", 103, 90),
)
"""4000 x 3000 px, the usual photo of a phone: backgrounds that are seen, qualities that phones have."""

TWELVE_SIZE, LARGE_SIZE = (3000, 4000), (6000, 8000)
"""Height and width of photos of 12 and of 48 megapixels."""

LARGE = Recipe("sweep", 104, 92)


def draw_twelve(cache: Path) -> list[Path]:
    """Draw the photos of 12 megapixels that are not in `cache` yet; returns all their paths."""
    return [_draw_jpeg(cache, recipe) for recipe in track(TWELVE, len(TWELVE), "12 MP photos")]


def draw_large(cache: Path) -> dict[str, Path]:
    """One photo of 48 megapixels in each of `FORMATS`, drawn if it is not in `cache` yet; paths by format."""
    paths = {name: cache / f"{LARGE.background}-48mp.{name}" for name in FORMATS}
    if not all(path.exists() for path in paths.values()):
        pixels = scenes.draw(LARGE.seed, *LARGE_SIZE, background=LARGE.background).pixels
        for name, path in track(paths.items(), len(paths), "48 MP photos"):
            write_bytes(path, encode(pixels, name, LARGE.quality))
    return paths


def _draw_jpeg(cache: Path, recipe: Recipe) -> Path:
    path = cache / f"{recipe.background}-{recipe.seed}-q{recipe.quality}.jpg"
    if not path.exists():
        pixels = scenes.draw(recipe.seed, *TWELVE_SIZE, background=recipe.background).pixels
        write_bytes(path, encode(pixels, "baseline.jpg", recipe.quality))
    return path
