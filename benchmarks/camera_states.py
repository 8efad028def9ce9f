"""How well a film was followed: states against truth, and hints that changed without need. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.figures import Figure
from compression.metrics import Estimate, estimate, estimate_share
from edge_iqa.camera.names import FAULTS, HINTS

CHANGE_FRAMES = 3
"""Frames this near to a change of the allowed states, or to the beginning of the film, are not counted."""
HINT_FRAMES = 10
"""A hint is held back until it is sure: so long after a change an earlier one may still be shown."""
QUALITY_HINTS = frozenset(HINTS) - frozenset(FAULTS)
"""What may be said of a `steady` picture whose noise may keep it from being accepted, and has to be where it does."""
_NOISY, _REFUSED = 0.04, 0.28
_LISTED = 12


@dataclass(frozen=True)
class Watched:
    """What is true of one frame, and what was said of it.

    Attributes:
        film: which; the group of every interval.
        kind: of the segment.
        allowed: states that are right.
        noise: 0-1.
        state, hint, score, time_ms: as reported; `hint` is its name, None is none.
    """

    film: str
    kind: str
    allowed: frozenset[str]
    noise: float
    state: str
    hint: str | None
    score: float | None
    time_ms: float

    @property
    def wanted(self) -> frozenset[str | None]:
        """Hints that are right: that of each allowed state; None with `steady` or `good`, but for strong noise."""
        sound = self.allowed & {"steady", "good"}
        hints: set[str | None] = set(self.allowed - sound)
        if sound:
            hints.add(None)
        if "steady" in sound and self.noise > _NOISY:
            hints |= QUALITY_HINTS
        if self.allowed == {"steady"} and self.noise >= _REFUSED:
            hints.discard(None)
        return frozenset(hints)


Film = Sequence[Watched]
"""All frames of one film, in order."""


def find_counted(frames: Film, after: int = CHANGE_FRAMES) -> list[bool]:
    """Whether each frame is away from a change of the allowed states, which lies between two frames.

    The three before it are left out, and `after` of those behind it.
    """
    counted = [True] * len(frames)
    changes = [0, *(at for at in range(1, len(frames)) if frames[at].allowed != frames[at - 1].allowed)]
    for change in changes:
        for near in range(max(0, change - CHANGE_FRAMES), min(len(frames), change + after)):
            counted[near] = False
    return counted


def count_needless(frames: Film) -> int:
    """Changes of the shown hint that did not follow from the truth.

    The film is cut into the fewest stretches in each of which one hint is right throughout: a watcher that never
    errs changes once at the beginning of each. So each stretch allows one change, the first one only where the hint
    that the film begins with is not the one. A change belongs to the stretch
    that it falls into, one in the last three frames of a stretch to the next where that is still to be paid.
    What goes beyond is not needed: a hint that comes and goes again, one that is wrong, a flicker.
    """
    starts, common = [0], frames[0].wanted
    firsts = [common]
    for at, frame in enumerate(frames):
        if not common & frame.wanted:
            starts.append(at)
            common = frame.wanted
            firsts.append(common)
        common &= frame.wanted
        firsts[-1] = common
    changes = [at for at in range(1, len(frames)) if frames[at].hint != frames[at - 1].hint]
    made: Counter[int] = Counter()
    for change in changes:
        early = int(np.searchsorted(starts, change + CHANGE_FRAMES, "right")) - 1
        stretch = int(np.searchsorted(starts, change, "right")) - 1
        made[early if early > stretch and not made[early] else stretch] += 1
    credit = [int(frames[0].hint not in firsts[0]), *([1] * (len(starts) - 1))]
    return sum(max(0, count - credit[stretch]) for stretch, count in made.items())


def judge_states(films: Sequence[Film]) -> list[Figure]:
    """Share of states that are right: all, by what is true, and by the kind of segment."""
    rows = [
        (frame, frame.state in frame.allowed)
        for frames in films
        for frame, counted in zip(frames, find_counted(frames), strict=True)
        if counted
    ]
    found = [Figure("state right", _share(rows), 0.95)]
    for state in sorted({name for frame, _ in rows for name in frame.allowed}):
        same = [row for row in rows if row[0].allowed == {state}]
        found.append(Figure(f"state right: {state}", _share(same)))
    for kind in sorted({frame.kind for frame, _ in rows}):
        found.append(
            Figure(f"state right in segments: {kind}", _share([r for r in rows if r[0].kind == kind]))
        )
    return found


def judge_hints(films: Sequence[Film], fps: float) -> list[Figure]:
    """Changes of the hint in 10 s: not needed, and all."""
    tens = np.array([len(frames) / fps / 10 for frames in films])
    needless = np.array([count_needless(frames) for frames in films], float)
    changes = np.array([sum(a.hint != b.hint for a, b in pairwise(f)) for f in films], float)
    rows = [
        (frame, frame.hint in frame.wanted)
        for frames in films
        for frame, counted in zip(frames, find_counted(frames, HINT_FRAMES), strict=True)
        if counted
    ]
    return [
        Figure("hint right, a third of a second after a change", _share(rows)),
        Figure("hint changes not needed, in 10 s", _rate(needless, tens, films), 0.5, at_least=False),
        Figure("hint changes, in 10 s", _rate(changes, tens, films)),
    ]


def confuse(films: Sequence[Film]) -> dict[str, dict[str, dict[str, int]]]:
    """Kind of segment → allowed states → state named → counted frames."""
    table: dict[str, dict[str, Counter[str]]] = {}
    for frames in films:
        for frame, counted in zip(frames, find_counted(frames), strict=True):
            if counted:
                row = table.setdefault(frame.kind, {}).setdefault("|".join(sorted(frame.allowed)), Counter())
                row[frame.state] += 1
    return {
        kind: {truth: dict(row.most_common()) for truth, row in sorted(rows.items())}
        for kind, rows in sorted(table.items())
    }


def list_confusions(table: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[tuple[str, str, str, int]]:
    """What was mistaken most often: kind, allowed states, state named, frames."""
    wrong = [
        (kind, truth, called, count)
        for kind, rows in table.items()
        for truth, row in rows.items()
        for called, count in row.items()
        if called not in truth.split("|")
    ]
    return sorted(wrong, key=lambda row: -row[3])[:_LISTED]


def _share(rows: Sequence[tuple[Watched, bool]]) -> Estimate | None:
    if not rows:
        return None
    return estimate_share(np.array([right for _, right in rows]), [frame.film for frame, _ in rows])


def _rate(counts: np.ndarray, tens: np.ndarray, films: Sequence[Film]) -> Estimate:
    names = [frames[0].film for frames in films]
    return estimate(lambda at: float(counts[at].sum() / tens[at].sum()), names)
