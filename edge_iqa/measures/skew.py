"""How far the product leans: the direction that most of its edges have, off the upright and the level.

Made things have long straight edges, most of them along two directions a right angle apart; a histogram of the
gradients' directions, taken modulo 90 degrees, peaks there (B. Su et al., "Skew detection for Chinese handwriting
by horizontal stroke histogram", 2007, find a page's lean likewise).
"""

from __future__ import annotations

import numpy as np

from edge_iqa import opencv
from edge_iqa.measures.framing import Values
from edge_iqa.measures.study import Study, find_box, pick

_BINS = 180
"""Of half a degree."""

_MOST_DEG = 18.0
"""A larger lean is not told from none: it may be how the thing is."""

_PEAK = 3.0
"""Times as many edges as elsewhere that have the direction; with fewer nothing is measured."""

_LEVEL = 0.8
"""The product stands upright where upright edges are so many of the peak's."""

_SLOPE, _MOST_SLOPE = 4.0, 40.0
"""Levels a pixel: less is no edge; more counts no more."""


def measure_skew(study: Study) -> Values:
    """Measure `skew`, where a product was found that has straight edges."""
    if not study.mask.is_found:
        return {}
    directions = _count_directions(study)
    if directions is None:
        return {}
    centers = (np.arange(_BINS) + 0.5) * (90 / _BINS) - 45
    near = np.flatnonzero(np.abs(centers) <= _MOST_DEG)
    peak = int(near[directions[near].argmax()])
    if directions[peak] < _PEAK:
        return {}
    upright = float(directions[np.abs(centers) < 1].max()) >= _LEVEL * directions[peak]
    return {"skew": (0.0 if upright else float(centers[peak]), find_box(study.mask.product))}


def _count_directions(study: Study) -> np.ndarray | None:
    """Edges by direction modulo 90 degrees, from -45 clockwise, over their mean; None where there are none."""
    cv2 = opencv.load()
    flags = cv2.dilate(study.mask.product.astype(np.uint8), np.ones((5, 5), np.uint8))
    product = cv2.resize(flags, study.medium.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    left, top, width, height = cv2.boundingRect(product)
    # with a margin, which blurring and sloping look at
    inside = slice(max(0, top - 8), top + height + 8), slice(max(0, left - 8), left + width + 8)
    luma = cv2.cvtColor(study.medium[inside], cv2.COLOR_RGB2GRAY).astype(np.float32)
    soft = cv2.GaussianBlur(luma, (7, 7), 1.0)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1)))
    slope = cv2.magnitude(across, down)
    edges = (product[inside] > 0) & (slope > _SLOPE)
    if not edges.any():
        return None
    across, down, slope = (pick(plane, edges) for plane in (across, down, slope))
    # in bins, from -45 degrees, and above 0 whatever the direction
    angle = np.arctan2(down, across) * np.float32(2 * _BINS / np.pi) + np.float32(2.5 * _BINS)
    bins = angle.astype(np.int32) % _BINS
    count = np.bincount(bins, np.minimum(slope, _MOST_SLOPE), _BINS)
    bell = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
    smooth = np.convolve(np.r_[count[-12:], count, count[:12]], bell / bell.sum(), "same")[12:-12]
    return np.asarray(smooth / max(float(smooth.mean()), 1e-9))
