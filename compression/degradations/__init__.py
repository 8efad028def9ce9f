"""What phones and sellers do to photos, one fault a file.

A fault is a pure function of an image, a severity from 0 (barely) to 1 (useless) and a random
generator. Images are float32 HxWx3 RGB, sRGB-encoded, 0-1. Every image, clean ones too, ends in
`finish`, the same dither and JPEG pass, so that no trace of the tooling gives the answer away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.degradations.blur import defocus, motion
from compression.degradations.exposure import over_exposure, under_exposure
from compression.degradations.finish import finish
from compression.degradations.jpeg import jpeg
from compression.degradations.noise import sensor_noise

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Fault:
    """One way to spoil a photo, and the attribute that it lowers."""

    apply: Callable[[Image, float, np.random.Generator], Image]
    attribute: str


FAULTS = {
    "defocus": Fault(defocus, "sharpness"),
    "motion": Fault(motion, "sharpness"),
    "noise": Fault(sensor_noise, "noise"),
    "under_exposure": Fault(under_exposure, "exposure"),
    "over_exposure": Fault(over_exposure, "exposure"),
    "jpeg": Fault(jpeg, "detail"),
}


def degrade(pixels: NDArray[np.uint8], fault: str | None, severity: float, rng: np.random.Generator) -> bytes:
    """Spoil one photo and encode it.

    Args:
        pixels: uint8 HxWx3, RGB.
        fault: a name in `FAULTS`; None for a clean copy, which gets the closing pass alone.
        severity: 0-1.
        rng: every random choice comes from here: the same generator state gives the same bytes.

    Returns:
        JPEG bytes.

    Raises:
        ValueError: unknown fault, or a severity outside 0-1.
    """
    if fault is not None and fault not in FAULTS:
        raise ValueError(f"fault: expected one of {', '.join(FAULTS)}, got {fault!r}")
    if not 0 <= severity <= 1:
        raise ValueError(f"severity: expected 0 to 1, got {severity!r}")
    image = pixels.astype(np.float32) / 255
    if fault is not None:
        image = FAULTS[fault].apply(image, severity, rng)
    return finish(image, rng)


__all__ = ["FAULTS", "Fault", "degrade"]
