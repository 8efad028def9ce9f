"""What scores call blurry, badly exposed or without detail → what measurements say it is."""

from __future__ import annotations

from edge_iqa.codes import SCORE_CODES
from edge_iqa.measure import Measurements
from edge_iqa.verdict import Fault

MOTION_FROM = 0.5
"""`motion` from which a blur is called one of motion."""

UPSCALED_FROM = 1.2
"""`upscaled` from which a photo without detail is called enlarged."""

DARK_BELOW, BRIGHT_FROM, CLIPPED_FROM = 55.0, 60.0, 0.03
"""`brightness` (L*) below which a product may be called too dark, from which on too bright, and the `clipped_bright`
from which on too bright at any brightness."""

ON_LIGHT_DARK_BELOW, ON_LIGHT_BRIGHT_FROM, ON_LIGHT_BURNT = 20.0, 90.0, (65.0, 0.015)
"""On a light background, which misleads the model: stricter, and burnt places count from a brightness on.

Chosen on `compression.listings` (development seeds 5000 to 5059 and 6000 to 6299): of 360 well exposed products on
white the model suspects 9, and these bounds confirm none; of 80 over- and 80 under-exposed ones it suspects 78, and
they lose none.
"""


def name_exposure(by_luma: str, measured: Measurements) -> str | None:
    """`TOO_DARK` or `TOO_BRIGHT`, as the product is; None where it is neither, whatever the background may be."""
    brightness, clipped = (measured.values.get(name) for name in ("brightness", "clipped_bright"))
    if not measured.mask.is_found or brightness is None or clipped is None:
        return by_luma
    if measured.mask.background == "light":
        fits = _fit_on_light(brightness.value, clipped.value)
    else:
        bright = brightness.value >= BRIGHT_FROM or clipped.value >= CLIPPED_FROM
        fits = {"TOO_DARK": brightness.value < DARK_BELOW, "TOO_BRIGHT": bright}
    return by_luma if fits[by_luma] else next((code for code, fit in fits.items() if fit), None)


def _fit_on_light(brightness: float, clipped: float) -> dict[str, bool]:
    burnt = brightness >= ON_LIGHT_BURNT[0] and clipped >= ON_LIGHT_BURNT[1]
    return {
        "TOO_DARK": brightness < ON_LIGHT_DARK_BELOW,
        "TOO_BRIGHT": brightness >= ON_LIGHT_BRIGHT_FROM or burnt,
    }


def name_fault(fault: Fault, measured: Measurements) -> list[str]:
    """Codes of a fault: as a rule one, two where the photo was enlarged."""
    if fault.attribute == "exposure":
        return [name_exposure(fault.code, measured) or fault.code]
    if fault.attribute == "sharpness":
        motion = measured.values.get("motion")
        if motion is None:
            return [fault.code]
        return ["BLUR_MOTION" if motion.value >= MOTION_FROM else "BLUR_DEFOCUS"]
    upscaled = measured.values.get("upscaled")
    if fault.attribute == "detail" and upscaled is not None and upscaled.value >= UPSCALED_FROM:
        return ["UPSCALED", fault.code]
    return [SCORE_CODES[fault.attribute or ""]]
