"""What stands before the camera: one product on one ground, drawn once, larger than any frame sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from compression.listings.grounds import GROUNDS
from compression.listings.staging import BY_NAME, paint
from compression.scenes.materials import Painted
from compression.scenes.placing import expose, put
from edge_iqa import opencv

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]
"""2x3: takes (x, y, 1) of one picture to another."""

_OFTEN = ("white", "white", "white", "gray", "gray", "sweep", "sweep", "sweep", "sweep", *GROUNDS)
"""Grounds as often as films have them: 12 in 20 are plain (white, gray, sweep), the others each 1 in 20 or so."""
_LARGE_PX = 5_000_000
"""Grounds of larger canvases are drawn at half size: what lies behind a product is never as sharp as it."""
_STEP = 1.5
"""From one level of the pyramid to the next."""
_PROBE = 6
_COARSE = 4


@dataclass(frozen=True, eq=False)
class Product:
    """What is sold; the origin of the world is the middle of its box.

    Attributes:
        name: of the thing, as `compression.listings.staging.BY_NAME` has it.
        painted: RGB and coverage, 0-1.
        box_px: left, top, width and height of what is covered, within the paint.
    """

    name: str
    painted: Painted
    box_px: tuple[int, int, int, int]

    @property
    def left(self) -> int:
        """Of the paint, in pixels from the origin."""
        return -self.box_px[0] - self.box_px[2] // 2

    @property
    def top(self) -> int:
        return -self.box_px[1] - self.box_px[3] // 2

    @cached_property
    def area_px(self) -> int:
        return int((self.painted[1] > 0.5).sum())

    @cached_property
    def _cover(self) -> Pixels:
        return (self.painted[1] * 255 + 0.5).astype(np.uint8)

    @cached_property
    def _small_cover(self) -> Pixels:
        cv2 = opencv.load()
        size = tuple(max(1, side // _COARSE) for side in self._cover.shape[::-1])
        small: Pixels = cv2.resize(self._cover, size, interpolation=cv2.INTER_AREA)
        return small

    def sample_mask(self, to_world: Matrix, width_px: int, height_px: int, coarse: bool = False) -> Pixels:
        """Where the product shows in a picture, uint8 HxW, 255 on it; see `World.sample`."""
        picture = self._small_cover if coarse else self._cover
        scale = np.array(self._cover.shape[::-1]) / picture.shape[::-1]
        inner = _shift(to_world, (self.left, self.top), scale)
        return _warp(picture, inner, (width_px, height_px), opencv.load().BORDER_CONSTANT)


def paint_product(rng: np.random.Generator, width_px: int, height_px: int, fill: float) -> Product:
    """Paint a thing whose box has `fill` of the frame's width or height, the larger of both."""
    name = str(rng.choice(tuple(BY_NAME)))
    ratio, lean, state = (
        float(np.exp(rng.uniform(-0.3, 0.5))),
        float(rng.uniform(-1, 1)),
        int(rng.integers(1 << 32)),
    )
    wide = min(width_px, height_px / ratio)
    tall = wide * ratio
    # what is seen of a thing is less than its rectangle: a small one tells how much
    small = paint(np.random.default_rng(state), name, *_sides(tall / _PROBE, wide / _PROBE), lean, 0.0)
    _, _, probe_wide, probe_tall = _find_box_px(small[1])
    scale = fill / (_PROBE * max(probe_wide / width_px, probe_tall / height_px))
    whole = paint(np.random.default_rng(state), name, *_sides(tall * scale, wide * scale), lean, 0.0)
    return Product(name, whole, _find_box_px(whole[1]))


def _sides(tall: float, wide: float) -> tuple[int, int]:
    return max(24, round(tall)), max(24, round(wide))


def _find_box_px(cover: NDArray[np.float32]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero((cover > 0.5).any(1)), np.flatnonzero((cover > 0.5).any(0))
    return (
        int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class World:
    """A canvas that is well lit and sharp.

    Attributes:
        pixels: uint8 HxWx4, RGB and nothing: OpenCV warps four channels three times as fast as three.
        left, top: of the canvas, in pixels from the origin.
        background: name in `GROUNDS`.
        turns: quarter turns to the right from how frames are stored to upright. Warping by a quarter turn jumps
            through memory, so what is sampled is kept as it is stored.
    """

    pixels: Pixels
    left: int
    top: int
    background: str
    turns: int = 0
    _levels: dict[int, Pixels] = field(default_factory=dict)

    def sample(self, to_world: Matrix, width_px: int, height_px: int) -> Pixels:
        """Take a picture: uint8 HxWx3; `to_world` says where each of its pixels lies.

        Interpolation is linear, which is as soft as a lens and its sensor are.
        """
        cv2 = opencv.load()
        shrink = float(np.sqrt(abs(np.linalg.det(to_world[:, :2]))))
        picture = self._level(max(0, int(np.floor(np.log(shrink * 1.02) / np.log(_STEP)))))
        upright = picture.shape[1::-1] if self.turns % 2 == 0 else picture.shape[:2]
        scale = np.array(self.pixels.shape[1::-1]) / upright
        inner = _shift(to_world, (self.left, self.top), scale)
        turn = np.linalg.inv(turn_back(picture.shape[1], picture.shape[0], self.turns))
        inner = (turn @ np.vstack((inner, (0, 0, 1))))[:2]
        warped = _warp(picture, inner, (width_px, height_px), cv2.BORDER_REPLICATE)
        taken: Pixels = cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB)
        return taken

    def _level(self, level: int) -> Pixels:
        """The canvas shrunk by `_STEP` so many times, as frames are stored, made when first asked for."""
        cv2 = opencv.load()
        if level not in self._levels:
            shrunk = self.pixels
            if level:
                size = tuple(max(1, round(side / _STEP**level)) for side in self.pixels.shape[1::-1])
                shrunk = cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)
            self._levels[level] = np.ascontiguousarray(np.rot90(shrunk, self.turns))
        return self._levels[level]


def turn_back(width_px: int, height_px: int, turns: int) -> NDArray[np.float64]:
    """3x3: takes a pixel of a picture of that size to where it is after quarter turns to the right."""
    w, h = width_px - 1, height_px - 1
    rows = (
        ((1, 0, 0), (0, 1, 0)),
        ((0, -1, h), (1, 0, 0)),
        ((-1, 0, w), (0, -1, h)),
        ((0, 1, 0), (-1, 0, w)),
    )
    return np.array((*rows[turns % 4], (0, 0, 1)), np.float64)


def _shift(to_world: Matrix, corner: tuple[int, int], scale: NDArray[np.float64]) -> Matrix:
    """To the pixels of a picture that lies at `corner` of the world, shrunk by `scale`."""
    inner = to_world.copy()
    inner[:, 2] -= np.array(corner) - 0.5
    inner /= scale[:, None]
    inner[:, 2] -= 0.5
    return inner


def _warp(picture: Pixels, inner: Matrix, size: tuple[int, int], border: int) -> Pixels:
    cv2 = opencv.load()
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped: Pixels = cv2.warpAffine(picture, inner, size, flags=flags, borderMode=border)
    return warped


def choose_ground(rng: np.random.Generator) -> str:
    """The name of a ground, as often as films have it."""
    return str(rng.choice(_OFTEN))


def build(
    rng: np.random.Generator,
    product: Product,
    background: str,
    extent: tuple[int, int, int, int],
    turns: int,
) -> World:
    """Draw the canvas.

    Args:
        extent: left, top, right, bottom in pixels from the middle of the product's box.
        turns: see `World`.
    """
    left, top, right, bottom = extent
    ground_rng, light_rng = rng.spawn(2)
    lean, shadow = float(rng.uniform(-1, 1)), bool(rng.random() < 0.7)
    photo = _draw_ground(ground_rng, background, bottom - top, right - left)
    unseen = np.zeros(photo.shape[:2], np.float32)
    put(photo, unseen, product.painted, product.top - top, product.left - left, lean, shadow)
    # a camera sees light that falls off on white paper too: even light is the work of an editor
    pixels = expose(light_rng, photo, lean, False)
    cv2 = opencv.load()
    pixels = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.25, 0.4)))
    return World(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), left, top, background, turns)


def _draw_ground(rng: np.random.Generator, name: str, height: int, width: int) -> NDArray[np.float32]:
    if height * width <= _LARGE_PX:
        return GROUNDS[name](rng, height, width)
    small = GROUNDS[name](rng, -(-height // 2), -(-width // 2))
    cv2 = opencv.load()
    large: NDArray[np.float32] = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.maximum(large, 0)
