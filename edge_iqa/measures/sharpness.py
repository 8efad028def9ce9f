"""Blur, its direction, and noise, on the most detailed part of the product, in pixels as they were decoded.

Blur is the width of the steepest edges: contrast across an edge over its slope (P. Marziliano et al., "A no-reference
perceptual blur metric", 2002, measures the same in one direction). A blur by motion takes fine detail from one
direction alone: along each of eight directions, the energy of the second derivative over that of the first is the
mean square frequency that is left.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.measurement import Box
from edge_iqa.measures.framing import Values
from edge_iqa.measures.study import Study

CROP_PX = 384
"""Side of the part that is looked at."""

_STEEPEST = 0.01
"""Share of the pixels that count as edges."""

_DIRECTIONS = 8


def measure_sharpness(study: Study, viewing_px: int) -> Values:
    """Measure `blur`, `motion`, `motion_direction` and `noise`.

    Args:
        viewing_px: long side at viewing scale, in whose pixels blur is told.
    """
    luma, box = crop_detail(study)
    scale = min(1.0, viewing_px / max(study.frame.pixels.shape[:2]))
    values: Values = {"noise": (_measure_noise(luma), box)}
    width_px = measure_width(luma)
    if width_px is not None:
        spread, direction = _measure_motion(luma)
        values |= {
            "blur": (width_px * scale, box),
            "motion": (spread, box),
            "motion_direction": (direction, box),
        }
    return values


def crop_detail(study: Study, side_px: int = CROP_PX) -> tuple[NDArray[np.float32], Box]:
    """Cut the part of the product that has most structure: luma (h, w), 0-255, and its place."""
    pixels = study.frame.pixels
    height, width = pixels.shape[:2]
    top, left, rows, columns = find_detail(study, (height, width), side_px)
    crop = opencv.load().cvtColor(
        np.ascontiguousarray(pixels[top : top + rows, left : left + columns]), opencv.load().COLOR_RGB2GRAY
    )
    return crop.astype(np.float32), (left / width, top / height, columns / width, rows / height)


def find_detail(study: Study, size: tuple[int, int], side_px: int = CROP_PX) -> tuple[int, int, int, int]:
    """Where the product has most structure: top, left, height and width, in pixels of a picture of this size.

    Args:
        study: looks at that picture, or a small copy of it.
        size: height and width.
        side_px: longest side of the part.
    """
    height, width = size
    rows, columns = min(side_px, height), min(side_px, width)
    small = study.structure
    scale = max(height, width) / max(small.shape)
    window = (
        max(1, min(small.shape[1], round(columns / scale))),
        max(1, min(small.shape[0], round(rows / scale))),
    )
    sums = opencv.load().boxFilter(
        small, -1, window, anchor=(0, 0), normalize=False, borderType=opencv.load().BORDER_CONSTANT
    )
    top, left = (int(each) for each in np.unravel_index(int(sums.argmax()), sums.shape))
    return min(round(top * scale), height - rows), min(round(left * scale), width - columns), rows, columns


def measure_width(luma: NDArray[np.float32]) -> float | None:
    """Median width (px) of the steepest edges; None where there is no edge.

    Args:
        luma: float32 (h, w), 0-255.
    """
    cv2 = opencv.load()
    soft = cv2.GaussianBlur(luma, (3, 3), 0.5)
    slope = cv2.magnitude(*(cv2.Sobel(soft, cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1))))
    # levels rounded to 8 bits: their range is exact enough, and found many times faster
    contrast = cv2.morphologyEx(cv2.convertScaleAbs(soft), cv2.MORPH_GRADIENT, np.ones((11, 11), np.uint8))
    edges = np.flatnonzero((slope >= max(_find_steepest(slope), 3.0)) & (contrast > 24))
    if len(edges) < 20:
        return None
    return float(np.median(contrast.ravel()[edges] / slope.ravel()[edges]))


def _find_steepest(slope: NDArray[np.float32]) -> float:
    """The slope that `_STEEPEST` of all pixels reach, to 1/32 level; sorting them would take the longest of all."""
    levels = (slope * 32).astype(np.uint16)
    counts = opencv.load().calcHist([levels], [0], None, [8192], [0, 8192]).ravel()
    reached = np.cumsum(counts[::-1]) >= _STEEPEST * slope.size
    return float(8191 - reached.argmax()) / 32


def _measure_motion(luma: NDArray[np.float32]) -> tuple[float, float]:
    """How much frequency is missing along the direction where most is missing, 0 to 1, and that direction (degrees)."""
    cv2 = opencv.load()
    soft = cv2.GaussianBlur(luma, (5, 5), 1.0)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1)))
    curves = [cv2.Sobel(soft, cv2.CV_32F, *order, scale=0.25) for order in ((2, 0), (1, 1), (0, 2))]
    slopes, bends = _correlate([across, down]), _correlate(curves)
    left = []
    for index in range(_DIRECTIONS):
        cos, sin = math.cos(math.pi * index / _DIRECTIONS), math.sin(math.pi * index / _DIRECTIONS)
        first, second = np.array((cos, sin)), np.array((cos * cos, 2 * cos * sin, sin * sin))
        left.append(float(second @ bends @ second) / (float(first @ slopes @ first) + 1.0))
    least = int(np.argmin(left))
    return 1 - left[least] / max(max(left), 1e-6), 180.0 * least / _DIRECTIONS


def _correlate(planes: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Mean products of each two planes: with them the energy along any direction is a small sum."""
    products = np.zeros((len(planes), len(planes)))
    for row, one in enumerate(planes):
        for column, two in enumerate(planes[: row + 1]):
            products[row, column] = products[column, row] = np.einsum("yx,yx->", one, two) / one.size
    return products


def _measure_noise(luma: NDArray[np.float32]) -> float:
    """Standard deviation of the noise, in levels, where the crop is flattest.

    J. Immerkaer, "Fast noise variance estimation" (1996): a mask that is blind to edges, on the flattest blocks.
    """
    cv2 = opencv.load()
    kernel = np.array(((1, -2, 1), (-2, 4, -2), (1, -2, 1)), np.float32)
    rough = np.square(cv2.filter2D(luma, cv2.CV_32F, kernel))
    blocks = cv2.resize(rough, None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(luma, blocks.shape[::-1], interpolation=cv2.INTER_AREA)
    usable = blocks[(inside > 8) & (inside < 245)]
    if not len(usable):
        return 0.0
    return float(np.sqrt(np.quantile(usable, 0.1) / 36))
