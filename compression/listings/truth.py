"""What is true of a listing: measured on the mask that drew it, or noted by what was done to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.measurement import Box

BURNT = 250
"""A pixel whose channels all reach it is burnt out to white."""
_CRUMB = 0.002
"""Share of the photo below which a part of the mask is no product of its own."""


@dataclass(frozen=True, eq=False)
class Truth:
    """All that is known of one listing; shares are 0 to 1, boxes shares of the photo.

    Attributes:
        seed, fault: what `draw_listing` was asked for; fault None is a photo without one.
        kind: which sort of the fault, such as "letterbox", "watermark", "grid"; "" where there is but one.
        background: name of what the product stands on; of the first panel of a collage.
        mask: uint8 HxW, 255 where a product is and shows, of the photo before JPEG.
        products: separate products.
        box: of all products together; None where none shows.
        fill: width or height of `box`, the larger.
        off_center: distance of its middle from the photo's, across as a share of the width, down of the height.
        cut_off: share of the length of the photo's edges along which a product is cut off.
        skew_deg: that the product leans, clockwise; None where nobody could say what is upright.
        brightness: median lightness L* (CIE 1976) of the product.
        clipped_bright: share of the product that is burnt out to white (each channel at least 250).
        clipped_dark: share of the product that is black (each channel at most 5).
        border_px: width of frame or bars at the top, right, bottom and left.
        border: the widest of them over the photo's shorter side.
        overlay: share of the photo that text, watermark, badge or logo covers.
        overlay_box: their box; None where there are none.
        panels: of a collage; 1 is one photo.
        screenshot: share of the height that bars and texts of a phone's screen take up.
        upscaled: times that the photo was enlarged; 1 is not at all.
        exposure: "over" or "under" where the product was exposed wrongly, "" where rightly.
        softness_px: deviation of the lens's own blur before any enlargement, as good cameras have it: 0 to 0.6.
    """

    seed: int
    fault: str | None
    background: str
    mask: NDArray[np.uint8]
    kind: str = ""
    products: int = 1
    box: Box | None = None
    fill: float = 0.0
    off_center: float = 0.0
    cut_off: float = 0.0
    skew_deg: float | None = None
    brightness: float = 0.0
    clipped_bright: float = 0.0
    clipped_dark: float = 0.0
    border_px: tuple[int, int, int, int] = (0, 0, 0, 0)
    border: float = 0.0
    overlay: float = 0.0
    overlay_box: Box | None = None
    panels: int = 1
    screenshot: float = 0.0
    upscaled: float = 1.0
    exposure: str = ""
    softness_px: float = 0.0


Facts = dict[str, object]
"""Fields of `Truth` by name."""


def describe_place(mask: NDArray[np.uint8]) -> Facts:
    """Where the product is: products, box, fill, off_center, cut_off."""
    covered = mask > 127
    box = find_box(covered)
    if box is None:
        return {"products": 0}
    left, top, width, height = box
    edges = (covered[0], covered[-1], covered[:, 0], covered[:, -1])
    return {
        "products": count_parts(covered),
        "box": box,
        "fill": max(width, height),
        "off_center": float(np.hypot(left + width / 2 - 0.5, top + height / 2 - 0.5)),
        "cut_off": float(sum(edge.sum() for edge in edges) / sum(map(len, edges))),
    }


def describe_light(pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> Facts:
    """How the product is exposed: brightness, clipped_bright, clipped_dark."""
    product = pixels[mask > 127]
    if not len(product):
        return {}
    lab = opencv.load().cvtColor(product[None].astype(np.float32) / 255, opencv.load().COLOR_RGB2LAB)
    return {
        "brightness": float(np.median(lab[..., 0])),
        "clipped_bright": float((product.min(1) >= BURNT).mean()),
        "clipped_dark": float((product.max(1) <= 5).mean()),
    }


def find_box(covered: NDArray[np.bool_]) -> Box | None:
    """The box of all that is true, as shares of the photo; None where nothing is."""
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    if not len(rows):
        return None
    height, width = covered.shape
    left, top = int(columns[0]), int(rows[0])
    return (
        left / width,
        top / height,
        (int(columns[-1]) + 1 - left) / width,
        (int(rows[-1]) + 1 - top) / height,
    )


def count_parts(covered: NDArray[np.bool_]) -> int:
    """Connected parts of a mask that are larger than a crumb."""
    _, _, stats, _ = opencv.load().connectedComponentsWithStats(covered.astype(np.uint8), connectivity=8)
    return int((stats[1:, 4] > _CRUMB * covered.size).sum())
