"""Photos of listings with one known fault, or none: what measurements are developed on and held to.

A scene (`compression.scenes`) stands as a seller would put it, gets at most one fault that needs no model
to see (border, text, collage, screenshot, cut off, askew, enlarged, burnt out ...), is coded as JPEG of
quality 75 to 95, and comes with the whole truth. Photos without a fault are hard on purpose: packs full of
print, keypads, striped cloth, tiles, a horizon, a picture on the wall, a door frame along the edge.

Whoever develops a measurement uses seeds of `seeds("development")` alone; figures that are published come from
`seeds("held out")`, which nobody tunes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from compression.listings import collages, enlarging, frames, light, overlays, screens
from compression.listings.grounds import GROUNDS, PLAIN
from compression.listings.staging import UPRIGHT, Plan, Stage, stage
from compression.listings.truth import Facts, Truth, describe_light, describe_place, find_box
from edge_iqa import opencv

__all__ = ["FAULTS", "GROUNDS", "PLAIN", "SIZES", "Listing", "Truth", "draw_listing", "encode", "seeds"]

SIZES = (
    (600, 600), (600, 800), (800, 600), (800, 800), (1000, 1000), (900, 1200), (1200, 900),
    (1200, 1200), (1200, 1600), (1600, 1200), (2400, 1800),
)  # fmt: skip
"""Heights and widths that a seed chooses from."""
_HELD_OUT = 1_000_000


def seeds(use: str) -> range:
    """Seeds of "development" (below 1,000,000) or "held out" (from there up to 2,000,000)."""
    if use not in ("development", "held out"):
        raise ValueError(f'expected "development" or "held out", got {use!r}')
    return range(_HELD_OUT) if use == "development" else range(_HELD_OUT, 2 * _HELD_OUT)


@dataclass(frozen=True, eq=False)
class Listing:
    """One photo of a listing.

    Attributes:
        pixels: uint8 HxWx3, RGB, decoded from `jpeg`.
        jpeg: the file.
        truth: all that is known of it.
    """

    pixels: NDArray[np.uint8]
    jpeg: bytes
    truth: Truth


@dataclass(frozen=True)
class _Order:
    """What a fault's function is asked for: two generators, one of the scene alone, the size, the ground."""

    scene: np.random.Generator
    fault: np.random.Generator
    height_px: int
    width_px: int
    background: str | None


Made = tuple[NDArray[np.uint8], NDArray[np.uint8], str, Facts]
"""Pixels, mask, background, and what the mask does not tell."""


def draw_listing(
    seed: int,
    fault: str | None = None,
    height_px: int | None = None,
    width_px: int | None = None,
    background: str | None = None,
) -> Listing:
    """Draw one photo.

    Args:
        seed: which photo; the same arguments give the same pixels. A seed has the same scene with "overlay",
            "over_exposed", "under_exposed" as without a fault.
        fault: name in `FAULTS`; None: none.
        height_px, width_px: size, each at least 200; None: the seed chooses from `SIZES`, screenshots as tall
            as a phone.
        background: name in `GROUNDS`; None: the seed chooses.

    Raises:
        ValueError: no such fault or background, or a side shorter than 200 px.
    """
    pixels, truth = render(seed, fault, height_px, width_px, background)
    return encode(pixels, truth)


def render(
    seed: int,
    fault: str | None = None,
    height_px: int | None = None,
    width_px: int | None = None,
    background: str | None = None,
) -> tuple[NDArray[np.uint8], Truth]:
    """The same before JPEG; see `draw_listing`."""
    if fault is not None and fault not in FAULTS:
        raise ValueError(f"fault: expected one of {', '.join(FAULTS)}, got {fault!r}")
    if background is not None and background not in GROUNDS:
        raise ValueError(f"background: expected one of {', '.join(GROUNDS)}, got {background!r}")
    chosen = SIZES[int(np.random.default_rng((seed, 2)).integers(len(SIZES)))]
    if fault == "screenshot":
        chosen = screens.choose_size(np.random.default_rng((seed, 2)))
    height_px, width_px = height_px or chosen[0], width_px or chosen[1]
    if min(height_px, width_px) < 200:
        raise ValueError(f"a drawn listing needs at least 200x200 px, got {width_px}x{height_px}")
    order = _Order(
        np.random.default_rng((seed, 0)), np.random.default_rng((seed, 1)), height_px, width_px, background
    )
    pixels, mask, ground, facts = _plain(order) if fault is None else FAULTS[fault](order)
    known = {**describe_place(mask), **describe_light(pixels, mask), **facts}
    return pixels, Truth(seed=seed, fault=fault, background=ground, mask=mask, **known)  # type: ignore[arg-type]


def encode(pixels: NDArray[np.uint8], truth: Truth) -> Listing:
    """Code as JPEG of quality 75 to 95, as the seed has it, and decode again."""
    cv2 = opencv.load()
    rng = np.random.default_rng((truth.seed, 3))
    full = rng.random() < 0.3
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if full else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        int(rng.integers(75, 96)),
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        sampling,
    ]
    _, coded = cv2.imencode(".jpg", pixels[..., ::-1], options)
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]
    return Listing(np.ascontiguousarray(decoded), coded.tobytes(), truth)


def _plain(order: _Order, **plan: object) -> Made:
    """A photo as it is taken: the plan's scene through a lens."""
    shot = _shoot(order, order.height_px, order.width_px, **plan)
    return shot.pixels, shot.mask, shot.background, _about(shot)


@dataclass(frozen=True, eq=False)
class _Shot(Stage):
    softness_px: float = 0.0


def _shoot(order: _Order, height_px: int, width_px: int, **plan: object) -> _Shot:
    background = {"background": order.background} if order.background else {}
    staged = stage(order.scene, height_px, width_px, Plan(**{**background, **plan}))  # type: ignore[arg-type]
    pixels, softness_px = enlarging.take(order.scene.spawn(1)[0], staged.pixels)
    return _Shot(pixels, staged.mask, staged.background, staged.skew_deg, softness_px)


def _about(shot: _Shot) -> Facts:
    return {"skew_deg": shot.skew_deg, "softness_px": shot.softness_px}


def _skew(order: _Order) -> Made:
    angle = float(order.fault.uniform(2, 15)) * float(order.fault.choice((-1, 1)))
    return _plain(order, angle_deg=angle, wanted=UPRIGHT)


def _several(order: _Order) -> Made:
    return _plain(order, count=int(order.fault.integers(2, 6)))


def _expose(order: _Order, exposure: str) -> Made:
    pixels, mask, ground, facts = _plain(order)
    change = light.over_expose if exposure == "over" else light.under_expose
    return change(order.fault, pixels, mask), mask, ground, {**facts, "exposure": exposure}


def _upscale(order: _Order) -> Made:
    factor = enlarging.choose_factor(order.fault)
    size = enlarging.shrink_size(order.height_px, order.width_px, factor)
    shot = _shoot(order, *size)
    pixels, kernel = enlarging.enlarge(order.fault, shot.pixels, order.height_px, order.width_px)
    cv2 = opencv.load()
    mask = cv2.resize(shot.mask, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    true_factor = max(order.height_px, order.width_px) / max(size)
    return pixels, mask, shot.background, {**_about(shot), "upscaled": true_factor, "kind": kernel}


def _frame(order: _Order) -> Made:
    frame = frames.plan_frame(order.fault, order.height_px, order.width_px)
    top, right, bottom, left = frame.sides
    shot = _shoot(order, order.height_px - top - bottom, order.width_px - left - right)
    pixels, mask = frames.lay_frame(order.fault, frame, shot.pixels, shot.mask)
    border = max(frame.sides) / min(order.height_px, order.width_px)
    facts = {**_about(shot), "border_px": frame.sides, "border": border, "kind": frame.kind}
    return pixels, mask, shot.background, facts


def _overlay(order: _Order) -> Made:
    pixels, mask, ground, facts = _plain(order)
    laid, changed, kind = overlays.lay_overlay(order.fault, pixels, mask)
    told = {"overlay": float(changed.mean()), "overlay_box": find_box(changed), "kind": kind}
    return laid, mask, ground, {**facts, **told}


def _collage(order: _Order) -> Made:
    collage = collages.plan_collage(order.fault, order.height_px, order.width_px)
    pixels, mask, ground = collages.draw_collage(order.fault, collage, order.height_px, order.width_px)
    return pixels, mask, ground, {"panels": len(collage.panels), "kind": collage.kind}


def _screenshot(order: _Order) -> Made:
    screen = screens.plan_screen(order.fault, order.height_px, order.width_px)
    shot = _shoot(order, *screen.photo_size)
    pixels, mask = screens.draw_screen(order.fault, screen, shot.pixels, shot.mask)
    share = 1 - screen.photo_size[0] / order.height_px
    return pixels, mask, shot.background, {**_about(shot), "screenshot": share, "kind": screen.kind}


FAULTS: dict[str, Callable[[_Order], Made]] = {
    "border": _frame,
    "overlay": _overlay,
    "collage": _collage,
    "screenshot": _screenshot,
    "several": _several,
    "cut_off": partial(_plain, cut=True),
    "off_center": partial(_plain, aside=True),
    "skew": _skew,
    "upscaled": _upscale,
    "over_exposed": partial(_expose, exposure="over"),
    "under_exposed": partial(_expose, exposure="under"),
}
"""By name."""
