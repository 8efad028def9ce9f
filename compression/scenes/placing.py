"""Things are laid onto a photo, with their shadows, and the photo is exposed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.scenes.materials import Painted, Plane, blend
from edge_iqa import opencv


def expose(rng: np.random.Generator, photo: Plane, lean: float, plain: bool) -> NDArray[np.uint8]:
    """Light that falls off across the photo, a good exposure, and the grain of a good sensor.

    A plain background is the work of a studio or of an editor: even, and left as it is.
    """
    if not plain:
        height, width = photo.shape[:2]
        across = np.linspace(-1, 1, width, dtype=np.float32) * lean * float(rng.uniform(0.03, 0.12))
        down = np.linspace(1, -1, height, dtype=np.float32)[:, None] * float(rng.uniform(0.0, 0.06))
        photo *= (1 + across + down)[..., None]
        photo *= (1 + rng.normal(0, 0.015, 3)).astype(np.float32)  # white balance, nearly right
        mean = float(photo.mean())
        photo *= float(np.clip(rng.uniform(0.46, 0.58) / mean, 0.8, 1.35)) if mean < 0.62 else 1.0
        photo = np.where(photo > 0.85, 0.85 + 0.15 * np.tanh((photo - 0.85) / 0.15), photo)
        photo += rng.standard_normal(photo.shape, dtype=np.float32) * (0.6 / 255)
    return np.clip(photo * 255 + 0.5, 0, 255).astype(np.uint8)


def put(photo: Plane, mask: Plane, thing: Painted, row: int, column: int, lean: float, shadow: bool) -> None:
    """Lay a thing and its soft shadow onto the photo; what is outside is cut off."""
    rgb, cover = thing
    if shadow:
        _lay_shadow(photo, cover, row, column, lean)
    blend(photo, rgb, cover, row, column)
    blend(mask[..., None], np.ones((*cover.shape, 1), np.float32), cover, row, column)


def _lay_shadow(photo: Plane, cover: Plane, row: int, column: int, lean: float) -> None:
    cv2 = opencv.load()
    margin = max(24, cover.shape[0] // 4)  # room for the blur, or its end shows as a line
    shadow = np.pad(cover, margin)
    # shadows are smooth, so they are blurred small: the same look in a tenth of the time
    small = cv2.resize(shadow, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(small, (0, 0), max(0.6, margin / 110))
    far = cv2.GaussianBlur(small, (0, 0), max(0.8, margin / 24))
    dark = cv2.resize(0.30 * near + 0.34 * far, shadow.shape[::-1], interpolation=cv2.INTER_LINEAR)
    drop, aside = margin // 9, round(-lean * margin / 5)
    blend(photo, None, dark, row - margin + drop, column - margin + aside)
