"""Rows of changed and of attacked photos → figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure
from benchmarks.scoring import Row, iterate_pairs
from compression.data import ACCEPT_LABEL, REJECT_LABEL
from compression.metrics import Estimate, estimate, estimate_percentile, estimate_share

P99, FLIPS = 0.05, 0.02
"""Bounds of a small change: of the score's change, 0-1, and of the share of verdicts that flip."""
WORST = "the worst of the small changes"
SCORE, MEAN = "p99 of the score's change", "mean of the score's change"
FLIPPED, EITHER = "verdict flips, clear photos", "accept or not changes, all photos"
OTHER = "another verdict, all photos"
"""Of a small change."""
GAIN, P90 = "mean change of the score", "p90 of the score's change"
CROSSED, OWN = "verdict won", "mean change by the attacked net itself"
GOOD, BAD = "accepted photos", "other photos"
"""Of an attack."""
CLEAN, SCENE = "clean", "scene-"
"""As rows have it: a photo without a fault, and how the names of drawn sources begin."""
_ACCEPT = "accept"


def judge_changes(rows: Sequence[Row]) -> list[Figure]:
    """Of each change how far it moves the score and how often the verdict; the worst ones are held to the bounds.

    A flip is from accept to anything else, or back, among photos that are clearly good or clearly bad by their label,
    as at the gates of a bundle.
    """
    figures = []
    for name, same in iterate_pairs(rows, "change"):
        clear = [row for row in same if not REJECT_LABEL < row["label"] < ACCEPT_LABEL]
        figures += [
            Figure(f"{name}: {SCORE}", _percentile(same, 0.99, _moved)),
            Figure(f"{name}: {MEAN}", _mean(same, _moved)),
            Figure(f"{name}: {FLIPPED}", _share(clear, _is_flipped)),
            Figure(f"{name}: {EITHER}", _share(same, _is_flipped)),
            Figure(f"{name}: {OTHER}", _share(same, lambda row: row["verdict"][0] != row["verdict"][1])),
        ]
    worst = [Figure(f"{WORST}: {SCORE}", _worst(figures, SCORE), P99, at_least=False)]
    worst.append(Figure(f"{WORST}: {FLIPPED}", _worst(figures, FLIPPED), FLIPS, at_least=False))
    parts = {
        "clean": [row for row in rows if row["fault"] == CLEAN],
        "spoiled": [row for row in rows if row["fault"] != CLEAN],
        "real": [row for row in rows if not row["source"].startswith(SCENE)],
        "drawn": [row for row in rows if row["source"].startswith(SCENE)],
    }
    told = [
        Figure(f"all changes, {kind} photos: {SCORE}", _percentile(some, 0.99, _moved))
        for kind, some in parts.items()
    ]
    return [*worst, *figures, *told]


def judge_attacks(rows: Sequence[Row]) -> list[Figure]:
    """How far each attack moves the score the way it wants, and how often over the bound of accept ("won").

    Nothing was hardened, so nothing is held to a bound.

    Args:
        rows: `score` before and after by the device's model; `own` by the attacked net, where that is another one.
    """
    figures = []
    for attacked, every in iterate_pairs(rows, "attack"):
        for epsilon in dict.fromkeys(row["epsilon"] for row in every):
            same = [row for row in every if row["epsilon"] == epsilon]
            what = f"{attacked}, {epsilon}/255"
            figures.append(Figure(f"{what}: {P90}", _percentile(same, 0.9, _gained)))
            for kind, some in {
                "": same,
                f", {GOOD}": [row for row in same if _is_good(row)],
                f", {BAD}": [row for row in same if not _is_good(row)],
            }.items():
                figures += [
                    Figure(f"{what}{kind}: {GAIN}", _mean(some, _gained)),
                    Figure(f"{what}{kind}: {CROSSED}", _share(some, _is_crossed)),
                ]
            if "own" in same[0]:
                figures.append(Figure(f"{what}: {OWN}", _mean(same, _gained_itself)))
    return figures


def _worst(figures: Sequence[Figure], ending: str) -> Estimate | None:
    """The estimate whose interval ends highest; None where one of them is missing: it may be the worst."""
    found = [figure.estimate for figure in figures if figure.what.endswith(f": {ending}")]
    known = [each for each in found if each is not None]
    return max(known, key=lambda each: each.high) if known and len(known) == len(found) else None


def _moved(row: Row) -> float:
    return abs(row["score"][1] - row["score"][0])


def _is_flipped(row: Row) -> bool:
    before, after = (verdict == _ACCEPT for verdict in row["verdict"])
    return before != after


def _is_good(row: Row) -> bool:
    return bool(row["score"][0] >= row["accept"])


def _gained(row: Row, key: str = "score") -> float:
    """The score's change, above 0 where it goes the way that the attack wants."""
    change = row[key][1] - row[key][0]
    return float(-change if _is_good(row) else change)


def _gained_itself(row: Row) -> float:
    return _gained(row, "own")


def _is_crossed(row: Row) -> bool:
    return _is_good(row) != (row["score"][1] >= row["accept"])


def _mean(rows: Sequence[Row], value: Callable[[Row], float]) -> Estimate | None:
    values, groups = _read(rows, value)
    return estimate(lambda at: float(values[at].mean()), groups) if groups else None


def _percentile(rows: Sequence[Row], share: float, value: Callable[[Row], float]) -> Estimate | None:
    values, groups = _read(rows, value)
    return estimate_percentile(values, share, groups) if groups else None


def _share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> Estimate | None:
    values, groups = _read(rows, holds)
    return estimate_share(values.astype(bool), groups) if groups else None


def _read(rows: Sequence[Row], value: Callable[[Row], float]) -> tuple[NDArray[np.float64], list[str]]:
    return np.array([value(row) for row in rows], float), [row["group"] for row in rows]
