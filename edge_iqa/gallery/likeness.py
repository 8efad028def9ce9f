"""Are two photos copies of one? Aligned, then compared by light, by fine structure and by color.

What is told apart: a photo coded again, resized, brightened or cropped shows the same structure at the same places;
another photo of the same product, or of a product of the same shape, does not. Weights were fitted by
`scripts/fit_likeness.py` on validation photos and drawn listings of development seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.gallery import alignment
from edge_iqa.gallery.alignment import IDENTITY, Gray, Warp
from edge_iqa.gallery.fingerprint import COLOR_PX, GRAY_PX, Fingerprint

OFFSET, LIGHT_WEIGHT, STRUCTURE_WEIGHT, COLOR_WEIGHT = -0.05, 0.19, 5.02, -3.71
NEAR = 1 / (1 + math.exp(-2.0))
"""Likeness (0.88) from which two photos count as copies of one: so do 98.7 % of validation photos with 15 % cropped
away, and one in 4,416 pairs of the nearest others; at 0.95 98.0 % and none, at 0.82 98.9 % and two."""

LEAST_OWN = 0.6
"""Correlation of structure below which likeness is 0. White and gray photos have one color whatever they show, which
alone would carry them over `NEAR`. Of 2,689 copies of validation photos and listings that count as copies otherwise, 5
lie below it, of three photos; 3 lie below 0.5, 7 below 0.65. Gray photos of two shapes reach 0.59."""
_LEAST_FINE = 1.5
"""Of 255 levels, standard deviation of structure: below it there is light and rounding alone, as of a blank wall. Of
118 validation photos the least has 3.6."""
_FINE_PX = 2.0
"""Sigma of the blur that is taken off: what is left is structure, without light and large shapes."""
_LEAST_OVERLAP = 0.5
_LEAST_LIGHT = 0.65
"""Correlation of light below which two photos are not compared as they lie."""
_LEAST_STRUCTURE = 0.25
"""Correlation of structure below which a place is not worth refining."""
_LEAST_STD = 2.0
"""Of 255 levels: a photo flatter than that has nothing to be known by."""
_SURE = 0.98
"""Correlation of structure beyond which nothing better need be looked for."""
_BURNT = 250
"""A color channel this full may be clipped, and its color another."""


@dataclass(frozen=True, eq=False)
class _Fit:
    """How well two photos agree under a warp."""

    light: float
    structure: float
    warp: Warp


@dataclass(frozen=True)
class Comparison:
    """Two photos laid onto each other.

    Attributes:
        light: correlation of gray values, -1 to 1.
        structure: the same of what is finer than about 1/30 of the photo.
        color: mean distance of a* and b* (CIELAB) once both are equally bright.
    """

    light: float
    structure: float
    color: float

    @property
    def likeness(self) -> float:
        """Chance (0 to 1), among photos that look alike, that one is a copy of the other; 0 below `LEAST_OWN`."""
        if self.structure < LEAST_OWN:
            return 0.0
        light, structure = (_stretch(value) for value in (self.light, self.structure))
        logit = (
            LIGHT_WEIGHT * light + STRUCTURE_WEIGHT * structure
            + COLOR_WEIGHT * math.log(self.color + 0.5) + OFFSET
        )  # fmt: skip
        return 1 / (1 + math.exp(-min(max(logit, -50.0), 50.0)))


def _stretch(correlation: float) -> float:
    """Correlations near 1 pulled apart (R. A. Fisher's z, 1915)."""
    return math.atanh(min(0.995, max(-0.5, correlation)))


def compare(first: Fingerprint, second: Fingerprint) -> Comparison | None:
    """Lay `second` onto `first` and compare; None where no place fits, or one of them is flat or nearly."""
    if min(float(first.gray.std()), float(second.gray.std())) < _LEAST_STD:
        return None
    one, two = first.gray.astype(np.float32), second.gray.astype(np.float32)
    if min(float(_keep_fine(each).std()) for each in (one, two)) < _LEAST_FINE:
        return None
    best = _align(one, two)
    if best is None:
        return None
    return Comparison(best.light, best.structure, _compare_color(first.color, second.color, best.warp))


def _align(first: Gray, second: Gray) -> _Fit | None:
    """Lay `second` onto `first` as well as it can be; None where they do not show the same."""
    best = None
    if _correlation(first.ravel(), second.ravel()) >= _LEAST_LIGHT:
        best = _correlate(first, second, IDENTITY)
        if best is not None and best.structure >= _SURE:
            return best
    best = _choose(best, first, second, alignment.propose(first, second))
    if best is None or best.structure < _LEAST_STRUCTURE:
        return best
    return _choose(best, first, second, alignment.refine(first, second, best.warp))


def _choose(best: _Fit | None, first: Gray, second: Gray, warp: Warp | None) -> _Fit | None:
    """The better of what was found and another warp."""
    fit = None if warp is None else _correlate(first, second, warp)
    if best is None or (fit is not None and fit.structure > best.structure):
        return fit
    return best


def _correlate(first: Gray, second: Gray, warp: Warp) -> _Fit | None:
    """How well they agree where both photos are; None where they hardly overlap."""
    cv2 = opencv.load()
    inside, laid = _lay(second, warp)
    if inside.mean() < _LEAST_OVERLAP:
        return None
    core = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0
    fine = [_keep_fine(each) for each in (first, laid)]
    light, structure = _correlation(first[inside], laid[inside]), _correlation(fine[0][core], fine[1][core])
    return _Fit(light, structure, warp)


def _keep_fine(photo: Gray) -> Gray:
    """What is finer than large shapes."""
    cv2 = opencv.load()
    fine: Gray = photo - cv2.GaussianBlur(photo, (0, 0), _FINE_PX)
    return fine


def _lay(photo: NDArray[np.float32], warp: Warp) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """A photo seen through a warp, and where it is."""
    cv2 = opencv.load()
    size, how = photo.shape[1::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    inside = cv2.warpAffine(np.ones(photo.shape[:2], np.float32), warp, size, flags=how) > 0.99
    return inside, cv2.warpAffine(photo, warp, size, flags=how)


def _correlation(one: NDArray[np.float32], two: NDArray[np.float32]) -> float:
    if one.size < 2:
        return 0.0
    one, two = one - one.mean(), two - two.mean()
    # 1e-3 of a level's square a pixel: what is flat in both correlates with nothing
    return float((one @ two) / math.sqrt(float(one @ one) * float(two @ two) + 1e-3 * one.size))


def _compare_color(first: NDArray[np.uint8], second: NDArray[np.uint8], warp: Warp) -> float:
    """Mean distance of a* and b* where both photos are and neither is burnt out, once equally bright."""
    cv2 = opencv.load()
    scale = COLOR_PX / GRAY_PX
    smaller = warp.copy()
    smaller[:, 2] = scale * warp[:, 2] + (scale - 1) / 2 * (1 - warp[:, :2].sum(1))
    inside, laid = _lay(second.astype(np.float32), smaller)
    one, two = first.astype(np.float32)[inside], laid[inside]
    if not len(one):
        return 100.0
    used = (one.max(1) < _BURNT) & (two.max(1) < _BURNT)
    if used.sum() < 10:
        used[:] = True
    gain = np.median(one[used].sum(1) / (two[used].sum(1) + 1))
    labs = [
        cv2.cvtColor((np.clip(each[None], 0, 255) / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0, :, 1:]
        for each in (one[used], two[used] * gain)
    ]
    return float(np.linalg.norm(labs[0] - labs[1], axis=1).mean())
