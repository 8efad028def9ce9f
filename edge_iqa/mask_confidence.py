"""How likely the product's outline is right, from what a right one looks like.

A logistic regression on eight properties of the mask, fitted to drawn scenes whose outline is known
(`scripts/fit_mask_confidence.py` makes `_WEIGHTS`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

PROPERTIES = ("contrast", "solid", "edge", "smooth", "area", "holes", "clutter", "noise")
"""Names of what `describe` gives, in its order."""

_BIAS = 2.2961
_WEIGHTS = {
    "contrast": (1.8180, 1.2059, -0.6691, -0.6526),
    "solid": (-0.0782, 0.1012, 0.7446, -0.3733),
    "edge": (2.0446, 0.6764, 1.2079, 0.0123),
    "smooth": (-0.0756, 0.1304, 0.1978, -0.4293),
    "area": (-1.2163, 0.5374, 0.5583, -0.2520),
    "holes": (-5.9227, 1.7080, -0.4108, 0.5449),
    "clutter": (-0.3606, 3.0865, -0.4784, 0.3649),
    "noise": (0.5706, 0.7114, -0.8396, -0.0810),
}
"""By property: mean and deviation of its logarithm, weight of its standardized value, weight of that value's square."""

_BLOCK = np.ones((3, 3), np.uint8)


def weigh(properties: tuple[float, ...]) -> float:
    """Chance (0 to 1) that the outline and the true one share at least 0.9 of their union.

    Args:
        properties: what `describe` gives.
    """
    total = _BIAS
    for value, name in zip(properties, PROPERTIES, strict=True):
        center, spread, weight, square = _WEIGHTS[name]
        standard = standardize(value, center, spread)
        total += weight * standard + square * standard * standard
    return 1 / (1 + math.exp(-total))


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
        over that of the filled product; steepness of the background where it is steepest; `noise`.
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
    return (
        float(np.percentile(inner, 25)) / max(1.0, float(np.percentile(around, 95))),
        area / max(hull, 1.0),
        float(np.percentile(outline, 10)),
        share,
        area / product.size,
        1 - area / float(filled.sum()),
        float(np.percentile(steep[behind], 98)) if behind.any() else 20.0,
        noise,
    )
