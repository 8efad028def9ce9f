"""Backgrounds of listings: those of scenes, and some with straight lines that are no frame and no seam."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compression.scenes.backgrounds import BACKGROUNDS
from compression.scenes.materials import Plane, color, fractal, relief, wood


def _roll(rng: np.random.Generator, height: int, width: int) -> Plane:
    """A roll of paper whose edges show: wall at one or both sides, a little out of plumb."""
    paper = BACKGROUNDS["sweep"](rng, height, width)
    wall = relief(fractal(rng, height, width, rough=1.2), 0.03)[..., None] * color(rng, 0.5, 0.9, vivid=0.3)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    sides = (True, bool(rng.random() < 0.5))
    for mirrored in sides[: 1 + int(sides[1])]:
        across = 1 - x if mirrored else x
        edge = float(rng.uniform(0.03, 0.12)) + (y - 0.5) * float(rng.uniform(0.02, 0.06))
        cover = np.clip((edge - across) * width + 0.5, 0, 1)[..., None]
        shade = 1 - 0.25 * np.exp(-np.maximum(across - edge, 0) * 90)[..., None]
        paper = paper * shade * (1 - cover) + wall * cover
    return paper.astype(np.float32)


def _shelf(rng: np.random.Generator, height: int, width: int) -> Plane:
    """A table before a wall: one horizon from side to side, nearly level."""
    wall = relief(fractal(rng, height, width, rough=1.1), 0.03)[..., None] * color(rng, 0.55, 0.95, vivid=0.3)
    board = wood(rng, height, width) if rng.random() < 0.6 else BACKGROUNDS["stone"](rng, height, width)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    line = float(rng.uniform(0.45, 0.75)) + (x - 0.5) * float(rng.uniform(-0.02, 0.02))
    cover = np.clip((y - line) * height + 0.5, 0, 1)[..., None]
    shade = 1 - 0.3 * np.exp(-np.abs(y - line) * 60)[..., None]
    return ((wall * (1 - cover) + board * cover) * shade).astype(np.float32)


def _doorway(rng: np.random.Generator, height: int, width: int) -> Plane:
    """A room whose door or window frame runs along the photo's edge, as light and as straight as a border."""
    room = BACKGROUNDS["room"](rng, height, width)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    paint = color(rng, 0.8, 0.97, vivid=0.1)
    grain = relief(fractal(rng, height, width, rough=1.2), 0.02)[..., None]
    chosen = rng.permutation(4)[: int(rng.integers(1, 4))]
    for across, along in [((x, y), (1 - x, y), (y, x), (1 - y, x))[int(side)] for side in chosen]:
        edge = float(rng.uniform(0.03, 0.08)) + (along - 0.5) * float(rng.uniform(-0.03, 0.03))
        cover = np.clip((edge - across) * min(height, width) + 0.5, 0, 1)[..., None]
        light = (0.86 + 0.14 * np.clip((edge - across) / 0.02, 0, 1))[..., None]
        room = room * (1 - cover) + paint * grain * light * cover
    return room.astype(np.float32)


GROUNDS: dict[str, Callable[[np.random.Generator, int, int], Plane]] = {
    **BACKGROUNDS,
    "roll": _roll,
    "shelf": _shelf,
    "doorway": _doorway,
}
"""By name."""
PLAIN = ("white", "gray", "sweep")
"""What counts as a plain background for the product's outline."""
