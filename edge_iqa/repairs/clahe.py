"""Local contrast: each part of the photo gets its own range of tones (CLAHE, Zuiderveld 1994), a little."""

from __future__ import annotations

from dataclasses import dataclass

from edge_iqa import opencv
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context


@dataclass(frozen=True)
class LocalContrast:
    """Contrast where a veil or a flat light took it unevenly.

    Attributes:
        limit: how steep a part's curve may become.
        parts: along each side.
    """

    limit: float = 2.0
    parts: int = 4

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Mix in the equalized lightness (CIELAB). Strength 0 leaves the photo as it is."""
        del context
        if not strength:
            return pixels
        cv2 = opencv.load()
        lightness, a, b = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB))
        even = cv2.createCLAHE(self.limit, (self.parts, self.parts)).apply(lightness)
        mixed = cv2.addWeighted(lightness, 1 - strength, even, strength, 0)
        out: Pixels = cv2.cvtColor(cv2.merge((mixed, a, b)), cv2.COLOR_LAB2RGB)
        return out
