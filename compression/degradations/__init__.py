"""What phones and sellers do to photos, one fault a file.

A fault is a pure function of an image, a severity from 0 (barely) to 1 (useless) and a random
generator. Images are float32 HxWx3 RGB, sRGB-encoded, 0-1. Every image, clean ones too, ends in
`finish`, the same dither and JPEG pass, so that no trace of the tooling gives the answer away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.degradations.color import cast, mixed_light, saturation
from compression.degradations.contrast import high_contrast, low_contrast
from compression.degradations.defocus import defocus
from compression.degradations.exposure import over_exposure, under_exposure
from compression.degradations.finish import finish
from compression.degradations.grain import grain
from compression.degradations.halo import halo
from compression.degradations.haze import flare, haze
from compression.degradations.jpeg import jpeg, recompression
from compression.degradations.motion import motion
from compression.degradations.noise import noise
from compression.degradations.scaling import scaling
from compression.degradations.smear import smear

Image = NDArray[np.float32]
Step = tuple[str, float]
"""A fault's name and its severity, 0-1."""


@dataclass(frozen=True)
class Fault:
    """One way to spoil a photo.

    Attributes:
        apply: image, severity, generator → image.
        attribute: the attribute that it lowers.
        worst: how much of the overall quality severity 1 takes by its own word; what metrics see has the
            other half of the say.
        revision: raise it when the fault changes: its renderings in caches are then left aside.
    """

    apply: Callable[[Image, float, np.random.Generator], Image]
    attribute: str
    worst: float = 0.9
    revision: int = 0


# In the order in which light, lens, sensor, phone and apps act; a mixture is applied in this order.
# Color costs less than blur: nobody who lacks the original sees that cloth was faded by half, or a lamp warm.
FAULTS = {
    "haze": Fault(haze, "contrast"),
    "flare": Fault(flare, "contrast"),
    "mixed_light": Fault(mixed_light, "color", worst=0.7),
    "defocus": Fault(defocus, "sharpness"),
    "motion": Fault(motion, "sharpness"),
    "under_exposure": Fault(under_exposure, "exposure"),
    "over_exposure": Fault(over_exposure, "exposure"),
    "noise": Fault(noise, "noise"),
    "grain": Fault(grain, "noise", worst=0.35),
    "smear": Fault(smear, "detail"),
    "cast": Fault(cast, "color", worst=0.7),
    "saturation": Fault(saturation, "color", worst=0.5),
    "low_contrast": Fault(low_contrast, "contrast"),
    "high_contrast": Fault(high_contrast, "contrast"),
    "halo": Fault(halo, "detail"),
    "scaling": Fault(scaling, "detail", revision=1),
    "jpeg": Fault(jpeg, "detail"),
    "recompression": Fault(recompression, "detail"),
}


def degrade(pixels: NDArray[np.uint8], steps: Sequence[Step], rng: np.random.Generator) -> bytes:
    """Spoil one photo and encode it.

    Args:
        pixels: uint8 HxWx3, RGB.
        steps: faults with their severities; none for a clean copy, which gets the closing pass alone.
            Several are applied in the order of `FAULTS`, as a camera would.
        rng: every random choice comes from here: the same generator state gives the same bytes.

    Returns:
        JPEG bytes.

    Raises:
        ValueError: unknown fault, a fault named twice, or a severity outside 0-1.
    """
    return finish(apply(pixels, steps, rng), rng)


def apply(pixels: NDArray[np.uint8], steps: Sequence[Step], rng: np.random.Generator) -> Image:
    """Spoil one photo without the closing pass; see `degrade`."""
    severities = dict(steps)
    for name, severity in steps:
        if name not in FAULTS:
            raise ValueError(f"fault: expected one of {', '.join(FAULTS)}, got {name!r}")
        if not 0 <= severity <= 1:
            raise ValueError(f"severity of {name}: expected 0 to 1, got {severity!r}")
    if len(severities) < len(steps):
        raise ValueError(f"faults: each at most once, got {[name for name, _ in steps]}")
    image = pixels.astype(np.float32) / 255
    for name in FAULTS:
        if name in severities:
            image = FAULTS[name].apply(image, severities[name], rng)
    return image


__all__ = ["FAULTS", "Fault", "Step", "apply", "degrade"]
