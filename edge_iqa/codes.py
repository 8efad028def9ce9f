"""Measure and side of a bound → the cause that a broken rule raises. One table for all policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FORMAT = "format"
"""What a rule names, beside the measures, to ask for file formats."""


@dataclass(frozen=True)
class Causes:
    """What is wrong with a photo whose value is out of bounds.

    Attributes:
        low: code where the value is below `at_least`; None where no rule can sensibly ask for more of it.
        high: code where it is above `at_most`; None likewise.
    """

    low: str | None = None
    high: str | None = None


_SIZE = Causes("TOO_SMALL", "TOO_LARGE")
_FILL = Causes("FILL_LOW", "FILL_HIGH")
_BACKGROUND = Causes("BACKGROUND", "BACKGROUND")

CAUSES: Mapping[str, Causes] = {
    FORMAT: Causes("FORMAT", "FORMAT"),
    # the file
    "width_px": _SIZE,
    "height_px": _SIZE,
    "long_side_px": _SIZE,
    "short_side_px": _SIZE,
    "pixels": _SIZE,
    "aspect_ratio": Causes("ASPECT", "ASPECT"),
    "file_bytes": Causes("LOW_DETAIL", "FILE_TOO_LARGE"),  # a tiny file was compressed too hard
    # where the product is
    "product": Causes(low="NO_PRODUCT"),
    "products": Causes("NO_PRODUCT", "SEVERAL_PRODUCTS"),
    "fill": _FILL,
    "fill_area": _FILL,
    "off_center": Causes(high="OFF_CENTER"),
    "cut_off": Causes(high="CUT_OFF"),
    "skew": Causes("SKEW", "SKEW"),  # it has a sign: leaning to the left is below 0
    # light and color of the product
    "brightness": Causes("TOO_DARK", "TOO_BRIGHT"),
    "clipped_bright": Causes(high="TOO_BRIGHT"),
    "clipped_dark": Causes(high="TOO_DARK"),
    "contrast": Causes("LOW_CONTRAST", "LOW_CONTRAST"),  # its words speak of flat and of harsh light
    "cast": Causes(high="COLOR_CAST"),
    "saturation": Causes("GRAYSCALE", "COLOR_CAST"),
    # sharpness, noise, resolution of the product
    "blur": Causes(high="BLUR_DEFOCUS"),
    "motion": Causes(high="BLUR_MOTION"),
    "motion_direction": Causes(),  # no direction is worse than another
    "noise": Causes(high="NOISE"),
    "true_long_side_px": Causes(low="LOW_DETAIL"),
    "upscaled": Causes(high="UPSCALED"),
    # background
    "background_white": _BACKGROUND,
    "background_brightness": _BACKGROUND,
    "background_color": _BACKGROUND,
    "background_uneven": Causes(high="BACKGROUND"),
    # what was added to the photo
    "border": Causes(high="BORDER"),
    "overlay": Causes(high="OVERLAY"),
    "collage": Causes(high="COLLAGE"),
    "screenshot": Causes(high="SCREENSHOT"),
}
"""Every measure has an entry; a policy may set the bounds whose side has a code here."""

MEASURES_WITH_RULES = tuple(name for name, causes in CAUSES.items() if causes.low or causes.high)
"""What a rule may name."""
