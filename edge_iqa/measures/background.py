"""The background: how white, how light, how colorful, how even."""

from __future__ import annotations

import numpy as np

from edge_iqa.measures.framing import Values
from edge_iqa.measures.light import BURNT
from edge_iqa.measures.study import Study, pick

_LEAST = 0.02
"""Less of a photo than this tells nothing of its background."""

_RIM = 0.03
"""Share of the shorter side within which the rim of a photo lies."""

_NO_PRODUCT_COVERS = 0.5
"""Share of the rim that no product covers but one that is cut off on two sides."""


def measure_background(study: Study) -> Values:
    """Measure `background_white`, `background_brightness`, `background_color` and `background_uneven`, where a product
    was found that leaves some background. Where none was found, the rim of the photo still tells a background that is
    not white."""
    if not study.mask.is_found:
        return _measure_rim(study)
    behind = study.background
    if behind.mean() < _LEAST:
        return {}
    lab = pick(study.lab, behind)
    return {
        "background_white": (float((pick(study.lowest, behind) >= BURNT).mean()), None),
        "background_brightness": (float(np.median(lab[:, 0])), None),
        "background_color": (float(np.median(np.hypot(lab[:, 1], lab[:, 2]))), None),
        "background_uneven": (float(lab[:, 0].std()), None),
    }


def _measure_rim(study: Study) -> Values:
    """How much of the rim is white, where that is too little for any product on white."""
    width = max(1, round(_RIM * min(study.lowest.shape)))
    rim = np.ones(study.lowest.shape, bool)
    rim[width:-width, width:-width] = False
    white = float((study.lowest[rim] >= BURNT).mean())
    return {"background_white": (white, None)} if white < _NO_PRODUCT_COVERS else {}
