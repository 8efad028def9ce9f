"""What a product is photographed on: each function paints RGB (height, width, 3) from a generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compression.scenes.materials import Plane, blend, blur, color, fractal, relief, weave, wood
from compression.scenes.prints import draw_print


def _sweep(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Paper that curves from table to wall: white or pale."""
    tone = np.ones(3, np.float32) if rng.random() < 0.6 else color(rng, 0.8, 0.98, vivid=0.3)
    fall = np.interp(np.arange(height), (0, height * rng.uniform(0.4, 0.7), height), (0.90, 0.97, 0.86))
    paper = 1 + 0.006 * fractal(rng, height, width)
    return (fall.astype(np.float32)[:, None] * paper)[..., None] * tone


def _table(rng: np.random.Generator, height: int, width: int) -> Plane:
    boards = wood(rng, height, width) if rng.random() < 0.7 else wood(rng, width, height).transpose(1, 0, 2)
    return np.ascontiguousarray(boards)


def _tiles(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Floor tiles with joints, laid askew."""
    angle, side = float(rng.uniform(0, np.pi / 2)), min(height, width) * float(rng.uniform(0.25, 0.5))
    y, x = np.mgrid[:height, :width].astype(np.float32) / np.float32(side)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    joint = np.minimum(np.abs(u - np.round(u)), np.abs(v - np.round(v))) < 0.012
    stone = 1 + 0.06 * fractal(rng, height, width, rough=1.2)
    stone[joint] *= 0.6
    return stone[..., None] * color(rng, 0.6, 0.9, vivid=0.25)


def _cloth(rng: np.random.Generator, height: int, width: int) -> Plane:
    """A bed cover or a carpet, with soft folds."""
    short = min(height, width)
    folds = relief(blur(fractal(rng, height, width, rough=0.3), short / 60), short * 0.004)
    return (weave(rng, height, width) * folds)[..., None] * color(rng, 0.35, 0.9, vivid=0.7)


def _stone(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Concrete, slate or marble: relief, specks and a few veins."""
    surface = fractal(rng, height, width, rough=1.15)
    veins = np.exp(-np.square(fractal(rng, height, width, rough=0.6)) * 900) * float(rng.choice((0.0, 0.25)))
    factor = relief(surface, 0.10) * (1 + 0.07 * surface) * (1 - veins)
    return factor[..., None] * color(rng, 0.45, 0.85, vivid=0.2)


def _room(rng: np.random.Generator, height: int, width: int) -> Plane:
    """A plastered wall above a floor, a skirting board between them, sometimes a picture on the wall."""
    plaster = relief(fractal(rng, height, width, rough=1.2), 0.04)
    photo = plaster[..., None] * color(rng, 0.65, 0.92, vivid=0.3)
    line = round(height * float(rng.uniform(0.5, 0.7)))
    photo[line:] = (wood if rng.random() < 0.6 else _tiles)(rng, height - line, width)
    photo[line - height // 24 : line] = photo[line - height // 24 : line].mean() * 0.4 + 0.55
    photo[line : line + max(1, height // 200)] *= 0.5
    if rng.random() < 0.6:
        tall, wide = round(line * 0.5), round(width * float(rng.uniform(0.2, 0.35)))
        row, column = round(line * 0.15), round(float(rng.uniform(0, 1)) * (width - wide))
        frame = (tall // 16, tall // 16)
        picture = np.pad(draw_print(rng, tall, wide), (frame, frame, (0, 0)), constant_values=0.2)
        blend(photo, picture, np.ones(picture.shape[:2], np.float32), row, column)
    return photo


def _white(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Pure white, as marketplaces ask for."""
    return np.ones((height, width, 3), np.float32)


def _gray(rng: np.random.Generator, height: int, width: int) -> Plane:
    """One gray, or one pale color."""
    tone = color(rng, 0.45, 0.93, vivid=0.12)
    return np.ones((height, width, 3), np.float32) * tone


BACKGROUNDS: dict[str, Callable[[np.random.Generator, int, int], Plane]] = {
    "white": _white,
    "gray": _gray,
    "sweep": _sweep,
    "table": _table,
    "tiles": _tiles,
    "cloth": _cloth,
    "stone": _stone,
    "room": _room,
}

PLAIN = frozenset({"white", "gray"})
"""Backgrounds of one color."""
