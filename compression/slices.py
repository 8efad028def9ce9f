"""Does the student follow its teacher everywhere? The same question for each kind of photo by itself.

One figure over all photos hides a fault, a background or a category on which the student goes its own way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from compression.agreement import STUDENT
from compression.bounds import Gate, hold
from compression.metrics import Estimate, estimate_srcc
from compression.scoring import Split

SLICE_GATE = "student vs teacher, SRCC, {kind}: {name}"
"""Its name is the same in every bundle, so that two can be compared."""

IMAGES = 200
GROUPS = 20
"""A slice of fewer images, or of images from fewer groups, tells too little: its SRCC is not measured."""


@dataclass(frozen=True)
class Slice:
    """One kind of photo.

    Attributes:
        kind: category, degradation or background.
        name: which one.
        n, groups: images, and the groups that they are from.
        estimate: SRCC of student and teacher; None where there are too few of either.
    """

    kind: str
    name: str
    n: int
    groups: int
    estimate: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def measure_slices(test: Split, images: int = IMAGES, groups: int = GROUPS) -> list[Slice]:
    """Measure every slice that is large enough, and count those that are not.

    No slice is left out for what it shows: clean photos, whose scores lie close together, are hard to put
    in the teacher's order, and yet are what a seller should be left alone with.

    Args:
        images, groups: the least that a slice needs to be measured.
    """
    student, teacher = test.scores[STUDENT][:, 0], test.scores["teacher"][:, 0]
    found = []
    for kind, names in test.kinds.items():
        for name in sorted({*names} - {""}):
            at = np.flatnonzero(np.array(names) == name)
            of = [test.groups[index] for index in at]
            enough = len(at) >= images and len({*of}) >= groups
            estimate = estimate_srcc(student[at], teacher[at], of) if enough else None
            found.append(Slice(kind, name, len(at), len({*of}), estimate))
    return found


def slice_gates(slices: Sequence[Slice], bounds: Mapping[str, float]) -> list[Gate]:
    """One gate a slice that was measured."""
    return [
        hold(SLICE_GATE.format(kind=each.kind, name=each.name), each.estimate, "slice_srcc", bounds)
        for each in slices
        if each.estimate is not None
    ]


def tell_unmeasured(slices: Sequence[Slice]) -> str:
    """A sentence on the slices that were too small to measure; "" where there are none."""
    small = [
        f"{each.name} ({each.n} images from {each.groups} groups)" for each in slices if each.estimate is None
    ]
    return f"too few images to measure by themselves: {', '.join(small)}" if small else ""
