"""Several photos in one: grids, strips and insets, with and without gutters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.listings.staging import Plan, stage
from edge_iqa import opencv

Rectangle = tuple[float, float, float, float]
"""Left, top, width, height, as shares of the photo."""


def _grid(rows: int, columns: int) -> tuple[Rectangle, ...]:
    return tuple((c / columns, r / rows, 1 / columns, 1 / rows) for r in range(rows) for c in range(columns))


def _beside(count: int) -> tuple[Rectangle, ...]:
    """One large photo and a column of small ones."""
    return ((0.0, 0.0, 2 / 3, 1.0), *((2 / 3, i / count, 1 / 3, 1 / count) for i in range(count)))


def _above(count: int) -> tuple[Rectangle, ...]:
    return tuple((top, left, tall, wide) for left, top, wide, tall in _beside(count))


LAYOUTS: dict[str, tuple[Rectangle, ...]] = {
    "two beside": _grid(1, 2), "two stacked": _grid(2, 1), "three beside": _grid(1, 3), "grid 2x2": _grid(2, 2),
    "grid 2x3": _grid(2, 3), "grid 3x2": _grid(3, 2), "large and two": _beside(2), "large and three": _beside(3),
    "large above two": _above(2), "large above three": _above(3),
    "inset": ((0.0, 0.0, 1.0, 1.0), (0.64, 0.06, 0.3, 0.3)),
    "round inset": ((0.0, 0.0, 1.0, 1.0), (0.62, 0.62, 0.32, 0.32)),
}  # fmt: skip


@dataclass(frozen=True)
class Collage:
    """A layout, the width of its gutters in pixels (0: none) and their color."""

    kind: str
    panels: tuple[Rectangle, ...]
    gutter_px: int
    tone: tuple[int, int, int]
    outer: bool


def plan_collage(rng: np.random.Generator, height_px: int, width_px: int) -> Collage:
    """Choose a layout that leaves no panel much longer than wide."""
    fitting = [
        name
        for name, panels in LAYOUTS.items()
        if all(1 / 2.3 < w * width_px / (h * height_px) < 2.3 for _, _, w, h in panels)
    ]
    kind = str(rng.choice(fitting))
    gutter = round(min(height_px, width_px) * float(rng.uniform(0.006, 0.03))) if rng.random() < 0.65 else 0
    tone = ((255, 255, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (225, 210, 190))[
        int(rng.integers(5))
    ]
    return Collage(kind, LAYOUTS[kind], gutter, tone, bool(rng.random() < 0.4))


def draw_collage(
    rng: np.random.Generator, collage: Collage, height_px: int, width_px: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    """Draw its panels, each a photo of its own.

    A seam must show: without a gutter that differs from it, no panel but the first stands on white, since
    products side by side on one white are one photo of several.

    Returns:
        Pixels, mask of all products, and the background of the first panel.
    """
    pixels = np.empty((height_px, width_px, 3), np.uint8)
    pixels[:] = collage.tone
    mask = np.zeros((height_px, width_px), np.uint8)
    grounds = _choose_grounds(rng, collage)
    outer = collage.gutter_px if collage.outer else 0
    for (left, top, wide, tall), ground in zip(collage.panels, grounds, strict=True):
        x0, x1 = (
            _edge(x, width_px, collage.gutter_px, outer, at) for at, x in enumerate((left, left + wide))
        )
        y0, y1 = (_edge(y, height_px, collage.gutter_px, outer, at) for at, y in enumerate((top, top + tall)))
        plan = Plan(background=ground, cut=bool(rng.random() < 0.3))
        shot = stage(rng.spawn(1)[0], max(64, y1 - y0), max(64, x1 - x0), plan)
        window = np.s_[y0:y1, x0:x1]
        inside = shot.pixels[: y1 - y0, : x1 - x0], shot.mask[: y1 - y0, : x1 - x0]
        if "inset" in collage.kind and (left, top) != (0.0, 0.0):
            _lay_inset(pixels[window], mask[window], *inside, collage, round_="round" in collage.kind)
        else:
            pixels[window], mask[window] = inside
    return pixels, mask, grounds[0]


def _choose_grounds(rng: np.random.Generator, collage: Collage) -> list[str]:
    count = len(collage.panels)
    hidden = not collage.gutter_px or collage.tone == (255, 255, 255)
    others = ("gray", "table", "tiles", "cloth", "stone", "room", "sweep", "shelf")
    if not hidden:
        same = rng.random() < 0.4
        return ["white"] * count if same else [str(rng.choice(("white", *others))) for _ in range(count)]
    picked = rng.permutation(others)[:count].tolist()
    return ["white", *picked[1:]] if rng.random() < 0.4 else picked


def _edge(place: float, length: int, gutter: int, outer: int, far: int) -> int:
    """Where a panel begins (far 0) or ends (far 1): half a gutter from its neighbor, `outer` from the photo's edge."""
    if place < 1e-6:
        return outer
    if place > 1 - 1e-6:
        return length - outer
    half = gutter // 2 if far == 0 else -(gutter - gutter // 2)
    return round(place * length) + half


def _lay_inset(
    pixels: NDArray[np.uint8], mask: NDArray[np.uint8], photo: NDArray[np.uint8], product: NDArray[np.uint8],
    collage: Collage, round_: bool,
) -> None:  # fmt: skip
    """A small photo over the large one, with a rim, round or not."""
    cv2 = opencv.load()
    height, width = mask.shape
    rim = max(2, collage.gutter_px, min(height, width) // 50)
    cover = np.zeros((height, width), np.uint8)
    if round_:
        cv2.ellipse(
            cover, (width // 2, height // 2), (width // 2 - rim, height // 2 - rim), 0, 0, 360, 255, -1
        )
    else:
        cover[rim:-rim, rim:-rim] = 255
    ring = cv2.dilate(cover, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1)))
    pixels[ring > 0] = collage.tone
    mask[ring > 0] = 0
    pixels[cover > 0] = photo[cover > 0]
    mask[cover > 0] = product[cover > 0]
