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
    (1.9338, 1.2868),
    (-0.0933, 0.1707),
    (1.9211, 0.8184),
    (-0.0863, 0.1479),
    (-1.6120, 0.8367),
    (-6.0388, 1.6497),
    (-0.3453, 2.4912),
    (0.4825, 0.7079),
    (-5.3935, 2.2966),
    (-5.3185, 2.9923),
    (-0.4704, 0.3905),
)
"""Mean and deviation of each property's logarithm."""

OUTLINE = Curve(
    1.8898,
    (-0.2376, 1.4011, 1.2289, -0.5685, 1.1095, -0.3033, -0.3362, -0.3657, -0.0046, -0.3783, -1.2137),
    (-0.2783, -0.6834, 0.0923, -0.8369, -0.1225, 0.3125, 0.1139, -0.2132, -0.3634, 0.2411, -0.3475),
)
"""That the outline and the true one share at least 0.9 of their union."""

PLACE = Curve(
    4.1417,
    (0.3515, 0.2595, 0.5252, -0.6095, 0.5898, 0.4814, -0.6599, 0.0360, -1.4060, 0.0123, -1.6473),
    (-0.0943, 0.0446, -0.1862, -0.8160, 0.0969, -0.0684, 0.0200, -0.2562, 0.3501, 0.0106, -0.8975),
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
