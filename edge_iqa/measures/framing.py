"""Where the product stands in the photo: how much it fills, how far from the middle, what is cut off."""

from __future__ import annotations

import math

import numpy as np

from edge_iqa.mask import label_parts
from edge_iqa.measurement import Box
from edge_iqa.measures.study import Study, find_box

Values = dict[str, tuple[float, Box | None]]
"""Value and place of measurements, by name."""

_PRODUCT = 0.1
"""A part of the mask is a product of its own from so much of the largest part's area up."""


def measure_framing(study: Study) -> Values:
    """Measure `product`, and where it was found `products`, `fill`, `fill_area`, `off_center` and `cut_off`."""
    flags = study.mask.product
    box = find_box(flags)
    found: Values = {"product": (study.mask.confidence if box else 0.0, box)}
    if box is None or not study.mask.is_found:
        return found
    left, top, width, height = box
    middle = math.hypot(left + width / 2 - 0.5, top + height / 2 - 0.5)
    cut, where = _measure_cut(study)
    return {
        **found,
        "products": (float(_count(study)), box),
        "fill": (max(width, height), box),
        "fill_area": (float(flags.mean()), box),
        "off_center": (middle, box),
        "cut_off": (cut, where),
    }


def _count(study: Study) -> int:
    """Parts of the mask that do not hang together, crumbs aside."""
    areas = label_parts(study.mask.product)[1][1:]
    return int((areas >= _PRODUCT * areas.max()).sum())


def _measure_cut(study: Study) -> tuple[float, Box | None]:
    """Share of the photo's edges that the product touches, and the box of those places."""
    flags = study.mask.product
    touched = np.zeros_like(flags)
    touched[0], touched[-1] = flags[0], flags[-1]
    touched[:, 0], touched[:, -1] = flags[:, 0], flags[:, -1]
    length = sum(int(edge.sum()) for edge in (flags[0], flags[-1], flags[:, 0], flags[:, -1]))
    return length / (2 * sum(flags.shape)), find_box(touched)
