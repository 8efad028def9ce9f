"""Which causes the device can repair. `edge_iqa.codes.CODES` says it in words; the conditions stand here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from edge_iqa.codes import ALWAYS, CODES
from edge_iqa.measure import Measurements
from edge_iqa.report import RuleResult
from edge_iqa.rule import Rule

MOST_CLIPPED = 0.02
"""Share of the product that may be burnt out: what is white there cannot be brought back."""

MOST_NOISE = 0.5
"""Severity up to which noise goes without taking the detail with it."""

_SIZES = ("width_px", "height_px", "long_side_px", "short_side_px", "pixels")


def can_repair(
    code: str,
    severity: float,
    measured: Measurements,
    rules: Mapping[str, Rule],
    results: Sequence[RuleResult],
) -> bool:
    """Whether the device can repair a cause of one photo.

    Args:
        code: of the cause.
        severity: of the cause, 0 to 1.
        measured: what was measured on the photo.
        rules: of the policy, by `RuleResult.rule`.
        results: how they came out.
    """
    if code == "TOO_BRIGHT":
        clipped = measured.values.get("clipped_bright")
        return clipped is not None and clipped.value <= MOST_CLIPPED
    if code == "NOISE":
        return severity <= MOST_NOISE
    if code == "FILL_LOW":
        return _keeps_pixels(measured, rules, results)
    if code == "BACKGROUND":
        return measured.mask.is_sure
    return CODES[code].fixable == ALWAYS


def _keeps_pixels(measured: Measurements, rules: Mapping[str, Rule], results: Sequence[RuleResult]) -> bool:
    """Whether the photo, cropped until the product fills enough of it, still keeps the rules of size that it keeps."""
    share = min(
        (_find_crop(rules[each.rule], each) for each in results if each.code == "FILL_LOW"), default=1.0
    )
    for each in results:
        least = rules[each.rule].at_least
        if each.measure in _SIZES and least is not None and each.status == "held":
            now = measured.values[each.measure].value
            if now * (share**2 if each.measure == "pixels" else share) < least:
                return False
    return True


def _find_crop(rule: Rule, result: RuleResult) -> float:
    """Share of the sides that is left by the crop that a rule of fill asks for; 1 where it asks for none."""
    if result.status != "broken" or rule.at_least is None or not isinstance(result.value, float):
        return 1.0
    share = result.value / rule.at_least
    return math.sqrt(share) if rule.measure == "fill_area" else share
