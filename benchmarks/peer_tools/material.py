"""The photos that all are asked about, as JPEG files on disk: clean, and spoiled by every fault at two severities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import questions
from benchmarks.fixes import hash_code
from benchmarks.robust_sources import pick
from benchmarks.scoring import make_rng
from compression import scenes
from compression.data import Photo, hash_file
from compression.degradations import FAULTS, degrade
from compression.scenes import stock
from compression.scenes.materials import Painted
from compression.variants import FULL_PX
from edge_iqa import image
from edge_iqa.errors import PhotoError
from edge_iqa.files import write_bytes

LARGE_PX = 12_000_000
"""Pixels from which a photo is one of the large ones."""
WEAK, STRONG = (0.2, 0.5), (0.7, 1.0)
"""Severities are drawn from these; the least distance is that of pairs of `benchmarks.figures`."""
_CANVAS_SEED, _LARGE_SEED = 92_000, 93_000
_CANVASES = ((600, 800), (800, 800), (800, 600))
"""Heights and widths; larger ones take the slowest peers minutes a scene."""
_CUT_FROM = 60
"""Photos that cut-outs are looked for in."""
_CODE = ("compression/degradations", "compression/scenes", "benchmarks/questions.py")


@dataclass(frozen=True)
class Rendering:
    """One file.

    Attributes:
        path: of the JPEG; `sha256` of its bytes.
        photo: name of its source, and `group` of that, which is resampled whole.
        kind: of source: "photo", "canvas" or "large".
        name: of the fault; "clean" for none.
        severity: 0-1.
    """

    path: Path
    sha256: str
    photo: str
    group: str
    kind: str
    name: str
    severity: float

    @property
    def faults(self) -> int:
        return int(self.name != "clean")


def render_photos(photos: Sequence[Photo], cache: Path) -> Iterator[list[Rendering]]:
    """Each photo that can be read, clean and spoiled; nothing of the others."""
    for photo in photos:
        try:
            pixels = image.read(photo.path, long_side_px=FULL_PX).pixels
        except PhotoError:
            yield []
            continue
        source = f"photo-{hash_file(photo.path)[:16]}"
        yield _spoil(pixels, source, photo.group, "photo", cache)


def render_canvases(photos: Sequence[Photo], count: int, cache: Path) -> Iterator[list[Rendering]]:
    """Things on white, half of them cut out of `photos` where any stand free, clean and spoiled."""
    some = pick(list(photos), _CUT_FROM) if count else []
    cutouts = [each for each in stock.find_cutouts(some, cache) if each is not None]
    for index in range(count):
        chosen: list[Painted] = [cutouts[index // 2 % len(cutouts)]] if cutouts and index % 2 else []
        size, fill = _CANVASES[index % len(_CANVASES)], (0.3, 0.6, 0.85)[index // 2 % 3]
        drawn = scenes.draw(_CANVAS_SEED + index, *size, "white", chosen, fill=fill)
        source = f"canvas-{_CANVAS_SEED + index}"
        yield _spoil(drawn.pixels, source, source, "canvas", cache)


def render_large(count: int, cache: Path) -> Iterator[list[Rendering]]:
    """Drawn photos of 12 megapixels, and each blurred with a radius of 3 px in four ways."""
    for seed in range(_LARGE_SEED, _LARGE_SEED + count):
        source, folder = f"large-{seed}", _folder(cache)
        paths = {name: folder / f"large-{seed}-{name}.jpg" for name in ("clean", *questions.KERNELS)}
        if not all(path.is_file() for path in paths.values()):
            for name, encoded in questions.blur_large(seed).items():
                write_bytes(paths[name], encoded)
        yield [
            Rendering(path, hash_file(path), source, source, "large", name, float(name != "clean"))
            for name, path in paths.items()
        ]


def _spoil(pixels: object, source: str, group: str, kind: str, cache: Path) -> list[Rendering]:
    """Write what is not there yet; the draw depends on the source's name alone."""
    folder, made = _folder(cache), []
    for name in ("clean", *FAULTS):
        for index, span in enumerate((WEAK, STRONG) if name != "clean" else ((0.0, 0.0),)):
            rng = make_rng("peers", source, name, str(index))
            severity = float(rng.uniform(*span))
            path = folder / f"{source}-{name}-{index}.jpg"
            if not path.is_file():
                steps = [(name, severity)] if name != "clean" else []
                write_bytes(path, degrade(pixels, steps, rng))  # type: ignore[arg-type]
            made.append(Rendering(path, hash_file(path), source, group, kind, name, severity))
    return made


def _folder(cache: Path) -> Path:
    """Files of other code are left aside."""
    root = Path(__file__).resolve().parent.parent.parent
    return cache / f"renderings-{hash_code(root, _CODE)[:12]}"
