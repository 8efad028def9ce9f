"""What can be measured on a photo without a model: the table of all measurements, and their type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, top, width and height, as shares (0 to 1) of the photo as it is shown."""


@dataclass(frozen=True)
class Measurement:
    """One measured value.

    Attributes:
        value: in `unit`.
        unit: as in `MEASURES`.
        box: where in the photo; None is all of it, or nowhere in particular.
    """

    value: float
    unit: str
    box: Box | None = None


@dataclass(frozen=True)
class Measure:
    """An entry of the table: unit and meaning of a measurement.

    Attributes:
        unit: `px`, `bytes`, `share` (0 to 1), `degrees`, `levels` (of 255), `L*`, `C*`, `u'v'`, `times`;
            "" for counts.
        about: what it tells, in one line.
    """

    unit: str
    about: str


MEASURES: Mapping[str, Measure] = {
    # the file
    "width_px": Measure("px", "width of the photo as it is shown"),
    "height_px": Measure("px", "height of the photo as it is shown"),
    "long_side_px": Measure("px", "the longer of the two"),
    "short_side_px": Measure("px", "the shorter of the two"),
    "pixels": Measure("px", "width times height"),
    "aspect_ratio": Measure("times", "width over height; 1 is square"),
    "file_bytes": Measure("bytes", "size of the file"),
    # where the product is
    "product": Measure("share", "confidence that the product's outline was found, 0 to 1"),
    "products": Measure("", "number of separate products"),
    "fill": Measure("share", "of the photo's width or height that the product spans, the larger of the two"),
    "fill_area": Measure("share", "of the photo's area that the product covers"),
    "off_center": Measure(
        "share", "distance of the product's middle from the photo's, as a share of its sides"
    ),
    "cut_off": Measure("share", "of the photo's edges along which the product is cut off"),
    "skew": Measure("degrees", "that the product leans, clockwise"),
    # light and color of the product
    "brightness": Measure("L*", "median lightness of the product"),
    "clipped_bright": Measure("share", "of the product that is burnt out to white"),
    "blown": Measure("share", "of the product in which a color channel is burnt out"),
    "clipped_dark": Measure("share", "of the product that has drowned in black"),
    "contrast": Measure("L*", "range of lightness of the product, 5th to 95th percentile"),
    "cast": Measure("u'v'", "distance of what should be gray from gray (CIE 1976)"),
    "saturation": Measure("C*", "mean chroma of the product"),
    # sharpness, noise, resolution of the product
    "blur": Measure("px", "width of the sharpest edges, at viewing scale"),
    "motion": Measure("share", "how much more the blur spreads in one direction; 0 is even"),
    "motion_direction": Measure("degrees", "of that spread, 0 is along a row, counted clockwise to 180"),
    "noise": Measure("levels", "standard deviation of the sensor's noise"),
    "true_long_side_px": Measure("px", "long side of the smallest photo that could hold this detail"),
    "upscaled": Measure("times", "that the photo seems to have been enlarged; 1 is not at all"),
    # background
    "background_white": Measure(
        "share", "of the background that is pure white (250 or more in each channel)"
    ),
    "background_brightness": Measure("L*", "median lightness of the background"),
    "background_color": Measure("C*", "median chroma of the background"),
    "background_uneven": Measure("L*", "standard deviation of the background's lightness"),
    # what was added to the photo
    "border": Measure("share", "of the shorter side that a frame or bars take up"),
    "overlay": Measure("share", "of the photo that added text, a badge or a watermark covers"),
    "collage": Measure("", "number of panels; 1 is one photo"),
    "screenshot": Measure("share", "of the height that the bars of a phone's screen take up"),
}
"""Every measurement by name. A policy's rules name these; a report lists those that were taken."""
