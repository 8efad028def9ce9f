"""How likely the product's outline, and its place, are right, from what right ones look like.

Two logistic regressions on eleven properties of the mask, fitted to drawn listings whose outline is known
(`scripts/fit_mask_confidence.py` makes `CURVES`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.ranks import find_quantile

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

PROPERTIES = (
    "contrast", "solid", "edge", "smooth", "area", "holes", "clutter", "noise", "touch", "sides", "span",
)  # fmt: skip
"""Names of what `describe` gives, in its order."""


@dataclass(frozen=True)
class Curve:
    """A logistic regression on standardized logarithms and their squares.

    Attributes:
        bias: the constant.
        weights: of each property.
        squares: of each property's square.
    """

    bias: float
    weights: tuple[float, ...]
    squares: tuple[float, ...]

    def chance(self, properties: tuple[float, ...]) -> float:
        """Chance (0 to 1), from what `describe` gives."""
        total = self.bias
        for value, scale, weight, square in zip(properties, _SCALES, self.weights, self.squares, strict=True):
            standard = standardize(value, *scale)
            total += weight * standard + square * standard * standard
        return 1 / (1 + math.exp(-total))


_SCALES = (
    (1.8883, 1.2797),
    (-0.0921, 0.1796),
    (1.9217, 0.8307),
    (-0.0863, 0.1479),
    (-1.6440, 0.8507),
    (-6.0100, 1.6987),
    (-0.1463, 2.2785),
    (0.4825, 0.7079),
    (-5.4072, 2.2905),
    (-5.3506, 2.9703),
    (-0.4817, 0.3965),
)
"""Mean and deviation of each property's logarithm."""

OUTLINE = Curve(
    2.5956,
    (0.0654, 1.5592, 0.9734, -0.7877, 0.9802, -0.4916, -0.3247, -0.3688, 0.1786, -0.4239, -1.1247),
    (-0.2625, -0.2394, -0.0408, -0.7501, -0.1701, 0.5541, 0.0794, -0.2109, -0.9376, 0.2330, -0.3665),
)
"""That the outline and the true one share at least 0.9 of their union."""

PLACE = Curve(
    4.0821,
    (0.4672, 0.2790, 0.4463, -0.5458, 0.6391, 0.4403, -0.5857, 0.0005, -1.3756, 0.0330, -1.6810),
    (-0.0780, 0.0661, -0.2059, -0.7854, 0.1173, -0.0077, 0.0669, -0.2238, 0.3311, 0.0007, -0.9384),
)
"""That the product spans what its box spans, within 0.05 of the photo's side."""

_BLOCK = np.ones((3, 3), np.uint8)


def standardize(value: float, center: float, spread: float) -> float:
    """Logarithm of a property on the scale of the scenes, held within three deviations."""
    return min(3.0, max(-3.0, (math.log(max(value, 1e-3)) - center) / spread))


def describe(product: Flags, far: Floats, steep: Floats, share: float, noise: float) -> tuple[float, ...]:
    """Measure the properties of a mask, in the order of `PROPERTIES`.

    Args:
        product: bool (h, w), with something in it.
        far: distance of each pixel from the background, in Lab.
        steep: gradient of each pixel, in Lab.
        share: of the photo's border that the background's surface explains.
        noise: deviation of the border from that surface.

    Returns:
        How much farther from the background's color the product is than the background itself; area over that of its
        hull; steepness of the outline where it is flattest; `share`; area over the photo's; area of its holes
        over that of the filled product; steepness of the background where it is steepest; `noise`; share of the photo's
        edges that it touches, number of edges that it takes up by more than 0.3; the larger of its box's sides.
    """
    cv2 = opencv.load()
    flags = product.astype(np.uint8)
    core = cv2.erode(flags, _BLOCK, borderType=cv2.BORDER_CONSTANT, borderValue=1) > 0
    rim = product & ~core
    behind = cv2.dilate(flags, np.ones((7, 7), np.uint8)) == 0
    inner = far[core] if core.any() else far[product]
    around = far[behind] if behind.any() else np.full(1, 50, np.float32)
    outline = cv2.dilate(steep, _BLOCK)[rim] if rim.any() else np.zeros(1, np.float32)
    contours, _ = cv2.findContours(flags, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = sum(cv2.contourArea(cv2.convexHull(contour)) for contour in contours)
    filled = cv2.drawContours(np.zeros_like(flags), contours, -1, 1, -1)
    area = float(product.sum())
    edges = (product[0], product[-1], product[:, 0], product[:, -1])
    return (
        find_quantile(inner, 0.25) / max(1.0, find_quantile(around, 0.95)),
        area / max(hull, 1.0),
        find_quantile(outline, 0.1),
        share,
        area / product.size,
        1 - area / float(filled.sum()),
        find_quantile(steep[behind], 0.98) if behind.any() else 20.0,
        noise,
        float(sum(edge.sum() for edge in edges)) / sum(map(len, edges)),
        float(sum(float(edge.mean()) > 0.3 for edge in edges)),
        max(float(product.any(axis).mean()) for axis in (0, 1)),
    )
