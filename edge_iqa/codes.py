"""All codes of causes, what each means, and which of them a broken rule raises. One table for all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FORMAT = "format"
"""What a rule names, beside the measures, to ask for file formats."""


ALWAYS, NEVER = "yes", "no"
"""Whether the device repairs a cause; other texts say on what it depends, and `edge_iqa.fixable` decides."""


@dataclass(frozen=True)
class Code:
    """An entry of the table of codes.

    Attributes:
        about: what is wrong, in a few words.
        fixable: `ALWAYS`, `NEVER`, or the condition in words.
        attribute: the score that sees it; None where none does, and a measurement alone tells.
    """

    about: str
    fixable: str
    attribute: str | None = None


CODES: Mapping[str, Code] = {
    # quality, as the scores see it; measurements say which
    "BLUR": Code("blurry; of motion or of focus cannot be told", NEVER, "sharpness"),
    "BLUR_DEFOCUS": Code("out of focus", NEVER, "sharpness"),
    "BLUR_MOTION": Code("the phone or the product moved", NEVER, "sharpness"),
    "NOISE": Code("grainy", "up to a severity of 0.5", "noise"),
    "TOO_DARK": Code("under-exposed", ALWAYS, "exposure"),
    "TOO_BRIGHT": Code("over-exposed", "if at most 2 % of the product is burnt out", "exposure"),
    "LOW_CONTRAST": Code("light and dark are off: hazy, flat or too harsh", ALWAYS, "contrast"),
    "COLOR_CAST": Code("colors are off: a cast, mixed light, wrong saturation", ALWAYS, "color"),
    "LOW_DETAIL": Code("fine detail is gone: smeared, compressed, over-sharpened", NEVER, "detail"),
    "UPSCALED": Code("enlarged from a smaller photo", NEVER, "detail"),
    "EMPTY": Code("one flat color: a covered lens, a blank wall", NEVER),
    # the file
    "TOO_SMALL": Code("too few pixels", NEVER),
    "TOO_LARGE": Code("too many pixels", NEVER),
    "FILE_TOO_LARGE": Code("too many bytes", ALWAYS),
    "FORMAT": Code("a file format that is not taken", NEVER),
    "ASPECT": Code("too wide or too tall", ALWAYS),
    # where the product is
    "NO_PRODUCT": Code("no product stands out from what is behind it", NEVER),
    "FILL_LOW": Code("the product is small in the photo", "if a closer crop keeps enough pixels"),
    "FILL_HIGH": Code("the product nearly touches the edges", NEVER),
    "CUT_OFF": Code("an edge of the photo cuts the product off", NEVER),
    "OFF_CENTER": Code("the product is far from the middle", ALWAYS),
    "SKEW": Code("the product leans", ALWAYS),
    "SEVERAL_PRODUCTS": Code("more than one product", NEVER),
    # background, and what was added to the photo
    "BACKGROUND": Code("the background is not as asked for", "if the product's outline is sure"),
    "BORDER": Code("a frame or bars around the photo", NEVER),
    "OVERLAY": Code("text, a badge or a watermark over the photo", NEVER),
    "COLLAGE": Code("several photos in one", NEVER),
    "SCREENSHOT": Code("a screenshot, with bars of a phone's screen", NEVER),
    "GRAYSCALE": Code("no color", NEVER),
    # what nobody could tell
    "UNCHECKED": Code("a rule that must hold could not be checked", NEVER),
}
"""Every code that a report may have. `edge_iqa/README.md` shows the same table."""

SCORE_CODES: Mapping[str, str] = {
    "sharpness": "BLUR",
    "contrast": "LOW_CONTRAST",
    "color": "COLOR_CAST",
    "noise": "NOISE",
    "detail": "LOW_DETAIL",
}
"""Attribute → the code that scores alone can give; exposure has two, by the side that it fails on."""


def name_by_scores(code: str) -> str:
    """The code that scores alone would give: `BLUR` for `BLUR_MOTION`; a code that has no other name is its own."""
    return SCORE_CODES.get(CODES[code].attribute or "", code)


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
    "blown": Causes(high="TOO_BRIGHT"),
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
