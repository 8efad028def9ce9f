"""Product photos made by code: sharp, well lit, at any size, with the exact outline of what is sold.

Our source photos have 0.2 megapixels and phones have 12; scenes fill the gap. Each is a few things a
seller may offer, drawn (box, bottle, mug, garment, bag, keypad, fruit, fleece) or cut out of photos, on
a background a seller may have (pure white, plain gray, sweep, table, tiles, cloth, stone, room).

Drawn things are built from fractal ("1/f") noise, whose share of fine and coarse detail is that of
natural photos (D. J. Field, "Relations between the statistics of natural images", 1987), so that
blur, noise and lost resolution show on drawn photos as they do on real ones. Textures are added in
the pixels of the final photo, never resampled: at 12 megapixels there is detail down to the pixel.
Cut-outs are never enlarged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.scenes.backgrounds import BACKGROUNDS, PLAIN
from compression.scenes.cutouts import cut_out
from compression.scenes.materials import Painted, Plane
from compression.scenes.placing import expose, put
from compression.scenes.things import THINGS
from edge_iqa import opencv

__all__ = ["BACKGROUNDS", "Scene", "cut_out", "draw"]


@dataclass(frozen=True, eq=False)
class Scene:
    """One product photo.

    Attributes:
        pixels: uint8 HxWx3, RGB.
        mask: uint8 HxW, 255 where a product is.
        background: name in `BACKGROUNDS`.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    background: str


def draw(
    seed: int,
    height_px: int = 768,
    width_px: int = 1024,
    background: str | None = None,
    cutouts: Sequence[Painted] = (),
    fill: float | None = None,
) -> Scene:
    """Make one product photo.

    Args:
        seed: which photo; the same seed and size give the same pixels (with one version of OpenCV),
            the same seed at another size of the same shape the same scene.
        height_px, width_px: size, each at least 64.
        background: name in `BACKGROUNDS`; None: the seed chooses. The things stay the same.
        cutouts: the products; none: drawn ones, one to three.
        fill: side of a lone drawn product as a share of the photo's shorter side; None: the seed chooses.
            Cut-outs fill what their own pixels allow.

    Raises:
        ValueError: a side is shorter than 64 px, or no such background.
    """
    if min(height_px, width_px) < 64:
        raise ValueError(f"a drawn photo needs at least 64x64 px, got {width_px}x{height_px}")
    if background is not None and background not in BACKGROUNDS:
        raise ValueError(f"background: expected one of {', '.join(BACKGROUNDS)}, got {background!r}")
    rng = np.random.default_rng(seed)
    lean = float(rng.uniform(-1, 1))  # where the light comes from: -1 left, 1 right
    drawn = rng.choice(_OFTEN)
    background = str(background or drawn)
    photo = BACKGROUNDS[background](rng.spawn(1)[0], height_px, width_px)
    mask = np.zeros((height_px, width_px), np.float32)
    count = int(rng.choice((1, 1, 1, 2, 3)))
    shadow = bool(rng.random() < 0.5) or background not in PLAIN
    if cutouts:
        _lay_out(rng, photo, mask, cutouts, lean, shadow)
    else:
        _draw_things(rng, photo, mask, 1 if fill else count, fill, lean, shadow)
    pixels = expose(rng, photo, lean, background in PLAIN)
    return Scene(pixels, (mask * 255 + 0.5).astype(np.uint8), background)


_OFTEN = ("white", "white", "gray", *(name for name in BACKGROUNDS if name != "gray"), "sweep")
"""Backgrounds as often as sellers have them."""


def _draw_things(
    rng: np.random.Generator,
    photo: Plane,
    mask: Plane,
    count: int,
    fill: float | None,
    lean: float,
    shadow: bool,
) -> None:
    height_px, width_px = mask.shape
    for index in range(count):
        share = fill or float(rng.uniform(0.62, 0.92))
        side = min(height_px, width_px / count * 1.25) * share
        tall = float(rng.uniform(0.85, 1.0))
        height, width = max(16, round(side * tall)), max(16, round(min(side, width_px / count * 1.1)))
        thing = THINGS[int(rng.integers(len(THINGS)))](rng.spawn(1)[0], height, width, lean)
        column = (index + 0.5) * width_px / count - width / 2 + float(rng.normal(0, 0.03)) * width_px
        row = (height_px - height) * float(rng.uniform(0.35, 0.75))
        put(photo, mask, thing, round(row), round(column), lean, shadow)


def _lay_out(
    rng: np.random.Generator, photo: Plane, mask: Plane, cutouts: Sequence[Painted], lean: float, shadow: bool
) -> None:
    """Lay cut-outs in rows, each shrunk where it does not fit its place, never enlarged."""
    cv2 = opencv.load()
    height_px, width_px = mask.shape
    columns = max(1, round(np.sqrt(len(cutouts) * width_px / height_px)))
    rows = -(-len(cutouts) // columns)
    place = np.array((height_px / rows, width_px / columns))
    for index, (rgb, cover) in enumerate(cutouts):
        scale = min(1.0, float((place / cover.shape).min()) * float(rng.uniform(0.75, 0.97)))
        if scale < 1:
            size = max(8, round(cover.shape[1] * scale)), max(8, round(cover.shape[0] * scale))
            rgb, cover = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (rgb, cover))
        if rng.random() < 0.5:
            rgb, cover = rgb[:, ::-1], cover[:, ::-1]
        free = place - cover.shape
        row, column = np.array((index // columns, index % columns)) * place + free * rng.uniform(0.3, 0.7, 2)
        put(photo, mask, (rgb, cover), round(float(row)), round(float(column)), lean, shadow)
