"""What flows from the decoder to the views: the pixels of one photo and where they came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
