"""The background: how white, how light, how colorful, how even."""

from __future__ import annotations

import numpy as np

from edge_iqa.measures.framing import Values
from edge_iqa.measures.light import BURNT
from edge_iqa.measures.study import Study, pick

_LEAST = 0.02
"""Less of a photo than this tells nothing of its background."""


def measure_background(study: Study) -> Values:
    """Measure `background_white`, `background_brightness`, `background_color` and `background_uneven`, where a product
    was found that leaves some background."""
    behind = study.background
    if not study.mask.is_found or behind.mean() < _LEAST:
        return {}
    lab = pick(study.lab, behind)
    return {
        "background_white": (float((pick(study.lowest, behind) >= BURNT).mean()), None),
        "background_brightness": (float(np.median(lab[:, 0])), None),
        "background_color": (float(np.median(np.hypot(lab[:, 1], lab[:, 2]))), None),
        "background_uneven": (float(lab[:, 0].std()), None),
    }
