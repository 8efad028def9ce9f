"""Screenshots of a phone that shows the photo in a shop, a chat or its gallery."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.listings.lettering import letter_plainly
from compression.scenes.materials import Plane, blend, color
from edge_iqa import opencv

SIZES = ((1280, 720), (1600, 720), (1440, 720), (1334, 750), (1560, 720), (1920, 1080))
"""Heights and widths of screens."""


def choose_size(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width of a screen."""
    return SIZES[int(rng.integers(len(SIZES)))]


@dataclass(frozen=True)
class Screen:
    """What is on the screen, in pixels: a status bar, an app bar, the photo, and what is below it."""

    kind: str
    dark: bool
    height_px: int
    width_px: int
    photo_top_px: int
    photo_size: tuple[int, int]


def plan_screen(rng: np.random.Generator, height_px: int, width_px: int) -> Screen:
    """Choose an app: a shop with texts below the photo, or a gallery with bars above and below it."""
    kind = str(rng.choice(("shop", "gallery")))
    dark = bool(rng.random() < (0.35 if kind == "shop" else 0.7))
    bars = round(height_px * float(rng.uniform(0.09, 0.14)))
    tall = round(min(width_px * float(rng.uniform(0.9, 1.3)), height_px * 0.72))
    top = bars if kind == "shop" else bars + round((height_px - 2 * bars - tall) / 2)
    return Screen(kind, dark, height_px, width_px, top, (tall, width_px))


def draw_screen(
    rng: np.random.Generator, screen: Screen, photo: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw the screen around a photo (uint8 HxWx3 and its mask)."""
    paper = float(rng.choice((0.0, 0.07, 0.12))) if screen.dark else float(rng.choice((1.0, 1.0, 0.96)))
    page = np.full((screen.height_px, screen.width_px, 3), paper, np.float32)
    pen = _Pen(page, np.full(3, 0.95 if screen.dark else 0.1, np.float32))
    unit = screen.width_px / 36
    bar = screen.photo_top_px if screen.kind == "shop" else round(screen.height_px * 0.1)
    status = min(round(unit * 2.2), bar // 2)
    _draw_status(rng, pen, status, unit)
    _draw_app_bar(rng, pen, status, bar, unit)
    top, (tall, _) = screen.photo_top_px, screen.photo_size
    page[top : top + tall] = photo.astype(np.float32) / 255
    if screen.kind == "shop":
        _draw_offer(rng, pen, top + tall, unit)
    _draw_foot(rng, pen, unit, screen.kind)
    grown = np.zeros((screen.height_px, screen.width_px), np.uint8)
    grown[top : top + tall] = mask
    return np.clip(page * 255 + 0.5, 0, 255).astype(np.uint8), grown


class _Pen:
    """Writes texts and simple signs onto a page."""

    def __init__(self, page: Plane, ink: Plane) -> None:
        self.page, self.ink = page, ink
        self.height, self.width = page.shape[:2]

    def write(
        self, text: str, row: float, column: float, size: float, ink: Plane | None = None, bold: bool = False
    ) -> int:
        """Write from a left end (negative: from the right) around a row; returns the width."""
        sheet = letter_plainly(text, size, bold)
        left = column if column >= 0 else self.width + column - sheet.shape[1]
        tone = np.broadcast_to(self.ink if ink is None else ink, (*sheet.shape, 3)).astype(np.float32)
        blend(self.page, tone, sheet, round(row - sheet.shape[0] / 2), round(left))
        return sheet.shape[1]

    def lines(self, points: list[tuple[float, float]], thick: float) -> None:
        """Draw a polyline of (x, y)."""
        fixed = np.round(np.array(points) * 16).astype(np.int32)
        ink = tuple(float(value) for value in self.ink)
        opencv.load().polylines(
            self.page, [fixed], False, ink, max(1, round(thick)), opencv.load().LINE_AA, 4
        )

    def box(self, left: float, top: float, wide: float, tall: float, ink: Plane, filled: bool = True) -> None:
        """Draw a rectangle."""
        corners = (round(left), round(top)), (round(left + wide), round(top + tall))
        tone = tuple(float(value) for value in ink)
        opencv.load().rectangle(self.page, *corners, tone, -1 if filled else max(1, round(tall / 12)))


def _draw_status(rng: np.random.Generator, pen: _Pen, bar: int, unit: float) -> None:
    """Time at the left, signal and battery at the right."""
    middle, size = bar / 2 + unit * 0.2, unit * 0.75
    pen.write(
        f"{int(rng.integers(0, 24))}:{int(rng.integers(0, 60)):02d}", middle, unit * 1.2, size, bold=True
    )
    right = pen.width - unit * 3.4
    pen.box(right, middle - size / 2, unit * 1.7, size, pen.ink, filled=False)
    pen.box(right, middle - size / 2, unit * 1.7 * float(rng.uniform(0.2, 1.0)), size, pen.ink)
    for index in range(4):
        tall = size * (0.4 + 0.2 * index)
        pen.box(right - unit * (3.4 - 0.5 * index), middle + size / 2 - tall, unit * 0.3, tall, pen.ink)
    if rng.random() < 0.6:
        pen.write(str(rng.choice(("5G", "LTE", "4G"))), middle, right - unit * 5.6, size * 0.8)


def _draw_app_bar(rng: np.random.Generator, pen: _Pen, top: int, bottom: int, unit: float) -> None:
    """An arrow back, a title or a search field, signs at the right."""
    middle, arm = (top + bottom) / 2, unit * 0.7
    x = unit * 1.6
    pen.lines([(x + arm, middle - arm), (x, middle), (x + arm, middle + arm)], unit * 0.18)
    if rng.random() < 0.5:
        veil = pen.ink * 0.12 + pen.page[top, 0] * 0.88
        pen.box(unit * 4, middle - unit * 1.1, unit * 24, unit * 2.2, veil)
        pen.write("Search", middle, unit * 5, unit * 0.8, pen.ink * 0.5 + pen.page[top, 0] * 0.5)
    else:
        pen.write(
            str(rng.choice(("Product details", "Photos", "Home & Kitchen", "Today", "IMG_2041"))),
            middle,
            unit * 4.5,
            unit,
        )
    for index in range(3):
        pen.box(pen.width - unit * 2, middle + (index - 1) * unit * 0.55, unit * 0.28, unit * 0.28, pen.ink)


def _draw_offer(rng: np.random.Generator, pen: _Pen, top: int, unit: float) -> None:
    """Price, title, stars, a few lines of text, a button."""
    row = top + unit * 2
    pen.write(
        f"${int(rng.integers(4, 90))}.{int(rng.integers(0, 99)):02d}", row, unit * 1.2, unit * 1.5, bold=True
    )
    pen.write(f"{int(rng.integers(10, 900))} sold", row, -unit * 1.5, unit * 0.8)
    texts = (
        "Classic home essential, new season",
        "Free returns within 30 days",
        "Delivery 12 - 15 May",
        "Color: natural",
        "4.7 (318 reviews)",
        "In stock",
    )
    for index in rng.permutation(len(texts)).tolist():
        row += unit * 2
        if row > pen.height - unit * 5:
            return
        pen.write(texts[index], row, unit * 1.2, unit * 0.85)


def _draw_foot(rng: np.random.Generator, pen: _Pen, unit: float, kind: str) -> None:
    """A button or a row of signs, and the line to swipe up."""
    middle = pen.height - unit * 2.6
    if kind == "shop":
        tone = color(rng, 0.6, 0.95)
        pen.box(unit * 12, middle - unit * 1.3, pen.width - unit * 13.2, unit * 2.6, tone)
        pen.write("Add to cart", middle, unit * 16, unit, np.ones(3, np.float32), bold=True)
    for index in range(2 if kind == "shop" else 4):
        x = unit * (2.5 + index * (4 if kind == "shop" else 9.5))
        pen.lines(
            [
                (x, middle - unit * 0.7),
                (x + unit * 1.4, middle - unit * 0.7),
                (x + unit * 1.4, middle + unit * 0.7),
                (x, middle + unit * 0.7),
                (x, middle - unit * 0.7),
            ],
            unit * 0.16,
        )
    pen.box(pen.width * 0.36, pen.height - unit * 0.7, pen.width * 0.28, unit * 0.22, pen.ink)
