"""What a source photo is worth before any fault is added: its own sharpness, noise, light and contrast.

No metric that needs a reference can say it, and learned ones prefer mild noise to a clean shot. So
it is measured: the width of the sharpest edges, the deviation of the flattest areas, how dark the
photo is, and whether a veil lies over it. Each is translated to a severity of the fault that would
have caused it. A cast is not measured: oranges and red cloth fool every estimate of the light's
color that was tried (shades of gray, gray edge, gray world).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.degradations.defocus import RADIUS_PX
from compression.degradations.grain import SIGMA
from compression.degradations.scaling import FACTOR
from edge_iqa import opencv
from edge_iqa.errors import PhotoSizeError

_REBLUR_PX = 1.0
_SHARP_PX = 0.85
"""Edge width (deviation of a gaussian) of a sharp photo at its own size: the pixel's own width and
what the camera's processing leaves."""
_LOWER = {"sharpness": 0.8, "noise": 0.35, "exposure": 0.8, "contrast": 0.7, "detail": 0.85}
"""How much a severity of 1 takes off."""
_DARK = (0.12, 0.34)
"""Mean of the brighter half: as dark as an under-exposure of severity 1, and not dark at all."""
_LIFTED = (0.22, 0.55)
"""Darkest of all pixels' weakest channels: no veil, and one of severity 1 (the dark channel of He, Sun
& Tang 2009, "Single image haze removal using dark channel prior")."""
_SPREAD = (0.20, 0.08)
"""Deviation of the luma: a light thing that is no flat photo, and as flat as under a full veil."""
_FLATTEST = 0.843
"""The one in fifty flattest of 16x16 blocks of white noise have this share of its deviation."""
_TEXTURE_SIGMA = 2.0
"""Deviations up to this, in levels of 255, are as likely a carpet as noise."""


@dataclass(frozen=True)
class SourceQuality:
    """Quality 0-1 by attribute; what is not listed counts as 1."""

    sharpness: float = 1.0
    noise: float = 1.0
    exposure: float = 1.0
    contrast: float = 1.0
    detail: float = 1.0

    @property
    def overall(self) -> float:
        return math.prod(vars(self).values())


def assess(
    pixels: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None, enlarged: float = 1.0
) -> SourceQuality:
    """Assess a source photo.

    Args:
        pixels: uint8 HxWx3, RGB.
        mask: uint8 HxW, 255 on the product; edges and light are measured there.
        enlarged: how many times the photo was enlarged before: it lacks detail then, and its edges are
            measured at the size it had.

    Raises:
        PhotoSizeError: the mask is of another size.
    """
    cv2 = opencv.load()
    if enlarged > 1:
        size = round(pixels.shape[1] / enlarged), round(pixels.shape[0] / enlarged)
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        mask = None if mask is None else cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    inside = np.ones(luma.shape, bool)
    if mask is not None and (mask > 127).any():  # an empty mask says nothing
        if mask.shape != luma.shape:
            raise PhotoSizeError(f"mask: expected the photo's {luma.shape}, got {mask.shape} (height, width)")
        inside = cv2.dilate(mask, np.ones((7, 7), np.uint8)) > 127
    width = edge_width_px(luma, inside)
    radius = 2 * np.sqrt(max(0.0, width**2 - _SHARP_PX**2))
    severities = {
        "sharpness": _severity(float(radius), RADIUS_PX),
        "noise": _severity(max(0.0, 255 * noise_sigma(luma) - _TEXTURE_SIGMA), (0.0, *SIGMA[1:])),
        "exposure": _darkness(pixels.max(2)[inside] / np.float32(255)),
        "contrast": _veil(pixels, luma),
        "detail": _severity(enlarged, FACTOR),
    }
    return SourceQuality(**{name: 1 - _LOWER[name] * severity for name, severity in severities.items()})


def edge_width_px(luma: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Width of the photo's sharper edges, as the deviation of a gaussian in pixels.

    At an edge of deviation s, a blur of deviation b divides the gradient by sqrt(1 + (b / s)**2)
    (Zhuo & Sim 2011, "Defocus map estimation from a single image"). The lower quartile over strong
    edges counts: shadows and folds are soft in the sharpest photo, and something soft by nature has
    an outline still.
    """
    cv2 = opencv.load()
    strong = _gradient(cv2.GaussianBlur(luma, (0, 0), 0.6))
    soft = _gradient(cv2.GaussianBlur(luma, (0, 0), np.hypot(0.6, _REBLUR_PX)))
    edges = inside & (strong >= max(0.03, float(np.quantile(strong[inside], 0.97))))
    # the ridge of an edge only: beside it the ratio says nothing of its width
    edges &= strong >= cv2.dilate(strong, np.ones((3, 3), np.uint8)) * 0.98
    if edges.sum() < 20:
        return _SHARP_PX
    ratio = np.clip(strong[edges] / np.maximum(soft[edges], 1e-6), 1.02, 5)
    widths = _REBLUR_PX / np.sqrt(ratio**2 - 1)
    return float(np.quantile(widths, 0.25))


def noise_sigma(luma: NDArray[np.float32]) -> float:
    """Deviation of the noise, 0-1: the flattest 16x16 blocks (one in fifty) under Immerkaer's operator.

    J. Immerkaer, "Fast noise variance estimation", 1996. Its kernel ignores planes and straight edges.
    """
    cv2 = opencv.load()
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    rows, columns = luma.shape[0] // 16 * 16, luma.shape[1] // 16 * 16
    high = np.square(cv2.filter2D(luma, -1, kernel)[:rows, :columns])
    blocks = high.reshape(rows // 16, 16, columns // 16, 16).mean((1, 3)).ravel()
    # clipped areas hold no noise, whatever the sensor did
    level = luma[:rows, :columns].reshape(rows // 16, 16, columns // 16, 16).mean((1, 3)).ravel()
    blocks = blocks[(level > 0.04) & (level < 0.96)]
    return float(np.sqrt(np.quantile(blocks, 0.02))) / _FLATTEST if blocks.size >= 8 else 0.0


def _darkness(value: NDArray[np.float32]) -> float:
    """0-1, from the brightest channel of each pixel: a red shirt is no dark photo."""
    bright = value[value >= np.median(value)].mean()
    return float(np.clip((_DARK[1] - bright) / (_DARK[1] - _DARK[0]), 0, 1))


def _veil(pixels: NDArray[np.uint8], luma: NDArray[np.float32]) -> float:
    """0-1: nothing in the photo is dark, and all of it is alike. A white shirt alone is neither."""
    cv2 = opencv.load()
    darkest = float(np.quantile(cv2.GaussianBlur(pixels.min(2), (0, 0), 1.0), 0.005)) / 255
    return float(np.interp(darkest, _LIFTED, (0, 1)) * np.interp(-luma.std(), np.negative(_SPREAD), (0, 1)))


def _severity(value: float, knots: tuple[float, ...]) -> float:
    """The severity at which a fault has this strength; 0 below its mildest."""
    return float(np.interp(value, knots, np.linspace(0, 1, len(knots))))


def _gradient(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    cv2 = opencv.load()
    magnitude: NDArray[np.float32] = (
        cv2.magnitude(cv2.Scharr(plane, -1, 1, 0), cv2.Scharr(plane, -1, 0, 1)) / 32
    )
    return magnitude
