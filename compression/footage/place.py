"""Where the product is in a frame, from its outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compression.footage.path import Pose, Sensor, to_world
from compression.footage.world import Product
from compression.listings.truth import find_box
from edge_iqa.measurement import Box

_LONG_PX = 480


@dataclass(frozen=True)
class Place:
    """Shares, 0-1.

    Attributes:
        shown: of the product's area, how much the frame shows.
        box: left, top, width, height of it, as shares of the upright frame; None where nothing shows.
        fill: width or height of the box, the larger.
        cut_off: of the frame's edges, how much the product covers.
        margin: from the box to the nearest edge.
    """

    shown: float = 0.0
    box: Box | None = None
    fill: float = 0.0
    cut_off: float = 0.0
    margin: float = 0.0


def find_place(product: Product, pose: Pose, sensor: Sensor) -> Place:
    """Measure on an outline of 480 px."""
    width, height = sensor.upright
    shrink = sensor.long_px / _LONG_PX
    matrix = to_world(pose, width, height)
    matrix = matrix @ np.array([[shrink, 0, shrink / 2 - 0.5], [0, shrink, shrink / 2 - 0.5], [0, 0, 1]])
    covered = product.sample_mask(matrix, round(width / shrink), round(height / shrink), coarse=True) > 127
    box = find_box(covered)
    if box is None:
        return Place()
    left, top, wide, tall = box
    edges = (covered[0], covered[-1], covered[:, 0], covered[:, -1])
    seen_px = covered.sum() * (shrink * np.exp(pose[2])) ** 2
    return Place(
        shown=float(min(1.0, seen_px / product.area_px)),
        box=box,
        fill=max(wide, tall),
        cut_off=float(sum(edge.sum() for edge in edges) / sum(map(len, edges))),
        margin=min(left, top, 1 - left - wide, 1 - top - tall),
    )
