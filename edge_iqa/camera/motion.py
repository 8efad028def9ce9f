"""How far the picture moved since the frame before: what tells a hand's tremor from a phone on its way.

Phase correlation finds a shift of any size (C. D. Kuglin and D. C. Hines, "The phase correlation image alignment
method", 1975). What it leaves, with zoom and roll, is found by least squares on the gradients (B. D. Lucas and
T. Kanade, "An iterative image registration technique", 1981), beside a gain and an offset: light that changes is no
motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

Floats = NDArray[np.float32]

SIDE_PX = 128
"""Longer side of the copies that are compared: a tremor of a thousandth of the picture is a tenth of a pixel, which
averaging and gradients still tell."""

FARTHEST = 1.0
"""What two pictures that have nothing in common give at most: as far as one is long."""

_NEAR = 1.5
"""Pixels that least squares find by themselves."""

_GAIN = (0.3, 0.3)
"""Levels, and share, by which a large shift must leave less than none does: noise alone correlates anywhere."""

_DOUBTS = 3.0
"""Standard deviations that are taken off a shift: of an empty wall nobody can say that it moved."""

_RELIT = 1.0
"""Levels by which the mean changes when the light does."""


class Motion:
    """Compares each frame with the one before. Holds two small copies, and nothing of the frames."""

    def __init__(self) -> None:
        self._before: Floats | None = None
        self._window: Floats | None = None
        self._terms: _Terms | None = None

    def measure(self, rgb: NDArray[np.uint8]) -> float:
        """How far the corner moved that moved farthest, as a share of the longer side; 0 for the first frame.

        Args:
            rgb: uint8 (h, w, 3), a small upright copy of the frame. One of another shape begins anew.
        """
        after = _shrink(rgb)
        before, self._before = self._before, after
        if before is None or before.shape != after.shape:
            return 0.0
        if abs(float(before.mean() - after.mean())) > _RELIT:
            before = _match_tones(before, after)
        if self._window is None or self._window.shape != after.shape:
            self._window = opencv.load().createHanningWindow(after.shape[::-1], opencv.load().CV_32F)
            self._terms = _Terms(after.shape)
        return self._compare(before, after)

    def _compare(self, before: Floats, after: Floats) -> float:
        cv2 = opencv.load()
        height, width = after.shape
        # windowed here: OpenCV does it in the caller's memory where the size suits its transform
        one, two = ((plane - plane.mean()) * self._window for plane in (before, after))
        (across, down), _ = cv2.phaseCorrelate(one, two)
        warp, fit = self._refine(before, after, (0.0, 0.0))
        if max(abs(across), abs(down)) > _NEAR:
            moved, better = self._refine(before, after, (across, down))
            if better.left < fit.left - max(_GAIN[0], _GAIN[1] * fit.left):
                warp, fit = moved, better
        corners = np.array(((0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1)), np.float64)
        shifts = corners @ warp.T - corners[:, :2]
        surely = max(0.0, float(np.hypot(shifts[:, 0], shifts[:, 1]).max()) - _DOUBTS * fit.doubt_px)
        return float(min(FARTHEST, surely / max(height, width)))

    def _refine(self, before: Floats, after: Floats, start: tuple[float, float]) -> tuple[NDArray[Any], _Fit]:
        """Find the similarity that takes `before` to `after`: the warp (2, 3), and how well it does."""
        cv2, terms = opencv.load(), self._terms
        if terms is None:  # `measure` made them
            raise ValueError("no picture was seen before")
        warp = np.array(((1, 0, start[0]), (0, 1, start[1])), np.float64)
        for _ in range(2):
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            back = cv2.warpAffine(
                after, warp, after.shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            step, fit = terms.solve(before, back)
            warp = warp @ np.vstack([step, (0, 0, 1)])
        return warp, fit


@dataclass(frozen=True)
class _Fit:
    """How well a step explains what changed.

    Attributes:
        left: mean difference that is left, in levels.
        doubt_px: standard deviation of the corners' shift.
    """

    left: float
    doubt_px: float


class _Terms:
    """The least squares of a similarity between two small pictures of one shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        height, width = shape
        self._y, self._x = np.mgrid[:height, :width].astype(np.float32)
        self._y -= height / 2
        self._x -= width / 2
        # what lies at the rim may have come from outside
        self._inside = np.s_[height // 10 : height - height // 10, width // 10 : width - width // 10]
        # zoom and roll move a corner by as many pixels as the picture is long: small ones alone are likely
        self._corner = (height**2 + width**2) / max(shape) ** 2
        self._ridge = np.diag((1e-3, 1e-3, 2e-4, 2e-4, 1e-6, 1e-6)) * height * width

    def solve(self, before: Floats, after: Floats) -> tuple[NDArray[Any], _Fit]:
        """The step of the warp (2, 3), and how well it does."""
        cv2 = opencv.load()
        right, down = (cv2.Sobel(before, cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1)))
        reach = float(max(before.shape)) / 2
        planes = (
            right,
            down,
            (right * self._x + down * self._y) / reach,
            (down * self._x - right * self._y) / reach,
            before,
            np.ones_like(before),
        )
        design = np.stack([plane[self._inside].ravel() for plane in planes], -1)
        change = (after - before)[self._inside].ravel()
        inverse = np.linalg.inv(design.T @ design + self._ridge)
        found = inverse @ (design.T @ change)
        rest = change - design @ found
        shift, turn = inverse[0, 0] + inverse[1, 1], inverse[2, 2] + inverse[3, 3]
        fit = _Fit(
            float(np.abs(rest).mean()), float(np.sqrt(np.square(rest).mean() * (shift + self._corner * turn)))
        )
        across, fall, zoom, roll = (found[:4] / (1, 1, reach, reach)).tolist()
        middle_y, middle_x = before.shape[0] / 2, before.shape[1] / 2
        # after(x) = before(x + step(x)): the picture moved the other way
        step = np.array(((1 - zoom, roll, -across), (-roll, 1 - zoom, -fall)))
        step[:, 2] += np.array((zoom * middle_x - roll * middle_y, zoom * middle_y + roll * middle_x))
        return step, fit


def _match_tones(before: Floats, after: Floats) -> Floats:
    """Give one picture the histogram of the other: what a lamp or the exposure did is undone, clipping and all."""
    cv2 = opencv.load()
    shares = [
        np.cumsum(cv2.calcHist([plane.astype(np.uint8)], [0], None, [256], [0, 256]).ravel()) / plane.size
        for plane in (before, after)
    ]
    curve = np.interp(shares[0], shares[1], np.arange(256)).astype(np.float32)
    matched: Floats = cv2.LUT(before.astype(np.uint8), curve)
    return matched


def _shrink(rgb: NDArray[np.uint8]) -> Floats:
    """Luma (h, w), 0-255, the longer side `SIDE_PX`."""
    cv2 = opencv.load()
    height, width = rgb.shape[:2]
    scale = SIDE_PX / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    # averaged as floats: what rounding adds would pass for noise
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    small: Floats = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    return small
