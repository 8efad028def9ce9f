"""Frames and bars around a photo, as apps and sellers add them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.scenes.materials import color
from edge_iqa import opencv

Sides = tuple[int, int, int, int]
"""Top, right, bottom, left, in pixels."""
_PALETTE = (
    (0, 0, 0), (24, 24, 24), (128, 128, 128), (200, 200, 200), (236, 236, 236), (255, 255, 255),
    (200, 30, 40), (240, 190, 40), (30, 90, 180), (20, 120, 70), (245, 205, 215), (60, 30, 90),
)  # fmt: skip
_APART = 20
"""Levels by which a frame differs from the photo's rim, or nobody would see that there is one."""


@dataclass(frozen=True)
class Frame:
    """A frame to come: its kind and how wide it is on each side."""

    kind: str
    sides: Sides


def plan_frame(rng: np.random.Generator, height_px: int, width_px: int) -> Frame:
    """Choose a frame for a photo of this size, its frame included: 1 to 8 % a side, bars up to 20 %."""
    short = min(height_px, width_px)
    kind = str(rng.choice(KINDS))
    thin = max(3, round(short * float(np.exp(rng.uniform(np.log(0.01), np.log(0.08))))))
    if kind == "polaroid":
        return Frame(kind, (thin, thin, min(3 * thin, round(short * 0.2)), thin))
    if kind == "bar":
        sides = [0, 0, 0, 0]
        sides[int(rng.integers(4))] = max(4, round(short * float(rng.uniform(0.03, 0.12))))
        return Frame(kind, (sides[0], sides[1], sides[2], sides[3]))
    if kind == "letterbox":
        wide = max(4, round(short * float(rng.uniform(0.03, 0.2))))
        upright = width_px > height_px if rng.random() < 0.7 else width_px <= height_px
        return Frame(kind, (0, wide, 0, wide) if upright else (wide, 0, wide, 0))
    return Frame(kind, (thin,) * 4)


def lay_frame(
    rng: np.random.Generator, frame: Frame, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Put the frame around a photo (uint8 HxWx3 and HxW), which grows by its sides."""
    top, right, bottom, left = frame.sides
    height, width = pixels.shape[0] + top + bottom, pixels.shape[1] + left + right
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    tone = _choose_color(rng, rim)
    sheet = np.empty((height, width, 3), np.float32)
    sheet[:] = tone
    inner = np.s_[top : height - bottom, left : width - right]
    if frame.kind == "gradient":
        other = np.clip(tone + rng.uniform(-40, 40, 3), 0, 255)
        sheet += (other - tone) * np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sheet[inner] = pixels
    grown = np.zeros((height, width), np.uint8)
    grown[inner] = mask
    decorate = _DECORATIONS.get(frame.kind)
    if decorate is not None:
        decorate(rng, sheet, grown, frame.sides, tone)
    return np.clip(sheet + 0.5, 0, 255).astype(np.uint8), grown


def _choose_color(rng: np.random.Generator, rim: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A color that most of the photo's rim is not."""
    while True:
        known = rng.random() < 0.75
        tone = _PALETTE[int(rng.integers(len(_PALETTE)))] if known else tuple(color(rng, 0.1, 1.0) * 255)
        if np.mean(np.abs(rim - np.array(tone)).max(1) < _APART) < 0.1:
            return np.array(tone, np.float32)


def _double(
    rng: np.random.Generator,
    sheet: NDArray[np.float32],
    mask: NDArray[np.uint8],
    sides: Sides,
    tone: NDArray[np.float32],
) -> None:
    """A second line within the frame."""
    line, start = max(1, sides[0] // 4), max(1, round(sides[0] * float(rng.uniform(0.25, 0.6))))
    ink = tuple(
        float(value) for value in (255 - tone if abs(float(tone.mean()) - 128) > 40 else tone * 0 + 250)
    )
    height, width = sheet.shape[:2]
    opencv.load().rectangle(sheet, (start, start), (width - 1 - start, height - 1 - start), ink, line)


def _round(
    rng: np.random.Generator,
    sheet: NDArray[np.float32],
    mask: NDArray[np.uint8],
    sides: Sides,
    tone: NDArray[np.float32],
) -> None:
    """Rounded corners of the photo within."""
    height, width = mask.shape
    radius = min(height, width) * float(rng.uniform(0.03, 0.1))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    across = np.maximum(np.maximum(sides[3] + radius - x, x - (width - 1 - sides[1] - radius)), 0)
    down = np.maximum(np.maximum(sides[0] + radius - y, y - (height - 1 - sides[2] - radius)), 0)
    outside = np.clip(np.hypot(across, down) - radius + 0.5, 0, 1)
    sheet += (tone - sheet) * outside[..., None]
    mask[outside > 0.5] = 0


def _shade(
    rng: np.random.Generator,
    sheet: NDArray[np.float32],
    mask: NDArray[np.uint8],
    sides: Sides,
    tone: NDArray[np.float32],
) -> None:
    """A soft shadow that the photo throws onto its frame."""
    cv2 = opencv.load()
    height, width = mask.shape
    photo = np.zeros((height, width), np.float32)
    photo[sides[0] : height - sides[2], sides[3] : width - sides[1]] = 1
    soft = cv2.GaussianBlur(photo, (0, 0), max(1.0, sides[0] / 3)) * float(rng.uniform(0.2, 0.5))
    sheet *= (1 - soft * (1 - photo))[..., None]


_DECORATIONS: dict[str, Callable[..., None]] = {"double": _double, "rounded": _round, "shadow": _shade}
KINDS = (
    "even",
    "even",
    "double",
    "rounded",
    "polaroid",
    "bar",
    "letterbox",
    "letterbox",
    "shadow",
    "gradient",
)
"""Kinds of frames, as often as they are drawn."""
