"""What the page shows of one photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa.page.quality_map import QualityMap
from edge_iqa.report import Report

Scores = tuple[float, Mapping[str, float]]
"""Overall score and attributes, 0 to 100."""


@dataclass(frozen=True, eq=False)
class Repair:
    """What a repair made of a photo.

    Attributes:
        pixels: uint8 HxWx3, RGB, of the repaired photo, of any size; None where the photo was left as it was.
        steps: what was done, in order, in words for people.
        before, after: scores of the model; the same where nothing was changed.
        why: why the photo was left as it was, or "".
        verdict: of the repaired photo; None where it was not judged again.
    """

    pixels: NDArray[np.uint8] | None
    steps: tuple[str, ...]
    before: Scores
    after: Scores
    why: str = ""
    verdict: str | None = None


@dataclass(frozen=True, eq=False)
class Entry:
    """One photo that was judged.

    Attributes:
        report: its judgement.
        pixels: uint8 HxWx3, RGB, of the photo as it is shown, of any size.
        map: its quality map.
        repair: None where none was tried.
    """

    report: Report
    pixels: NDArray[np.uint8]
    map: QualityMap
    repair: Repair | None = None
