"""Which of several live frames is the better photo, where nothing is wrong with any of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edge_iqa.camera.states import rate_shot

_SHARPNESS_POWER = 0.5
_PER_PX = 0.1
_SPEED_PX = 400.0
"""Pixels of blur that the speed of a whole frame counts as."""
_NO_EDGE_PX = 99.0


def measure_softness(blur_px: float | None, speed: float) -> float:
    """Width of the sharpest edges in px at viewing scale, what moves added.

    Args:
        blur_px: as in `Look`; None, where there is no edge, counts as very soft.
        speed: as in `Seen`.
    """
    return (_NO_EDGE_PX if blur_px is None else blur_px) + _SPEED_PX * speed


def weigh(scores: Mapping[str, float], softness_px: float) -> float:
    """How much a frame is worth beside others of its stream: the higher the better.

    The score of sharpness changes by a few hundredths with what is shown, which is more than between two sharp frames,
    so half of it (its root) is left to edges as they were measured.

    Args:
        scores: 0 to 1, as in `Seen`; without any, softness alone decides.
        softness_px: see `measure_softness`.
    """
    shot = rate_shot(scores) or 0.0
    sharpness = scores.get("sharpness", 0.0)
    if sharpness > 0:
        shot /= math.pow(sharpness, _SHARPNESS_POWER)
    return shot - _PER_PX * softness_px
