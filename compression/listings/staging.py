"""One photo as a careful seller takes it, or with the product put wrongly: cut off, aside, askew, too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.listings.grounds import GROUNDS
from compression.scenes.backgrounds import PLAIN
from compression.scenes.materials import Painted, Plane
from compression.scenes.placing import expose, put
from compression.scenes.things import THINGS
from edge_iqa import opencv

BY_NAME = {thing.__name__.lstrip("_"): thing for thing in THINGS}
UPRIGHT = ("box", "turned", "mug", "keypad", "bag")
"""Things that have an up and a down, so that a lean can be seen."""
_OFTEN = ("white", "white", "white", "gray", "gray", "sweep", "sweep", *GROUNDS)
_MARGIN = 0.012
"""Share of the photo that stays free around a product that is not cut off."""


@dataclass(frozen=True)
class Plan:
    """How to put the products; None: the seed chooses.

    Attributes:
        fill: side of a lone product over the photo's.
        count: products side by side.
        aside: put it far from the middle.
        cut: lay it over one or two edges.
        angle_deg: clockwise lean of a thing that has an up and a down.
        wanted: names of things to choose from.
    """

    background: str | None = None
    fill: float | None = None
    count: int = 1
    aside: bool = False
    cut: bool = False
    angle_deg: float = 0.0
    wanted: Sequence[str] = tuple(BY_NAME)


@dataclass(frozen=True, eq=False)
class Stage:
    """One photo without frame, text or the like: uint8 HxWx3 RGB, mask HxW, where and how it stands."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    background: str
    skew_deg: float | None


def stage(rng: np.random.Generator, height_px: int, width_px: int, plan: Plan) -> Stage:
    """Draw the products of a plan; the same generator gives the same things at any size and on any ground."""
    ground_rng, thing_rng, place_rng, light_rng = rng.spawn(4)
    lean = float(rng.uniform(-1, 1))
    drawn = str(rng.choice(_OFTEN))
    shadowed, studio = rng.random(2) < 0.5
    background = plan.background or drawn
    photo = GROUNDS[background](ground_rng, height_px, width_px)
    mask = np.zeros((height_px, width_px), np.float32)
    shadow = bool(shadowed) or background not in PLAIN
    places = _share_out(place_rng, height_px, width_px, plan)
    name = ""
    for index, (top, left, tall, wide) in enumerate(places):
        name = str(thing_rng.choice(tuple(plan.wanted)))
        child = thing_rng.spawn(1)[0]
        thing = paint(child, name, tall, wide, lean, plan.angle_deg)
        row, column = _place(place_rng, thing[1], (top, left, tall, wide), mask.shape, plan, index)
        put(photo, mask, thing, row, column, lean, shadow)
    even = background == "white" or (background == "gray" and bool(studio))
    pixels = expose(light_rng, photo, lean, even)
    skew = plan.angle_deg if plan.count == 1 and name in UPRIGHT else None
    return Stage(pixels, (mask * 255 + 0.5).astype(np.uint8), background, skew)


Place = tuple[int, int, int, int]
"""Top, left, height and width of the room for one product, in pixels."""


def _share_out(rng: np.random.Generator, height: int, width: int, plan: Plan) -> list[Place]:
    """Rooms that do not touch: the whole photo for one product, a grid for several."""
    if plan.count == 1:
        # what leans needs more room than its own size
        low, high = (0.25, 0.55) if plan.aside else (0.35, 0.7 if plan.angle_deg else 0.95)
        fill = plan.fill or float(rng.uniform(low, high))
        ratio = float(np.exp(rng.uniform(-0.3, 0.5)))  # height over width
        wide = min(width * fill, height * fill / ratio)
        tall = wide * ratio
        return [
            (
                round((height - tall) / 2),
                round((width - wide) / 2),
                max(24, round(tall)),
                max(24, round(wide)),
            )
        ]
    columns = plan.count if plan.count < 4 or width > 1.6 * height else 2
    if height > 1.2 * width:
        columns = 1 if plan.count == 2 else 2
    rows = -(-plan.count // columns)
    tall, wide = height / rows, width / columns
    places = []
    for index in range(plan.count):
        share = rng.uniform((0.6, 0.6), (0.86, 0.86))
        high, broad = (np.array((tall, wide)) * share).round().astype(int)
        top = round((index // columns + 0.5) * tall - high / 2)
        left = round((index % columns + 0.5) * wide - broad / 2)
        places.append((top, left, max(24, int(high)), max(24, int(broad))))
    return places


def paint(
    rng: np.random.Generator, name: str, tall: int, wide: int, lean: float, angle_deg: float
) -> Painted:
    """A thing whose whites keep their structure, as in a well exposed photo; leaning where it should."""
    limit = float(rng.uniform(0.93, 0.97))
    glints = rng.random() < 0.4
    rgb, cover = BY_NAME[name](rng, tall, wide, lean)
    bright = (rgb.min(-1) > 0.97) & (cover > 0.5)
    if not (glints and bright.mean() < 0.004):
        knee = limit - 0.08
        rgb = np.where(rgb > knee, knee + 0.08 * np.tanh((rgb - knee) / 0.08), rgb)
    rgb = np.clip(rgb, 0, 1)
    return turn(rgb, cover, angle_deg) if angle_deg else (rgb, cover)


def turn(rgb: Plane, cover: Plane, angle_deg: float) -> Painted:
    """Turn a thing clockwise about its middle, in a rectangle that holds all of it."""
    cv2 = opencv.load()
    height, width = cover.shape
    sine, cosine = abs(np.sin(np.deg2rad(angle_deg))), abs(np.cos(np.deg2rad(angle_deg)))
    size = int(np.ceil(width * cosine + height * sine)) + 2, int(np.ceil(height * cosine + width * sine)) + 2
    warp = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle_deg, 1.0)
    warp[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    color = cv2.warpAffine(rgb, warp, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    where = cv2.warpAffine(cover, warp, size, flags=cv2.INTER_LINEAR)
    return np.clip(color, 0, 1), np.clip(where, 0, 1)


def _place(
    rng: np.random.Generator, cover: Plane, room: Place, size: tuple[int, ...], plan: Plan, index: int
) -> tuple[int, int]:
    """Row and column of a thing's rectangle: in its room, aside, or over an edge."""
    top, left, tall, wide = room
    free = np.array(size[:2]) - cover.shape
    row, column = top + (tall - cover.shape[0]) // 2, left + (wide - cover.shape[1]) // 2
    if plan.cut and index == 0:
        return _push_out(rng, cover, (row, column), size)
    if plan.count == 1:
        jitter = rng.uniform(-0.5, 0.5, 2) if plan.aside else rng.normal(0, 0.02, 2)
        if plan.aside:
            jitter = np.where(np.abs(jitter) < 0.15, jitter, np.sign(jitter) * 0.5)
            jitter[int(rng.integers(2))] = float(rng.choice((-0.5, 0.5))) * float(rng.uniform(0.75, 1.0))
            row, column = (free / 2 + jitter * free).round().astype(int).tolist()
        else:
            row, column = row + round(jitter[0] * size[0]), column + round(jitter[1] * size[1])
        least = np.ceil(np.array(size[:2]) * _MARGIN)
        row, column = np.clip((row, column), np.minimum(least, free / 2), np.maximum(free - least, free / 2))
    return round(float(row)), round(float(column))


def _push_out(
    rng: np.random.Generator, cover: Plane, at: tuple[int, int], size: tuple[int, ...]
) -> tuple[int, int]:
    """Lay the thing over one edge, or two that meet, until a good part of that edge is covered."""
    height, width = size[:2]
    axes = [int(rng.integers(2))] if rng.random() < 0.7 else [0, 1]
    ends = rng.random(2) < 0.5
    share = float(rng.uniform(0.08, 0.4))
    while True:
        place = list(at)
        for axis in axes:
            beyond = round(cover.shape[axis] * share)
            place[axis] = -beyond if ends[axis] else size[axis] - cover.shape[axis] + beyond
        seen = np.zeros((height, width), np.float32)
        put(
            np.zeros((height, width, 1), np.float32),
            seen,
            (np.zeros((*cover.shape, 1), np.float32), cover),
            *place,
            0.0,
            False,
        )
        edges = (seen[0], seen[-1], seen[:, 0], seen[:, -1])
        if sum(float((edge > 0.5).sum()) for edge in edges) > 0.03 * 2 * (height + width) or share > 0.6:
            return place[0], place[1]
        share += 0.06
