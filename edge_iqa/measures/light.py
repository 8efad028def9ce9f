"""Light and color of the product, in CIE Lab and CIE 1976 u'v' (CIE 15:2018), D65."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.colorimetry import TO_XYZ, to_linear
from edge_iqa.measures.framing import Values
from edge_iqa.measures.study import Study, find_box, pick
from edge_iqa.ranks import find_median_level

BURNT, DROWNED = 250, 5
"""Each channel at least, at most so much: no detail is left."""

_BLOWN = 253
"""A channel from here on holds no more light: colors shift before all of them are burnt out."""

_WHITE_UV = np.array((0.19784, 0.46834), np.float32)
"""u' and v' of D65."""

_GRAY = (60.0, 30.0)
"""A background at least so light and at most so colorful is taken for what should be gray."""


def measure_light(study: Study) -> Values:
    """Measure `brightness`, `clipped_bright`, `blown`, `clipped_dark`, `contrast` and `saturation` of the product (of
    all of the photo where nothing stands out), and `cast` where a light background tells it."""
    box = find_box(study.product)
    lab = pick(study.lab, study.product)
    low, middle, high = np.percentile(lab[:, 0], (5, 50, 95)).tolist()
    burnt = study.product & (study.lowest >= BURNT)
    drowned = study.product & (study.highest <= DROWNED)
    values: Values = {
        "brightness": (middle, box),
        "clipped_bright": (float(burnt.sum()) / len(lab), find_box(burnt)),
        "blown": (float((study.highest[study.product] >= _BLOWN).mean()), box),
        "clipped_dark": (float(drowned.sum()) / len(lab), find_box(drowned)),
        "contrast": (high - low, box),
        "saturation": (float(np.hypot(lab[:, 1], lab[:, 2]).mean()), box),
    }
    return {**values, **measure_cast(study)}


def measure_cast(study: Study) -> Values:
    """How far the background is from gray, where it is so light and pale that it should be gray."""
    if study.mask.background == "none" or not study.background.any():
        return {}
    color = np.array([find_median_level(levels) for levels in pick(study.small, study.background).T])
    lightness, a, b = to_lab(color[None].astype(np.uint8))[0].tolist()
    if lightness < _GRAY[0] or np.hypot(a, b) > _GRAY[1]:
        return {}
    return {"cast": (float(np.hypot(*(to_uv(color[None])[0] - _WHITE_UV))), None)}


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE Lab of sRGB pixels (n, 3): L* 0-100, a* and b*."""
    cv2 = opencv.load()
    lab: NDArray[np.float32] = cv2.cvtColor(rgb[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    return lab


def to_uv(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """u' and v' (n, 2) of sRGB pixels (n, 3); those of black are those of white."""
    linear = to_linear(rgb.astype(np.float32) / 255)
    x, y, z = (linear @ TO_XYZ.T).T
    sum_ = x + 15 * y + 3 * z
    uv = np.stack([4 * x, 9 * y], -1) / np.maximum(sum_, 1e-9)[:, None]
    uv[sum_ < 1e-6] = _WHITE_UV
    chromaticity: NDArray[np.float32] = uv.astype(np.float32)
    return chromaticity
