"""What drawn scenes are made of: fractal noise, cloth, wood, colors, coverage masks."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

Plane = NDArray[np.float32]
"""float32 hxw (a mask 0-1, a height) or hxwx3 (RGB 0-1)."""
Painted = tuple[Plane, Plane]
"""A thing in its own rectangle: RGB hxwx3 and coverage hxw, both 0-1."""
Paint = tuple[int, ...]
"""One RGB color 0-255, as OpenCV's drawing calls take it."""


def fractal(
    rng: np.random.Generator,
    height: int,
    width: int,
    long: float = 1.0,
    tall: float = 1.0,
    rough: float = 1.0,
) -> Plane:
    """Fractal noise hxw, mean 0, deviation 1.

    `long`, `tall` stretch its grain; `rough` is the weight of each octave against the next coarser.
    It draws from a child of `rng`, so that the number of pixels changes nothing else in the scene.
    """
    cv2 = opencv.load()
    rng = rng.spawn(1)[0]
    octaves = max(3, int(np.log2(min(height, width))) - 1)
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        rows = max(2, round(height / (2**octave * tall)))
        columns = max(2, round(width / (2**octave * long)))
        grid = rng.standard_normal((rows, columns), dtype=np.float32)
        smooth = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        total += smooth * rough ** (octaves - 1 - octave)
    total -= total.mean()
    return total / max(float(total.std()), 1e-6)


def blur(plane: Plane, sigma_px: float) -> Plane:
    blurred: Plane = opencv.load().GaussianBlur(plane, (0, 0), max(0.5, sigma_px))
    return blurred


def relief(surface: Plane, depth: float) -> Plane:
    """How light from above left shades a surface given by its height: a factor around 1.

    A blurred surface has slopes that shrink as the photo grows, so its `depth` grows with the photo.
    """
    slope = np.zeros_like(surface)
    slope[1:, 1:] = surface[1:, 1:] - surface[:-1, :-1]
    return np.clip(1 + depth * slope, 0.4, 1.6)


def weave(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Threads over and under, a factor around 1."""
    pitch = max(3.0, float(rng.uniform(0.004, 0.009)) * min(height, width))
    wander = fractal(rng, height, width, rough=0.6) * 0.5
    y, x = np.mgrid[:height, :width].astype(np.float32) * np.float32(2 * np.pi / pitch)
    threads = np.sin(x + wander) * np.cos(y * 0.5) + np.cos(y + wander) * np.sin(x * 0.5)
    return 1 + 0.09 * threads + 0.035 * fractal(rng, height, width, rough=1.1)


def wood(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Boards with grain, RGB."""
    rng = rng.spawn(1)[0]
    hue, strong, bright = rng.uniform((0.06, 0.2, 0.45), (0.10, 0.6, 0.85)).tolist()
    tone = np.array(colorsys.hsv_to_rgb(hue, strong, bright), np.float32)
    grain = fractal(rng, height, width, long=24, rough=0.95)
    rings = np.sin(4 * fractal(rng, height, width, long=12, rough=0.5))
    factor = 1 + 0.10 * grain + 0.05 * rings
    board = max(24, height // int(rng.integers(3, 8)))
    for top in range(0, height, board):
        factor[top : top + board] *= float(rng.uniform(0.85, 1.12))
        factor[top : top + max(1, height // 300)] *= 0.45
    return factor[..., None] * tone


def color(rng: np.random.Generator, low: float = 0.25, high: float = 0.95, vivid: float = 0.75) -> Plane:
    """One RGB color 0-1; a third of them nearly gray and half of the rest warm or blue, as things are."""
    gray, common = rng.random(2) < (0.33, 0.6)
    strong = rng.uniform(0.0, 0.15) if gray else rng.uniform(min(0.2, vivid / 2), vivid)
    hue = rng.choice((0.05, 0.09, 0.6)) + rng.normal(0, 0.03) if common else rng.random()
    return np.array(colorsys.hsv_to_rgb(hue % 1, strong, rng.uniform(low, high)), np.float32)


def paint(rng: np.random.Generator, low: float = 0.25, high: float = 0.95) -> Paint:
    """One color as OpenCV's drawing calls take it."""
    return tuple(int(value * 255) for value in color(rng, low, high))


def polygon(height: int, width: int, points: NDArray[np.floating], round_px: float = 0.0) -> Plane:
    """Coverage of a polygon of (x, y) in 0-1 of the rectangle, with anti-aliased edge and rounded corners."""
    cv2 = opencv.load()
    cover = np.zeros((height, width), np.uint8)
    fixed = np.round(points * (width - 1, height - 1) * 16).astype(np.int32)  # 4 bits below the pixel
    cv2.fillPoly(cover, [fixed], 255, cv2.LINE_AA, 4)
    plane = cover.astype(np.float32) / 255
    if round_px >= 1:
        soft = cv2.GaussianBlur(plane, (0, 0), round_px)
        plane = np.clip((soft - 0.5) * round_px * 2.5 + 0.5, 0, 1)
    return plane


def blend(photo: Plane, rgb: Plane | None, cover: Plane, row: int, column: int) -> None:
    """Mix `rgb` (None: black) into the photo by `cover`, in place."""
    top, left = max(0, row), max(0, column)
    bottom, right = min(photo.shape[0], row + cover.shape[0]), min(photo.shape[1], column + cover.shape[1])
    if top >= bottom or left >= right:
        return
    inner = np.s_[top - row : bottom - row, left - column : right - column]
    share = cover[inner][..., None]
    under = photo[top:bottom, left:right]
    under *= 1 - share
    if rgb is not None:
        under += rgb[inner] * share
