"""What is printed on packs, labels and pictures: words, emblems, bar codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.scenes.materials import Paint, Painted, Plane, paint, polygon
from edge_iqa import opencv

# fmt: off
_WORDS = (
    "fresh", "cotton", "original", "care", "100%", "natural", "made", "in", "studio", "home", "coffee",
    "roast", "organic", "250", "ml", "series", "size", "classic", "quality", "net", "weight", "keep", "dry",
    "wash", "cold", "vintage", "model", "no.", "7", "paper", "craft", "kitchen", "garden", "since", "1962",
)
# fmt: on


def draw_print(rng: np.random.Generator, height: int, width: int) -> Plane:
    """What is printed on a pack: ground, band, emblem, a name, small print and a bar code. RGB."""
    cv2 = opencv.load()
    rng = rng.spawn(1)[0]  # how many lines fit depends on the size; what else is drawn must not
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = paint(rng, 0.7, 1.0)
    ink = paint(rng, 0.05, 0.4)
    top, bottom = sorted(int(rng.uniform(0.05, 0.95) * height) for _ in range(2))
    cv2.rectangle(sheet, (0, top), (width, bottom), paint(rng), -1)
    center = (int(rng.uniform(0.25, 0.75) * width), int(rng.uniform(0.2, 0.5) * height))
    for ring in range(int(rng.integers(1, 5))):
        size = np.array((min(height, width) * 0.24, height * 0.2)) / (ring + 1)
        axes = tuple(int(axis) for axis in np.maximum(size, 2))
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(sheet, center, axes, angle, 0, 360, paint(rng), -1, cv2.LINE_AA)
    write_line(rng, sheet, ink, round(height * float(rng.uniform(0.35, 0.6))), round(height * 0.15))
    line = max(6, round(height * float(rng.uniform(0.025, 0.05))))
    for row in range(round(height * 0.68), round(height * 0.95), round(line * 1.5)):
        write_line(rng, sheet, ink, row, line, words=6)
    if rng.random() < 0.6:
        bars = np.repeat(rng.integers(0, 2, 40) * 255, max(1, width // 160))[None, :, None]
        tall = max(2, height // 9)
        row, column = round(height * 0.84), round(width * float(rng.uniform(0.05, 0.6)))
        space = sheet[row : row + tall, column : column + bars.shape[1]]
        space[:] = np.broadcast_to(bars[:, : space.shape[1]], space.shape)
    return sheet.astype(np.float32) / 255


def write_line(
    rng: np.random.Generator, sheet: NDArray[np.uint8], ink: Paint, row: int, size: int, words: int = 1
) -> None:
    """Write a line of words, `size` px tall or as tall as the sheet is wide enough for."""
    cv2 = opencv.load()
    text = " ".join(_WORDS[int(index)] for index in rng.integers(0, len(_WORDS), words))
    text = text.upper() if words == 1 else text
    font = int(rng.choice((cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SIMPLEX)))
    (wide, tall), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = min(size / max(tall, 1), sheet.shape[1] * 0.9 / max(wide, 1))
    thick = max(1, round(scale * (2.2 if words == 1 else 1.0)))
    at = (round(sheet.shape[1] * 0.05), row)
    cv2.putText(sheet, text, at, font, scale, ink, thick, cv2.LINE_AA)


def lay_onto(sheet: Plane, height: int, width: int, quad: NDArray[np.floating]) -> Painted:
    """Lay a printed sheet onto four corners (x, y in 0-1: top left, top right, bottom right, bottom left)."""
    cv2 = opencv.load()
    rows, columns = sheet.shape[:2]
    source = np.array(((0, 0), (columns, 0), (columns, rows), (0, rows)), np.float32)
    target = (quad * (width - 1, height - 1)).astype(np.float32)
    warp = cv2.getPerspectiveTransform(source, target)
    mode = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    return cv2.warpPerspective(sheet, warp, (width, height), **mode), polygon(height, width, quad)
