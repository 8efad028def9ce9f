"""What flows from the decoder to the views: the pixels of one photo and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv


@dataclass(frozen=True, eq=False)
class Frame:
    """One photo, upright, as a browser would show it.

    Attributes:
        pixels: uint8 HxWx3, RGB, sRGB. May be smaller than the source (a large JPEG is decoded
            at 1/2, 1/4 or 1/8), never larger.
        source_width_px, source_height_px: size of the photo as it is shown (orientation applied).
        orientation: the EXIF orientation that was applied, 1-8; 1 where there was none.
        name: file name for messages; "" for bytes and arrays.
        notes: what a careful reader of the report should know (say, a color profile left as is).
        format: of the file, as in `Header.format`; None where there is no file.
        file_bytes: size of the file; None where there is none.
    """

    pixels: NDArray[np.uint8]
    source_width_px: int
    source_height_px: int
    orientation: int = 1
    name: str = ""
    notes: tuple[str, ...] = ()
    format: str | None = None
    file_bytes: int | None = None
    _halved: dict[int, NDArray[np.uint8]] = field(default_factory=dict, init=False, repr=False)

    def halve(self, times: int) -> NDArray[np.uint8]:
        """Average two by two pixels into one, `times` times; made once, for all who ask for it.

        Copies on the way are let go of: of a large photo nothing large is kept.

        Returns:
            uint8 hxwx3, `pixels` themselves for 0; not to be written to.
        """
        if not times:
            return self.pixels
        if times not in self._halved:
            made = max((each for each in list(self._halved) if each < times), default=0)
            pixels = self._halved.get(made, self.pixels)
            for _ in range(made, times):
                pixels = halve(pixels)
            self._halved[times] = pixels
        return self._halved[times]


def halve(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average two by two pixels into one, the fast path of OpenCV; an odd last row or column is left out."""
    cv2 = opencv.load()
    rows, columns = pixels.shape[0] // 2, pixels.shape[1] // 2
    halved: NDArray[np.uint8] = cv2.resize(
        pixels[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA
    )
    return halved
