"""What measurements look at: copies of one photo that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import mask, opencv, views
from edge_iqa.frame import Frame
from edge_iqa.mask import Flags, Mask
from edge_iqa.measurement import Box

MEDIUM_PX = 512
"""Longer side of the copy in which lines and letters are looked for."""


@dataclass(frozen=True, eq=False)
class Study:
    """One photo, its small copies and the product's outline.

    Attributes:
        frame: the photo.
        small: uint8 (h, w, 3), the longer side 256, averaged.
        sample: the same size, every pixel one of the photo's: clipping and exact colors show in it.
        mask: the product's outline, (h, w) too.
    """

    frame: Frame
    small: NDArray[np.uint8]
    sample: NDArray[np.uint8]
    mask: Mask

    @classmethod
    def of(cls, frame: Frame) -> Study:
        """Make the copies and find the product."""
        small = mask.shrink(frame)
        size = small.shape[1::-1]
        cv2 = opencv.load()
        sample = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_NEAREST)
        return cls(frame, small, sample, mask.find_product(small))

    @cached_property
    def product(self) -> Flags:
        """Where the product is; everywhere where nothing stands out of a smooth background."""
        stands_out = self.mask.is_found or (self.mask.background != "none" and self.mask.product.any())
        return self.mask.product if stands_out else np.ones(self.small.shape[:2], bool)

    @cached_property
    def background(self) -> Flags:
        """What is surely background: some pixels away from the product."""
        cv2 = opencv.load()
        grown: Flags = cv2.dilate(self.mask.product.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        return ~grown

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """CIE Lab of `small`, (h, w, 3): L* 0-100, a* and b*."""
        cv2 = opencv.load()
        lab: NDArray[np.float32] = cv2.cvtColor(
            self.small.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2LAB
        )
        return lab

    @cached_property
    def lowest(self) -> NDArray[np.uint8]:
        """The least channel of each pixel of `sample`, (h, w)."""
        return join_channels(self.sample, opencv.load().min)

    @cached_property
    def highest(self) -> NDArray[np.uint8]:
        """The largest channel of each pixel of `sample`, (h, w)."""
        return join_channels(self.sample, opencv.load().max)

    @cached_property
    def structure(self) -> NDArray[np.float32]:
        """How much detail each pixel of the product has in `small`, (h, w); 0 beside the product."""
        cv2 = opencv.load()
        luma = cv2.cvtColor(self.small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        detail: NDArray[np.float32] = np.abs(cv2.Laplacian(luma, cv2.CV_32F)) * self.product
        return detail

    @cached_property
    def medium(self) -> NDArray[np.uint8]:
        """uint8 (h, w, 3), the longer side at most 512."""
        height, width = self.frame.pixels.shape[:2]
        scale = min(1.0, MEDIUM_PX / max(height, width))
        return views.shrink(self.frame, max(1, round(height * scale)), max(1, round(width * scale)))

    @cached_property
    def steps(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """By how many levels `medium` differs between the pixels above and below each one, and left and right of it:
        two of uint8 (h, w), the largest difference of a channel; 0 along the edges."""
        cv2 = opencv.load()
        down, across = np.zeros(self.medium.shape[:2], np.uint8), np.zeros(self.medium.shape[:2], np.uint8)
        down[1:-1] = join_channels(cv2.absdiff(self.medium[2:], self.medium[:-2]), cv2.max)
        across[:, 1:-1] = join_channels(cv2.absdiff(self.medium[:, 2:], self.medium[:, :-2]), cv2.max)
        return down, across


def join_channels(pixels: NDArray[np.uint8], join: Callable[..., NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """One plane of three by OpenCV's `min` or `max`, which is many times as fast as numpy along the last axis."""
    red, green, blue = opencv.load().split(pixels)
    return join(join(red, green), blue)


def pick(planes: NDArray[Any], flags: Flags) -> NDArray[Any]:
    """What `flags` (h, w) mark of (h, w) or (h, w, c): (n,) or (n, c). Many times as fast as `planes[flags]`."""
    return np.compress(flags.ravel(), planes.reshape(flags.size, *planes.shape[2:]), 0)


def find_box(flags: Flags) -> Box | None:
    """The box of all that is true, as shares of the photo; None where nothing is."""
    rows, columns = np.flatnonzero(flags.any(1)), np.flatnonzero(flags.any(0))
    if not len(rows):
        return None
    height, width = flags.shape
    left, top = int(columns[0]), int(rows[0])
    wide, tall = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    return (left / width, top / height, wide / width, tall / height)
