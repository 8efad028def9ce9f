"""What is laid over photos: promotional text, watermarks, badges, logos."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from compression.listings.lettering import letter
from compression.scenes.materials import Plane, blend, color
from edge_iqa import opencv

# fmt: off
_PROMOTIONS = (
    "SALE", "SALE -50%", "FREE SHIPPING", "NEW", "BEST SELLER", "HOT DEAL", "Buy 1 get 1", "100% cotton", "Only $9.99",
    "Limited offer", "Made in Italy", "Fast delivery", "2 pcs", "Original quality", "30 x 40 cm", "Call 555-0142",
    "Winter 2024", "Size S-XXL", "Waterproof", "ECO", "www.best-shop.com", "Order now!",
)
_MARKS = (
    "my-shop.com", "SAMPLE", "© Anna K.", "BESTSHOP", "do not copy", "photo-studio", "@home.store", "PREVIEW",
)
_BADGES = ("SALE -50%", "-30%", "NEW", "TOP", "-70%", "BEST", "HOT", "2+1", "ECO", "5 YEARS")
_VIVID = (
    (0.86, 0.1, 0.13), (0.95, 0.75, 0.1), (0.1, 0.35, 0.75), (0.05, 0.55, 0.3), (0.93, 0.4, 0.1), (0.05, 0.05, 0.05),
    (1.0, 1.0, 1.0), (0.6, 0.1, 0.55),
)
# fmt: on
_SEEN = 1 / 255
"""Least change of a pixel, 0 to 1, that counts as covered."""

Layers = list[tuple[Plane, Plane, int, int]]
"""Color (3,) or hxwx3, coverage hxw, row and column of each sheet, from below up."""


def lay_overlay(
    rng: np.random.Generator, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], str]:
    """Lay one kind of overlay over a photo.

    Returns:
        Pixels, which of them changed (HxW), and the kind.
    """
    kind = str(rng.choice(tuple(KINDS)))
    photo = pixels.astype(np.float32) / 255
    under = _Under(photo, mask > 127)
    for rgb, cover, row, column in KINDS[kind](rng, under):
        sheet = np.broadcast_to(rgb, (*cover.shape, 3)).astype(np.float32)
        blend(photo, sheet, cover, row, column)
    laid = np.clip(photo * 255 + 0.5, 0, 255).astype(np.uint8)
    changed = (laid != pixels).any(-1)
    return laid, changed, kind


class _Under:
    """The photo below: how bright a place is, so that ink stands out from it."""

    def __init__(self, photo: Plane, product: NDArray[np.bool_]) -> None:
        self.photo, self.product = photo, product
        self.height, self.width = product.shape
        self.short = min(product.shape)

    def choose_ink(self, rng: np.random.Generator, row: int, column: int, shape: tuple[int, ...]) -> Plane:
        """A color that most of the place is not."""
        place = self.photo[max(0, row) : row + shape[0], max(0, column) : column + shape[1]].reshape(-1, 3)
        if not len(place):
            place = self.photo.reshape(-1, 3)
        place = place[:: max(1, len(place) // 500)]
        for _ in range(40):
            vivid = rng.random() < 0.8
            ink = (
                np.array(_VIVID[int(rng.integers(len(_VIVID)))], np.float32)
                if vivid
                else color(rng, 0.1, 1.0)
            )
            if np.mean(np.abs(place - ink).max(1) > 0.25) > 0.75:
                return ink
        return np.float32(1) - np.round(place.mean(0))


def _promote(rng: np.random.Generator, under: _Under) -> Layers:
    """One to four lines of text in one block: bare, outlined, or on a plate."""
    lines = int(rng.choice((1, 1, 2, 3, 4)))
    size = under.short * float(np.exp(rng.uniform(np.log(0.035), np.log(0.13)))) / (1 + 0.15 * (lines - 1))
    sheets = []
    for _ in range(lines):
        text = str(rng.choice(_PROMOTIONS))
        text = text.upper() if rng.random() < 0.3 else text
        sheet = letter(rng.spawn(1)[0], text, size * float(rng.uniform(0.7, 1.1)))
        sheets.append(_shrink_to(sheet, under.width * 0.92, under.height * 0.3))
    gap = round(size * 0.45)
    block = _stack(sheets, gap, centered=bool(rng.random() < 0.5))
    row, column = _find_room(rng, under, block.shape)
    style = rng.random()
    if style < 0.4:
        return [(under.choose_ink(rng, row, column, block.shape), block, row, column)]
    if style < 0.65:
        return _outline(rng, under, block, row, column, size)
    return _on_plate(rng, under, block, row, column, size)


def _outline(
    rng: np.random.Generator, under: _Under, block: Plane, row: int, column: int, size: float
) -> Layers:
    """Letters with a contour in another color."""
    cv2 = opencv.load()
    wide = max(1, round(size * float(rng.uniform(0.05, 0.1))))
    padded = np.pad(block, wide + 1)
    fat = cv2.dilate(padded, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * wide + 1, 2 * wide + 1)))
    rim = under.choose_ink(rng, row, column, block.shape)
    ink = np.float32(1) - np.round(np.full(3, rim.mean(), np.float32)) if rng.random() < 0.5 else 1 - rim
    return [(rim, fat, row - wide - 1, column - wide - 1), (ink, block, row, column)]


def _on_plate(
    rng: np.random.Generator, under: _Under, block: Plane, row: int, column: int, size: float
) -> Layers:
    """Letters on a plate, a band across the photo, or a veil."""
    margin = round(size * float(rng.uniform(0.3, 0.7)))
    plate = np.full(
        (block.shape[0] + 2 * margin, block.shape[1] + 2 * margin), float(rng.uniform(0.55, 1.0)), np.float32
    )
    top, left = row - margin, column - margin
    if rng.random() < 0.35:
        plate = np.full((plate.shape[0], under.width), plate[0, 0], np.float32)
        left = 0
    tone = under.choose_ink(rng, top, left, plate.shape)
    ink = np.zeros(3, np.float32) if tone.mean() > 0.5 else np.ones(3, np.float32)
    return [(tone, plate, top, left), (ink, block, row, column)]


def _watermark(rng: np.random.Generator, under: _Under) -> Layers:
    """One mark across the middle or in a corner, see-through, level or aslant."""
    size = under.short * float(rng.uniform(0.04, 0.12))
    sheet = letter(rng.spawn(1)[0], str(rng.choice(_MARKS)), size)
    angle = float(rng.choice((0, 0, 20, 30, 45, -30)))
    sheet = _rotate(_shrink_to(sheet, under.width * 0.85, under.height * 0.85), angle)
    sheet = _shrink_to(sheet, under.width * 0.95, under.height * 0.95) * float(rng.uniform(0.15, 0.6))
    row, column = _find_room(rng, under, sheet.shape, over=rng.random() < 0.6)
    return [(_choose_veil(under, row, column, sheet.shape), sheet, row, column)]


def _tiled(rng: np.random.Generator, under: _Under) -> Layers:
    """The same mark again and again over all of the photo."""
    size = under.short * float(rng.uniform(0.025, 0.055))
    mark = letter(rng.spawn(1)[0], str(rng.choice(_MARKS)), size)
    apart = np.array(mark.shape) + size * rng.uniform((1.5, 1.0), (5.0, 3.0))
    side = int(np.hypot(under.height, under.width)) + 4
    sheet = np.zeros((side, side), np.float32)
    for index, row in enumerate(np.arange(0, side - mark.shape[0], apart[0])):
        for column in np.arange(-(index % 2) * apart[1] / 2, side - mark.shape[1], apart[1]):
            top, left = round(float(row)), max(0, round(float(column)))
            sheet[top : top + mark.shape[0], left : left + mark.shape[1]] = mark
    sheet = _rotate(sheet, float(rng.choice((0, 20, 30, 45, -30))))
    top, left = (sheet.shape[0] - under.height) // 2, (sheet.shape[1] - under.width) // 2
    sheet = sheet[top : top + under.height, left : left + under.width] * float(rng.uniform(0.15, 0.6))
    return [(_choose_veil(under, 0, 0, sheet.shape), sheet, 0, 0)]


def _badge(rng: np.random.Generator, under: _Under) -> Layers:
    """A circle, star, ribbon or flag in a corner, with a few words on it."""
    side = round(under.short * float(rng.uniform(0.14, 0.28)))
    shape = str(rng.choice(("circle", "star", "rounded", "ribbon")))
    cover = _shape(shape, side)
    words = _shrink_to(
        letter(rng.spawn(1)[0], str(rng.choice(_BADGES)), side * 0.25), side * 0.72, side * 0.4
    )
    row, column = _corner(rng, under, (side, side))
    if shape == "ribbon":
        return _ribbon(rng, under, words, side)
    tone = under.choose_ink(rng, row, column, cover.shape)
    ink = np.zeros(3, np.float32) if tone.mean() > 0.55 else np.ones(3, np.float32)
    middle = row + (side - words.shape[0]) // 2, column + (side - words.shape[1]) // 2
    return [(tone, cover, row, column), (ink, words, *middle)]


def _ribbon(rng: np.random.Generator, under: _Under, words: Plane, side: int) -> Layers:
    """A band across the upper left or right corner."""
    left = bool(rng.random() < 0.5)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    far = x + y if left else (side - 1 - x) + y
    cover = (np.clip(far - side * 0.5, 0, 1) * np.clip(side * 0.92 - far, 0, 1)).astype(np.float32)
    column = 0 if left else under.width - side
    tone = under.choose_ink(rng, 0, column, cover.shape)
    ink = np.zeros(3, np.float32) if tone.mean() > 0.55 else np.ones(3, np.float32)
    slanted = _rotate(_shrink_to(words, side * 0.62, side * 0.2), 45 if left else -45)
    middle = side * (0.355 if left else 0.645)
    at = round(side * 0.355 - slanted.shape[0] / 2), round(column + middle - slanted.shape[1] / 2)
    return [(tone, cover, 0, column), (ink, slanted, *at)]


def _logo(rng: np.random.Generator, under: _Under) -> Layers:
    """An emblem and a name, small, in a corner."""
    cv2 = opencv.load()
    size = max(10, round(under.short * float(rng.uniform(0.035, 0.07))))
    name = letter(
        rng.spawn(1)[0],
        str(rng.choice(("my-shop", "Nordhaus", "LUMA", "Casa Bella", "K&K", "urban.co"))),
        size * 0.6,
    )
    sign = np.zeros((2 * size, 2 * size), np.float32)
    center = (size, size)
    cv2.circle(sign, center, size - 2, 1.0, -1 if rng.random() < 0.5 else max(2, size // 6), cv2.LINE_AA)
    corners = rng.uniform(0.4, 1.6, (4, 2)) * size
    cv2.fillPoly(sign, [corners.round().astype(np.int32)], float(rng.choice((0.0, 1.0))), cv2.LINE_AA)
    tall = max(sign.shape[0], name.shape[0])
    parts = [np.pad(each, ((0, tall - each.shape[0]), (0, size // 2))) for each in (sign, name)]
    block = np.concatenate(parts, 1)
    row, column = _corner(rng, under, block.shape)
    return [
        (under.choose_ink(rng, row, column, block.shape), block * float(rng.uniform(0.7, 1.0)), row, column)
    ]


def _shape(shape: str, side: int) -> Plane:
    """Coverage of a badge's plate."""
    cv2 = opencv.load()
    cover = np.zeros((side, side), np.uint8)
    if shape == "circle":
        cv2.circle(cover, (side // 2, side // 2), side // 2 - 1, 255, -1, cv2.LINE_AA)
    elif shape == "star":
        turns = np.linspace(0, 2 * np.pi, 33)[:-1]
        reach = np.where(np.arange(32) % 2, 0.5, 0.41) * (side - 2)
        points = side / 2 + np.stack([np.cos(turns), np.sin(turns)], 1) * reach[:, None]
        cv2.fillPoly(cover, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    else:
        cover[side // 4 : -side // 4] = 255
    return cover.astype(np.float32) / 255


def _choose_veil(under: _Under, row: int, column: int, shape: tuple[int, ...]) -> Plane:
    """White on dark places, gray to black on pale ones."""
    place = under.photo[max(0, row) : row + shape[0], max(0, column) : column + shape[1]]
    mean = float(place.mean()) if place.size else 1.0
    return np.full(3, 1.0 if mean < 0.55 else 0.15, np.float32)


def _find_room(
    rng: np.random.Generator, under: _Under, shape: tuple[int, ...], over: bool | None = None
) -> tuple[int, int]:
    """A place for a sheet: anywhere in the photo, in the middle of it, or where the least product is."""
    free = np.maximum(np.array((under.height, under.width)) - shape, 1)
    margin = np.minimum(under.short * 0.03, free / 2)
    if over:
        return tuple((free * rng.uniform(0.35, 0.65, 2)).astype(int).tolist())
    places = (margin + (free - 2 * margin) * rng.random((6, 2))).astype(int)
    if over is None and rng.random() < 0.5:
        return tuple(places[0].tolist())
    hidden = [under.product[r : r + shape[0], c : c + shape[1]].mean() for r, c in places]
    return tuple(places[int(np.argmin(hidden))].tolist())


def _corner(rng: np.random.Generator, under: _Under, shape: tuple[int, ...]) -> tuple[int, int]:
    margin = round(under.short * float(rng.uniform(0.0, 0.05)))
    bottom, right = rng.random(2) < (0.4, 0.5)
    row = under.height - margin - shape[0] if bottom else margin
    return row, under.width - margin - shape[1] if right else margin


def _stack(sheets: list[Plane], gap: int, centered: bool) -> Plane:
    width = max(sheet.shape[1] for sheet in sheets)
    rows = []
    for sheet in sheets:
        spare = width - sheet.shape[1]
        left = spare // 2 if centered else 0
        rows.append(np.pad(sheet, ((0, gap), (left, spare - left))))
    return np.concatenate(rows)[: -gap or None]


def _shrink_to(sheet: Plane, width: float, height: float) -> Plane:
    cv2 = opencv.load()
    scale = min(1.0, width / sheet.shape[1], height / sheet.shape[0])
    if scale == 1.0:
        return sheet
    size = max(2, round(sheet.shape[1] * scale)), max(2, round(sheet.shape[0] * scale))
    shrunk: Plane = cv2.resize(sheet, size, interpolation=cv2.INTER_AREA)
    return shrunk


def _rotate(sheet: Plane, angle_deg: float) -> Plane:
    """Turn a sheet counterclockwise, whole."""
    if not angle_deg:
        return sheet
    cv2 = opencv.load()
    height, width = sheet.shape
    sine, cosine = abs(np.sin(np.deg2rad(angle_deg))), abs(np.cos(np.deg2rad(angle_deg)))
    size = int(np.ceil(width * cosine + height * sine)) + 2, int(np.ceil(height * cosine + width * sine)) + 2
    warp = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle_deg, 1.0)
    warp[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    turned: Plane = cv2.warpAffine(sheet, warp, size, flags=cv2.INTER_LINEAR)
    return turned


KINDS: dict[str, Callable[[np.random.Generator, _Under], Layers]] = {
    "promotion": _promote,
    "watermark": _watermark,
    "tiled watermark": _tiled,
    "badge": _badge,
    "logo": _logo,
}
"""Kinds of overlays."""
