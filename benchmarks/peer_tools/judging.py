"""Rows of everybody's readings → order accuracy by degradation, and how far we are ahead, on the same pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, pairs_of
from benchmarks.scoring import iterate_pairs
from compression.degradations import FAULTS
from compression.metrics import Estimate, estimate, estimate_share

Row = dict[str, Any]
Floats = NDArray[np.float64]

BEHIND = -0.01
"""On no degradation may we be behind by more."""
OVERALL, LARGE_BLUR = "overall", "12 MP, blurred by 3 px"
SAME_PAIRS = ", same pairs: "
"""Of a paired difference."""
KINDS = {"photo": "real photos", "canvas": "white canvases", "large": "12 MP"}
NAMES = (*FAULTS, LARGE_BLUR)


@dataclass(frozen=True)
class Order:
    """One judge's pairs in order.

    Attributes:
        reading: which of its readings; the one that orders most pairs.
        readings: share of all pairs in order, by each of them.
        shares: overall, by kind of source and by degradation.
        credits: (pairs,) 1 in order, 0 not, 0.5 tied or not answered.
        unanswered: pairs of which a photo has no answer.
    """

    reading: str
    readings: Mapping[str, float]
    shares: Mapping[str, Estimate]
    credits: Floats
    unanswered: int


def list_pairs(rows: Sequence[Row]) -> list[Row]:
    """Pairs of one source, clean against spoiled and two severities of one fault (`benchmarks.figures.pairs_of`)."""
    pairs = []
    for _, same in iterate_pairs(rows, "photo"):
        kind = same[0]["kind"]
        for pair in pairs_of(same):
            name = LARGE_BLUR if kind == "large" else pair["name"]
            pairs.append({**pair, "name": name, "kind": kind})
    return pairs


def give_credits(pairs: Sequence[Row], peer: str, reading: str) -> tuple[Floats, int]:
    """Of each pair 1 in order, 0 not, 0.5 a tie; and how many were not answered, which count as ties."""
    credits, unanswered = [], 0
    for pair in pairs:
        ends = [pair[end]["answers"].get(peer) for end in ("better", "worse")]
        if None in ends:
            credits.append(0.5)
            unanswered += 1
            continue
        better, worse = (end["readings"][reading] for end in ends)
        credits.append(0.5 if better == worse else float(better > worse))
    return np.array(credits), unanswered


def judge_order(pairs: Sequence[Row], peer: str) -> Order | None:
    """One judge, by the reading that does best over all pairs; None where it gave no answer."""
    first = next(
        (
            pair[end]["answers"][peer]
            for pair in pairs
            for end in ("better", "worse")
            if peer in pair[end]["answers"]
        ),
        None,
    )
    if first is None:
        return None
    told = {reading: give_credits(pairs, peer, reading) for reading in first["readings"]}
    readings = {reading: float(credits.mean()) for reading, (credits, _) in told.items()}
    best = max(readings, key=lambda reading: readings[reading])
    credits, unanswered = told[best]
    groups = np.array([pair["group"] for pair in pairs])
    shares = {
        name: estimate_share(credits[at], list(groups[at])) for name, at in _parts(pairs).items() if at.any()
    }
    return Order(best, readings, shares, credits, unanswered)


def compare(pairs: Sequence[Row], ours: Order, theirs: Order) -> dict[str, Estimate]:
    """Ours - theirs, paired: on the same pairs, whole groups resampled; overall, by kind and by degradation."""
    difference = ours.credits - theirs.credits
    groups = np.array([pair["group"] for pair in pairs])
    return {
        name: estimate(lambda index, some=difference[at]: float(some[index].mean()), list(groups[at]))  # type: ignore[misc]
        for name, at in _parts(pairs).items()
        if at.any()
    }


def make_figures(
    pairs: Sequence[Row], orders: Mapping[str, Order], our_name: str, bounded: Sequence[str]
) -> list[Figure]:
    """All that is told of order.

    Ahead "intervals apart" is a difference whose interval reaches from the near to the far ends of both intervals. Of
    a degradation the value is held to the bound: its pairs are too few for the interval of a tie to be that narrow.

    Args:
        orders: by peer; ours too.
        bounded: peers that we must beat.
    """
    figures = [
        Figure(f"pairs in order, {peer}: {name}", share)
        for peer, order in orders.items()
        for name, share in order.shares.items()
    ]
    ours = orders[our_name]
    for peer, order in orders.items():
        if peer == our_name:
            continue
        held = peer in bounded
        mine, other = ours.shares[OVERALL], order.shares[OVERALL]
        gap = Estimate(mine.value - other.value, mine.low - other.high, mine.high - other.low, mine.n)
        figures.append(
            Figure(f"ours ahead of {peer}, intervals apart: {OVERALL}", gap, 0.0 if held else None)
        )
        for name, difference in compare(pairs, ours, order).items():
            bound = BEHIND if held and name in NAMES else None
            figures.append(
                Figure(f"ours - {peer}{SAME_PAIRS}{name}", difference, bound, point=bound is not None)
            )
    return figures


def _parts(pairs: Sequence[Row]) -> dict[str, NDArray[np.bool_]]:
    """Which pairs belong to what: overall, each kind of source, each degradation."""
    kinds, names = (np.array([pair[key] for pair in pairs]) for key in ("kind", "name"))
    parts = {OVERALL: np.ones(len(pairs), bool)}
    parts |= {title: kinds == kind for kind, title in KINDS.items()}
    return parts | {name: names == name for name in NAMES}
