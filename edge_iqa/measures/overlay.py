"""What software has laid over the photo: text, badges, ribbons, logos, watermarks.

No letter is read. Strokes are looked for in a copy of 512 px (`overlay_marks`), described (`overlay_properties`) and
weighed (`overlay_chances`). Light letters printed on a dark product, level and head on, still pass for laid over;
what is faint on wood, on joints of tiles or across a product full of print is overlooked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.measures.framing import Values
from edge_iqa.measures.overlay_chances import describe_company, describe_photo, to_chance, weigh
from edge_iqa.measures.overlay_marks import find_marks
from edge_iqa.measures.overlay_properties import Described, describe
from edge_iqa.measures.overlay_weights import COMPANY, MARK, PHOTO
from edge_iqa.measures.study import Study, find_box

_LIKELY = 0.5

_GROUP = 0.2
"""A mark is told from so much of the company up that the likeliest has: its neighbors' chances and its own."""

_POSSIBLE, _STEPS = 0.25, 3
"""Beside what is told, marks from this chance up are told too, so many times over."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """What is laid over one photo.

    Attributes:
        chance: 0 to 1, that anything is.
        flags: bool (h, w), at the size of the mask: the boxes of the likely letters; nothing where the chance is
            under one half.
    """

    chance: float
    flags: NDArray[np.bool_]

    @property
    def is_found(self) -> bool:
        """Whether there is an overlay, more likely than not."""
        return self.chance >= _LIKELY


def measure_overlay(study: Study) -> Values:
    """Measure `overlay`: the share of the photo that the letters' boxes cover, and the box of all of them."""
    overlay = find_overlay(study)
    return {"overlay": (float(overlay.flags.mean()), find_box(overlay.flags))}


def find_overlay(study: Study) -> Overlay:
    """Find what was laid over the photo."""
    flags = np.zeros(study.small.shape[:2], bool)
    marks = find_marks(study.medium)
    if not len(marks.boxes):
        return Overlay(0.0, flags)
    described = describe(marks, study)
    chances = to_chance(COMPANY.weigh(describe_company(described, MARK.weigh(described.properties))))
    chance = float(to_chance(weigh(describe_photo(described, chances, study.mask.confidence), PHOTO))[0])
    if chance >= _LIKELY:
        height, width = study.medium.shape[:2]
        scale = (study.small.shape[1] / width, study.small.shape[0] / height)
        _fill_boxes(flags, marks.boxes[_choose(marks.boxes, described, chances)], scale)
    return Overlay(chance, flags)


def _choose(boxes: NDArray[np.int32], described: Described, chances: NDArray[np.float64]) -> NDArray[np.intp]:
    """The likely marks of the likeliest groups, or else the likeliest mark, and what may belong to them beside them."""
    likely = np.where(chances >= _LIKELY, chances, 0)
    if not likely.any():
        return np.array([int(chances.argmax())])
    company = np.where(likely > 0, likely + described.alike @ likely, 0)
    chosen = company >= _GROUP * company.max()
    left, top, wide, tall = boxes.T.astype(np.float64)
    across = np.maximum(np.maximum(left[:, None] - (left + wide), left - (left + wide)[:, None]), 0)
    down = np.maximum(np.maximum(top[:, None] - (top + tall), top - (top + tall)[:, None]), 0)
    beside = np.hypot(across, down) < 1.2 * np.maximum(tall[:, None], tall)
    for _ in range(_STEPS):
        chosen |= (chances > _POSSIBLE) & (beside & chosen).any(1)
    return np.flatnonzero(chosen)


def _fill_boxes(flags: NDArray[np.bool_], boxes: NDArray[np.int32], scale: tuple[float, float]) -> None:
    """Set the flags in boxes (left, top, width, height) of a copy that is `scale` times as small."""
    cv2 = opencv.load()
    canvas = flags.view(np.uint8)
    for left, top, wide, tall in boxes.tolist():
        first = int(left * scale[0]), int(top * scale[1])
        last = int((left + wide) * scale[0] - 0.01), int((top + tall) * scale[1] - 0.01)
        cv2.rectangle(canvas, first, last, 1, -1)
