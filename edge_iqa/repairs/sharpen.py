"""Sharpen: an unsharp mask on brightness alone, which stops at the brightness around it, so that no halo shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa import opencv
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context


@dataclass(frozen=True)
class Sharpen:
    """Steeper edges.

    Attributes:
        radius_px: of what counts as detail, in the photo's pixels.
        amount: of detail that strength 1 adds.
    """

    radius_px: float = 1.0
    amount: float = 1.0

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Sharpen. Strength 0 leaves the photo as it is."""
        del context
        if not strength:
            return pixels
        cv2 = opencv.load()
        luma, red, blue = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb))
        soft = cv2.GaussianBlur(luma, (0, 0), self.radius_px)
        sharp = cv2.addWeighted(luma, 1 + strength * self.amount, soft, -strength * self.amount, 0)
        around = np.ones((3, 3), np.uint8)
        sharp = np.clip(sharp, cv2.erode(luma, around), cv2.dilate(luma, around))
        sharpened: Pixels = cv2.cvtColor(cv2.merge((sharp, red, blue)), cv2.COLOR_YCrCb2RGB)
        return sharpened
