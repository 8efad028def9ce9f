"""What is said of each live frame, and of the frames that were chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa.measurement import Box
from edge_iqa.report import Report

STEPS = ("measure", "model")
"""What a frame may go without, beside its motion: outline, light and sharpness; the model, with its detail views."""


@dataclass(frozen=True)
class FrameReport:
    """One frame of a stream.

    Attributes:
        index: of the frame in its source, from 0; frames that were dropped have one too.
        time_s: when it was taken, by the clock of the source.
        state: one of `edge_iqa.camera.names.STATES`; `inspector.words.states` has labels.
        hint: what to do now, in the language of the inspector; None where nothing is to be done.
        score: overall score, 0 to 100, of the picture as it stands; None until the model has seen it.
        box: of the product; None where it is not known.
        capture: whether now is the moment to take the photo: good for half a second. Said once a picture.
        time_ms: time spent on it.
        skipped: steps of `STEPS` that this frame went without; what they found on an earlier one holds on.
        dropped: frames passed over so far: newer ones were there, or they are too small to judge.
    """

    index: int
    time_s: float
    state: str
    hint: str | None
    score: float | None
    box: Box | None
    capture: bool
    time_ms: float
    skipped: tuple[str, ...]
    dropped: int

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, in the order of the attributes."""
        values = dict(vars(self))
        return {**values, "box": None if self.box is None else list(self.box), "skipped": list(self.skipped)}


@dataclass(frozen=True, eq=False)
class Best:
    """A frame that was chosen.

    Attributes:
        pixels: uint8 HxWx3, RGB, upright.
        report: the verdict on it, in full.
        time_s, index: as in `FrameReport`.
    """

    pixels: NDArray[np.uint8]
    report: Report
    time_s: float
    index: int
