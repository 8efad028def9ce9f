"""Words as sellers and apps put them on photos: outline fonts, stroke fonts and made-up Chinese characters."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from compression.scenes.materials import Plane
from edge_iqa import opencv

FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Bold", "DejaVuSans-BoldOblique", "DejaVuSerif-Bold",
    "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol", "cmss10", "DejaVuSansMono-Bold",
)  # fmt: skip
"""Outline fonts that come with matplotlib, the same on every machine."""
_STROKES = 3
"""Stroke fonts of OpenCV that are used as often as one outline font each."""


def letter(rng: np.random.Generator, text: str, size_px: float) -> Plane:
    """Coverage hxw (0 to 1) of one line of text in capitals `size_px` tall, in a face that the generator chooses."""
    pick, stretch = int(rng.integers(len(FONTS) + _STROKES + 2)), float(rng.uniform(0.85, 1.2))
    if pick < len(FONTS):
        return _fill_outlines(text, FONTS[pick], size_px, stretch)
    if pick < len(FONTS) + _STROKES:
        return _write_strokes(text, pick - len(FONTS), size_px)
    return _draw_characters(rng, max(2, min(8, len(text) // 2)), size_px)


def letter_plainly(text: str, size_px: float, bold: bool = False) -> Plane:
    """The same in the face of an app's own texts."""
    return _fill_outlines(text, "DejaVuSans-Bold" if bold else "DejaVuSans", size_px, 1.0)


def _fill_outlines(text: str, font: str, size_px: float, stretch: float) -> Plane:
    cv2 = opencv.load()
    shapes = _outline(text, font)
    points = np.concatenate(shapes)
    low, high = points.min(0), points.max(0)
    scale = np.array((size_px * stretch, size_px)) / 100
    width, height = np.ceil((high - low) * scale).astype(int) + 3
    sheet = np.zeros((int(height), int(width)), np.uint8)
    fixed = []
    for shape in shapes:
        placed = (shape - low) * scale + 1
        placed[:, 1] = height - placed[:, 1]
        fixed.append(np.round(placed * 16).astype(np.int32))
    cv2.fillPoly(sheet, fixed, 255, cv2.LINE_AA, 4)
    return sheet.astype(np.float32) / 255


@functools.lru_cache(256)
def _outline(text: str, font: str) -> tuple[Any, ...]:
    """Polygons of a text whose capitals are 100 units tall, y upward."""
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    path = TextPath((0, 0), text, size=137, prop=FontProperties(fname=str(file)), usetex=False)
    return tuple(shape for shape in path.to_polygons() if len(shape) > 2)


def _write_strokes(text: str, font: int, size_px: float) -> Plane:
    cv2 = opencv.load()
    face = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)[font]
    thick = max(1, round(size_px * 0.11))
    scale = size_px / 21
    (width, height), below = cv2.getTextSize(text, face, scale, thick)
    sheet = np.zeros((height + below + 2 * thick, width + 2 * thick), np.uint8)
    cv2.putText(sheet, text, (thick, height + thick), face, scale, 255, thick, cv2.LINE_AA)
    return sheet.astype(np.float32) / 255


def _draw_characters(rng: np.random.Generator, count: int, size_px: float) -> Plane:
    """Square characters of four to eight strokes, as dense as Chinese ones."""
    cv2 = opencv.load()
    side = max(8, round(size_px * 1.15))
    sheet = np.zeros((side, round(count * side * 1.08)), np.uint8)
    thick = max(1, round(side * float(rng.uniform(0.06, 0.12))))
    for index in range(count):
        left = index * side * 1.08
        for stroke in range(int(rng.integers(4, 9))):
            a, b, c = rng.uniform(0.08, 0.92, 3)
            ends = (
                ((0.1, a), (0.9, a))
                if stroke % 3 == 0
                else ((a, 0.08), (a, 0.92))
                if stroke % 3 == 1
                else ((b, c), (a, 0.92))
            )
            start, end = ((round(left + x * side), round(y * side)) for x, y in ends)
            cv2.line(sheet, start, end, 255, thick, cv2.LINE_AA)
    return sheet.astype(np.float32) / 255
