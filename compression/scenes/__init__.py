"""Product photos drawn by code: sharp, well lit, free of licences and of people.

They stand in for photos where there are none (a first run without `--data`) and are the only
source with truly clean pixels at every size. Each is a few things a seller may offer (box, bottle,
mug, garment, bag, keypad, fruit) on a background a seller may have (sweep, table, tiles, cloth, stone,
room), under one light with a soft shadow.

Everything is built from fractal ("1/f") noise, whose share of fine and coarse detail is that of
natural photos (D. J. Field, "Relations between the statistics of natural images", 1987), so that
blur, noise and lost resolution show on drawn photos as they do on real ones. Textures are added in
the pixels of the final photo, never resampled: at 12 megapixels there is detail down to the pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.scenes.backgrounds import BACKGROUNDS
from compression.scenes.materials import Painted, Plane, blend
from compression.scenes.things import THINGS
from edge_iqa import opencv

__all__ = ["draw"]


def draw(seed: int, height_px: int = 768, width_px: int = 1024) -> NDArray[np.uint8]:
    """Draw one product photo.

    Args:
        seed: which photo; the same seed and size give the same pixels (with one version of OpenCV),
            the same seed at another size of the same shape the same scene.
        height_px, width_px: size, each at least 64.

    Returns:
        uint8 (height_px, width_px, 3), RGB.

    Raises:
        ValueError: a side is shorter than 64 px.
    """
    if min(height_px, width_px) < 64:
        raise ValueError(f"a drawn photo needs at least 64x64 px, got {width_px}x{height_px}")
    rng = np.random.default_rng(seed)
    lean = float(rng.uniform(-1, 1))  # where the light comes from: -1 left, 1 right
    photo = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))](rng.spawn(1)[0], height_px, width_px)
    count = int(rng.choice((1, 1, 1, 2, 3)))
    for index in range(count):
        side = min(height_px, width_px / count * 1.25) * float(rng.uniform(0.62, 0.92))
        tall = float(rng.uniform(0.85, 1.0))
        height, width = round(side * tall), round(min(side, width_px / count * 1.1))
        thing = THINGS[int(rng.integers(len(THINGS)))](rng.spawn(1)[0], height, width, lean)
        column = (index + 0.5) * width_px / count - width / 2 + float(rng.normal(0, 0.03)) * width_px
        row = (height_px - height) * float(rng.uniform(0.35, 0.75))
        _put(photo, thing, round(row), round(column), lean)
    return _expose(rng, photo, lean)


def _expose(rng: np.random.Generator, photo: Plane, lean: float) -> NDArray[np.uint8]:
    """Light that falls off across the photo, a good exposure, and the grain of a good sensor."""
    height, width = photo.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32) * lean * float(rng.uniform(0.03, 0.12))
    down = np.linspace(1, -1, height, dtype=np.float32)[:, None] * float(rng.uniform(0.0, 0.06))
    photo *= (1 + across + down)[..., None]
    photo *= (1 + rng.normal(0, 0.015, 3)).astype(np.float32)  # white balance, nearly right
    mean = float(photo.mean())
    photo *= float(np.clip(rng.uniform(0.46, 0.58) / mean, 0.8, 1.35)) if mean < 0.62 else 1.0
    soft = np.where(photo > 0.85, 0.85 + 0.15 * np.tanh((photo - 0.85) / 0.15), photo)
    soft += rng.standard_normal(photo.shape, dtype=np.float32) * (0.6 / 255)
    return np.clip(soft * 255 + 0.5, 0, 255).astype(np.uint8)


def _put(photo: Plane, thing: Painted, row: int, column: int, lean: float) -> None:
    """Lay a thing and its soft shadow onto the photo; what is outside is cut off."""
    cv2 = opencv.load()
    rgb, cover = thing
    margin = cover.shape[0] // 4
    shadow = np.pad(cover, margin)
    # shadows are smooth, so they are blurred small: the same look in a tenth of the time
    small = cv2.resize(shadow, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(small, (0, 0), max(0.6, margin / 110))
    far = cv2.GaussianBlur(small, (0, 0), max(0.8, margin / 24))
    dark = cv2.resize(0.30 * near + 0.34 * far, shadow.shape[::-1], interpolation=cv2.INTER_LINEAR)
    drop, aside = margin // 9, round(-lean * margin / 5)
    blend(photo, None, dark, row - margin + drop, column - margin + aside)
    blend(photo, rgb, cover, row, column)
