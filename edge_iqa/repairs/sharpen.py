"""Sharpen: an unsharp mask on brightness alone, which stops at the brightness around it, so that no halo shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa import opencv
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context

_VIEWING_PX = 1600


@dataclass(frozen=True)
class Sharpen:
    """Steeper edges.

    Attributes:
        radius_px: of what counts as detail, at viewing scale (long side 1600 px).
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
        scale = max(1.0, max(luma.shape) / _VIEWING_PX)
        soft = cv2.GaussianBlur(luma, (0, 0), self.radius_px * scale)
        sharp = cv2.addWeighted(luma, 1 + strength * self.amount, soft, -strength * self.amount, 0)
        reach = 2 * round(scale) + 1
        around = np.ones((reach, reach), np.uint8)
        sharp = np.clip(sharp, cv2.erode(luma, around), cv2.dilate(luma, around))
        sharpened: Pixels = cv2.cvtColor(cv2.merge((sharp, red, blue)), cv2.COLOR_YCrCb2RGB)
        return sharpened
