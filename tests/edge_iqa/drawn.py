"""Simple photos of which everything is known: a textured block on a plain ground."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_iqa.frame import Frame

Pixels = NDArray[np.uint8]

GROUNDS = {"white": (255, 255, 255), "gray": (205, 205, 207), "dark": (70, 72, 75)}


def draw_block(
    ground: str = "white",
    box: tuple[float, float, float, float] = (0.3, 0.25, 0.4, 0.5),
    height: int = 600,
    width: int = 800,
    color: tuple[int, int, int] = (150, 60, 40),
    grain: float = 12.0,
    seed: int = 0,
) -> Pixels:
    """A block of one color and some grain; `box` is left, top, width, height as shares of the photo."""
    photo = np.empty((height, width, 3), np.uint8)
    photo[:] = GROUNDS[ground]
    left, top, wide, tall = box
    rows = slice(max(0, round(top * height)), max(0, round((top + tall) * height)))
    columns = slice(max(0, round(left * width)), max(0, round((left + wide) * width)))
    part = photo[rows, columns]
    noise = np.random.default_rng(seed).normal(0, grain, (*part.shape[:2], 1))
    part[:] = np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)
    return photo


def turn(pixels: Pixels, degrees: float) -> Pixels:
    """The photo turned clockwise about its middle, its corners filled with the color of its first pixel."""
    height, width = pixels.shape[:2]
    around = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    fill = [int(value) for value in pixels[0, 0]]
    turned: Pixels = cv2.warpAffine(pixels, around, (width, height), flags=cv2.INTER_LINEAR, borderValue=fill)
    return turned


def to_frame(pixels: Pixels) -> Frame:
    return Frame(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0])
