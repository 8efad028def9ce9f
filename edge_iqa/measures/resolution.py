"""True resolution: a photo that was enlarged has no detail near the pixel, or a rhythm that no camera leaves.

Two signs, on the most detailed part of the product in pixels as they were decoded: the spectrum falls away above the
frequency that the smaller photo ended at, and the second difference varies with the period of interpolation
(A. C. Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images", 2005). A logistic
regression weighs them, another one tells the factor; `scripts/fit_resolution.py` makes their weights.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.measures import resolution_weights
from edge_iqa.measures.framing import Values
from edge_iqa.measures.sharpness import crop_detail
from edge_iqa.measures.study import Study

Floats = NDArray[np.float32]

CROP_PX = 512
"""Side of the part that is looked at."""

_BLOCK_PX, _STRIDE_PX, _MOST_BLOCKS = 64, 32, 32

_BANDS = ((2, 5), (5, 8), (8, 11), (11, 14), (14, 17), (17, 20), (20, 23), (23, 26), (26, 29), (29, 33))
"""Frequencies from and to (without), in cycles a block."""

_CODING = 0.006
"""Frequencies so near to a multiple of 1/8 are those of JPEG's blocks."""

_LEAST = 1.3
"""A factor below this is not told from none."""


def measure_resolution(study: Study) -> Values:
    """Measure `upscaled` and `true_long_side_px`.

    A JPEG that was decoded smaller than it is has lost the detail that would tell: then both are measured only where
    even what is left was enlarged.
    """
    luma, box = crop_detail(study, CROP_PX)
    terms = describe(luma)
    if terms is None:
        return {}
    long_side = max(study.frame.source_width_px, study.frame.source_height_px)
    shrink = long_side / max(study.frame.pixels.shape[:2])
    factor = 1.0
    if float(terms @ resolution_weights.ENLARGED) > 0:
        factor = max(_LEAST, math.exp(float(terms @ resolution_weights.FACTOR)))
    elif shrink > 1.01:
        return {}
    return {"upscaled": (factor * shrink, box), "true_long_side_px": (long_side / (factor * shrink), box)}


def describe(luma: Floats) -> Floats | None:
    """Terms of both regressions: 1, standardized signs and their squares; None where the crop is too small."""
    signs = measure_signs(luma)
    if signs is None:
        return None
    standard = (np.array(signs, np.float32) - resolution_weights.CENTER) / resolution_weights.SPREAD
    terms: Floats = np.r_[np.float32(1), standard, np.clip(standard, -3, 3) ** 2].astype(np.float32)
    return terms


def measure_signs(luma: Floats) -> list[float] | None:
    """Spectrum and rhythm of a crop (h, w), 0-255; None where it is too small."""
    spectrum = _measure_spectrum(luma)
    return None if spectrum is None else [*spectrum, *_measure_rhythm(luma)]


def _measure_spectrum(luma: Floats) -> list[float] | None:
    """Logarithm of the power in each band, and how much its finest part differs between rows and columns."""
    cells = min(luma.shape[0], luma.shape[1]) // _STRIDE_PX
    if cells < 2:
        return None
    cv2 = opencv.load()
    rows, columns = (side // _STRIDE_PX for side in luma.shape)
    busy = np.zeros_like(luma)
    busy[:, 1:] = cv2.absdiff(luma[:, 1:], luma[:, :-1])
    busy = busy[: rows * _STRIDE_PX, : columns * _STRIDE_PX]  # whole cells: averaging them is quick
    busy = cv2.resize(busy, (columns, rows), interpolation=cv2.INTER_AREA)
    busy = busy[1:, 1:] + busy[:-1, 1:] + busy[1:, :-1] + busy[:-1, :-1]
    count = min(_MOST_BLOCKS, max(4, busy.size // 4))
    corners = zip(*np.unravel_index(np.argsort(busy, axis=None)[::-1][:count], busy.shape), strict=True)
    window = np.hanning(_BLOCK_PX).astype(np.float32)
    window = window[:, None] * window
    chosen = np.stack([_cut_block(luma, int(row), int(column)) for row, column in corners])
    power = _measure_power((chosen - chosen.mean((1, 2), keepdims=True)) * window)
    power /= count * float(np.square(window).sum())
    across = np.log10(power.mean(0) + 1e-3)
    down = np.log10(power[: _BLOCK_PX // 2 + 1].mean(1) + 1e-3)
    bands = [float((across + down)[low:high].mean()) / 2 for low, high in _BANDS]
    return [*bands, abs(float(across[26:].mean() - down[26:].mean()))]


def _measure_power(blocks: Floats) -> Floats:
    """Power of each frequency over all blocks: rows of both signs, columns from 0 up. OpenCV's transform takes a
    fraction of the time of numpy's."""
    cv2 = opencv.load()
    spectra = np.stack([cv2.dft(block, flags=cv2.DFT_COMPLEX_OUTPUT) for block in blocks])
    power: Floats = np.square(spectra[:, :, : _BLOCK_PX // 2 + 1]).sum(0).sum(-1)
    return power


def _cut_block(luma: Floats, row: int, column: int) -> Floats:
    top, left = row * _STRIDE_PX, column * _STRIDE_PX
    return luma[top : top + _BLOCK_PX, left : left + _BLOCK_PX]


def _measure_rhythm(luma: Floats) -> list[float]:
    """Logarithm of the highest peaks, over the median, of the second difference's spectrum: both ways, either way."""
    cv2 = opencv.load()
    length = 1024
    frequency = np.arange(length // 2 + 1) / length
    usable = (frequency > 0.2) & (np.abs(frequency * 8 - np.round(frequency * 8)) > 8 * _CODING)
    peaks = []
    for order in ((2, 0), (0, 2)):
        curve = np.abs(cv2.Sobel(luma, cv2.CV_32F, *order, ksize=1))
        bend = np.log(cv2.reduce(curve, order.index(2), cv2.REDUCE_AVG).ravel()[1:-1] + 0.05)
        bend = (bend - np.convolve(bend, np.full(9, 1 / 9, np.float32), "same"))[8:-8]
        height = np.abs(np.fft.rfft(bend * np.hanning(len(bend)), length))
        peaks.append(height[usable] / (float(np.median(height)) + 1e-6))
    both, either = np.sqrt(peaks[0] * peaks[1]), np.maximum(peaks[0], peaks[1])
    return [math.log(max(float(both.max()), 1e-3)), math.log(max(float(either.max()), 1e-3))]
