"""What measurements look at: copies of one photo that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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
        """Where the product is; everywhere where it was not found."""
        return self.mask.product if self.mask.is_found else np.ones(self.small.shape[:2], bool)

    @cached_property
    def background(self) -> Flags:
        """What is surely background: some pixels away from the product."""
        cv2 = opencv.load()
        grown: Flags = cv2.dilate(self.mask.product.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        return ~grown

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
        down[1:-1] = cv2.max(*_max_two(cv2.split(cv2.absdiff(self.medium[2:], self.medium[:-2]))))
        across[:, 1:-1] = cv2.max(*_max_two(cv2.split(cv2.absdiff(self.medium[:, 2:], self.medium[:, :-2]))))
        return down, across


def _max_two(planes: tuple[NDArray[np.uint8], ...]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Three planes as two of the same maximum."""
    return opencv.load().max(planes[0], planes[1]), planes[2]


def find_box(flags: Flags) -> Box | None:
    """The box of all that is true, as shares of the photo; None where nothing is."""
    rows, columns = np.flatnonzero(flags.any(1)), np.flatnonzero(flags.any(0))
    if not len(rows):
        return None
    height, width = flags.shape
    left, top = int(columns[0]), int(rows[0])
    wide, tall = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    return (left / width, top / height, wide / width, tall / height)
