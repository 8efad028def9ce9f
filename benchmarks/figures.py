"""Rows of scored photos → figures with their intervals and, where there is one, the bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.scoring import Row, iterate_pairs
from compression.data import ACCEPT_LABEL, REJECT_LABEL
from compression.degradations import FAULTS
from compression.metrics import Estimate, bootstrap, estimate_pair_share, estimate_share, estimate_srcc, srcc
from compression.reliability import estimate_calibration_error, estimate_selective

CALIBRATION = "calibration error of the confidence"
COVERAGE = 0.9
SELECTIVE = f"errors among the surest {COVERAGE:.0%}"
_SEEN = 0.15
"""Severity from which a spoiled photo must score below the clean one."""
_NAMED = 0.3
"""Severity from which the cause must be named."""


def order_within(rows: Sequence[Row]) -> list[Figure]:
    """Pairs of one source: clean against spoiled, and two severities of one fault; all, then each fault."""
    pairs = pairs_within(rows)
    figures = [Figure("pairs of one source in order", _share(pairs), 0.97)]
    for name in (*FAULTS, "mixture"):
        chosen = [pair for pair in pairs if pair["name"] == name]
        figures.append(Figure(f"pairs of one source in order: {name}", _share(chosen), 0.90))
    return figures


def pairs_within(rows: Sequence[Row]) -> list[Row]:
    """Pairs of one source that have an order, each with whether the scores have it: `held`."""
    return [
        {**pair, "held": pair["worse"]["score"] < pair["better"]["score"]}
        for _, same in iterate_pairs(rows, "photo")
        for pair in pairs_of(same)
    ]


def pairs_of(rows: Sequence[Row]) -> list[Row]:
    """Pairs of one source: `group`, `name` of the fault ("mixture" for several), and the rows `better` and `worse`."""
    clean = next(row for row in rows if row["faults"] == 0)
    spoiled = [row for row in rows if row["faults"]]
    pairs = []
    for row in spoiled:
        name = row["name"] if row["faults"] == 1 else "mixture"
        if row["severity"] >= _SEEN:
            pairs.append({"group": row["group"], "name": name, "better": clean, "worse": row})
    for name, same in iterate_pairs([row for row in spoiled if row["faults"] == 1], "name"):
        weak, strong = (pick(same, key=lambda row: row["severity"]) for pick in (min, max))
        if strong["severity"] - weak["severity"] >= 0.2:
            pairs.append({"group": weak["group"], "name": name, "better": weak, "worse": strong})
    return pairs


def order_across(rows: Sequence[Row], seed: int = 0, most: int = 20_000) -> Figure:
    """Pairs of two sources whose labels lie at least 0.3 apart; a random `most` of them."""
    rows = [row for row in rows if row["label"] is not None]
    rng = np.random.default_rng(seed)
    one, two = rng.integers(0, len(rows), (2, 10 * most))
    labels, scores = (np.array([row[key] for row in rows]) for key in ("label", "score"))
    photos = np.unique([row["photo"] for row in rows], return_inverse=True)[1]
    keep = np.flatnonzero((labels[one] - labels[two] >= 0.3) & (photos[one] != photos[two]))[:most]
    held = scores[one[keep]] > scores[two[keep]]
    groups = [[rows[at]["group"] for at in end[keep]] for end in (one, two)]
    return Figure(
        "pairs of two sources, labels 0.3 apart, in order", estimate_pair_share(held, *groups), 0.95
    )


def agreement(rows: Sequence[Row]) -> list[Figure]:
    """SRCC with labels and with the teacher; rows carry `label`, `score` and `teacher`."""
    rows = [row for row in rows if row["label"] is not None]
    groups = [row["group"] for row in rows]
    student, teacher, label = (np.array([row[key] for row in rows]) for key in ("score", "teacher", "label"))

    def ratio(at: Any) -> float:
        return srcc(student[at], label[at]) / max(1e-6, srcc(teacher[at], label[at]))

    low, high = bootstrap(ratio, groups, 0)
    return [
        Figure("teacher's SRCC against labels", estimate_srcc(teacher, label, groups), 0.90),
        Figure("student's SRCC against labels", estimate_srcc(student, label, groups)),
        Figure("student vs teacher, SRCC", estimate_srcc(student, teacher, groups), 0.97),
        Figure(
            "student / teacher, SRCC against labels",
            Estimate(ratio(np.arange(len(rows))), low, high, len(rows)),
            0.98,
        ),
    ]


def causes(rows: Sequence[Row]) -> list[Figure]:
    """Single faults from severity 0.3 up: the cause named first is the attribute that the fault lowers."""
    chosen = [row for row in rows if row["faults"] == 1 and row["severity"] >= _NAMED]
    hits = [
        {"group": row["group"], "name": row["name"], "held": row["cause"] == FAULTS[row["name"]].attribute}
        for row in chosen
    ]
    figures = [Figure("the cause named first is the fault", _share(hits), 0.90)]
    for name in FAULTS:
        same = [hit for hit in hits if hit["name"] == name]
        figures.append(Figure(f"the cause named first is the fault: {name}", _share(same)))
    return figures


def verdicts(rows: Sequence[Row]) -> list[Figure]:
    """ "Not accept" against labels up to 0.5; labels from 0.7 up are accept; between them nothing counts."""
    rows = [row for row in rows if row["label"] is not None]
    counted = clear(rows)
    groups = [row["group"] for row in counted]
    bad = np.array([row["label"] <= REJECT_LABEL for row in counted])
    said = np.array([row["verdict"] != "accept" for row in counted])

    def measure(name: str, bound: float | None) -> Figure:
        def statistic(at: Any) -> float:
            hits = float((bad[at] & said[at]).sum())
            precision, recall = hits / max(1, said[at].sum()), hits / max(1, bad[at].sum())
            return {
                "precision": precision,
                "recall": recall,
                "F1": 2 * precision * recall / max(1e-9, precision + recall),
                "accuracy": float((bad[at] == said[at]).mean()),
            }[name]

        low, high = bootstrap(statistic, groups, 0)
        value = statistic(np.arange(len(counted)))
        return Figure(f'"not accept": {name}', Estimate(value, low, high, len(counted)), bound)

    reviewed = [{"group": row["group"], "held": row["verdict"] == "review"} for row in rows]
    return [
        *(measure(name, bound) for name, bound in (("F1", 0.95), ("accuracy", 0.95))),
        *(measure(name, None) for name in ("precision", "recall")),
        Figure(
            'share of "not accept" among what is counted',
            _share([{"group": g, "held": b} for g, b in zip(groups, bad.tolist(), strict=True)]),
        ),
        Figure("left to review", _share(reviewed), 0.10, at_least=False),
    ]


def clear(rows: Sequence[Row]) -> list[Row]:
    """Rows whose label says clearly whether the photo is good; see `verdicts`."""
    rows = [row for row in rows if row["label"] is not None]
    return [row for row in rows if row["label"] >= ACCEPT_LABEL or row["label"] <= REJECT_LABEL]


def confidences(rows: Sequence[Row]) -> list[Figure]:
    """How far the report's confidence is from how often it is right, and the errors among the surest nine in ten.

    None where the bundle has no calibration. `benchmarks/confidence.py` asks more.
    """
    counted = clear(rows)
    if not counted or any(row["confidence"] is None for row in counted):
        return []
    sure, right = (
        np.array([row["confidence"] for row in counted]),
        np.array([is_right(row) for row in counted]),
    )
    groups = [row["group"] for row in counted]
    return [
        Figure(CALIBRATION, estimate_calibration_error(sure, right, groups)),
        Figure(SELECTIVE, estimate_selective(sure, ~right, groups, COVERAGE)[0]),
    ]


def agree(ours: Sequence[Row], theirs: Sequence[Row], name: str) -> Figure:
    """How often another gives the same verdict of the same rendering."""
    pairs = [pair for pair in zip(ours, theirs, strict=True) if pair[0]["label"] is not None]
    same = [{"group": a["group"], "held": a["verdict"] == b["verdict"]} for a, b in pairs]
    return Figure(f"same verdict as {name}", _share(same))


def is_right(row: Row) -> bool:
    """Whether the side of a verdict, accepted or not, is that of a label which is clear."""
    return bool((row["verdict"] == "accept") == (row["label"] >= ACCEPT_LABEL))


def top_category(rows: Sequence[Row]) -> list[Figure]:
    """Category of clean photos that have one, against what the model names first."""
    chosen = [row for row in rows if row["faults"] == 0 and row["truth"]]
    hits = [{"group": row["group"], "held": row["category"] == row["truth"]} for row in chosen]
    return [Figure("category top-1, clean photos", _share(hits))]


def slices(rows: Sequence[Row], key: str) -> list[Figure]:
    """SRCC with the labels by slice."""
    rows = [row for row in rows if row["label"] is not None and row[key]]
    return [
        Figure(f"SRCC with labels, {key}: {value}", _srcc(same, "label"))
        for value, same in iterate_pairs(rows, key)
        if len(same) >= 30
    ]


def shares(what: str, rows: Sequence[Row], bound: float) -> list[Figure]:
    """The share of rows that held, and each kind (`what` of a row) by itself."""
    kinds = [Figure(f"{what}: {name}", _share(same)) for name, same in iterate_pairs(rows, "what")]
    return [Figure(what, _share(rows), bound), *kinds]


def shifts(what: str, rows: Sequence[Row], bound: float) -> Figure:
    """Mean absolute shift of the score."""
    values, groups = np.array([row["shift"] for row in rows]), [row["group"] for row in rows]
    low, high = bootstrap(lambda at: float(values[at].mean()), groups, 0)
    return Figure(what, Estimate(float(values.mean()), low, high, len(values)), bound, at_least=False)


def opinions(rows: Sequence[Row]) -> list[Figure]:
    """SRCC with people's opinion: over all, and the mean within a scene."""
    score, opinion = (np.array([row[key] for row in rows]) for key in ("score", "opinion"))
    groups = np.array([row["group"] for row in rows])

    def within(at: Any) -> float:
        return float(
            np.mean([srcc(score[at][groups[at] == g], opinion[at][groups[at] == g]) for g in set(groups)])
        )

    rng, low_high = np.random.default_rng(0), []
    for _ in range(1000):  # frames are resampled within their scene: there are four scenes only
        at = np.concatenate(
            [rng.choice(np.flatnonzero(groups == g), (groups == g).sum()) for g in np.unique(groups)]
        )
        low_high.append((srcc(score[at], opinion[at]), within(at)))
    low, high = np.quantile(low_high, (0.025, 0.975), axis=0)
    everything = np.arange(len(rows))
    overall = Estimate(srcc(score, opinion), float(low[0]), float(high[0]), len(rows))
    mean = Estimate(within(everything), float(low[1]), float(high[1]), len(rows))
    return [
        Figure("rated frames, SRCC over all", overall, 0.85, point=True),
        Figure("rated frames, mean SRCC within a scene", mean, 0.90, point=True),
    ]


def _share(rows: Sequence[Row]) -> Estimate | None:
    if not rows:
        return None
    return estimate_share(np.array([row["held"] for row in rows]), [row["group"] for row in rows])


def _srcc(rows: Sequence[Row], key: str) -> Estimate:
    x, y = (np.array([row[name] for row in rows]) for name in ("score", key))
    return estimate_srcc(x, y, [row["group"] for row in rows])
