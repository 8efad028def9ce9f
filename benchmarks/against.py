"""Which of two models judges the same photos better? Both score the same renderings; what counts is the difference.

Each figure is measured of both on the same resamples of whole groups, so what makes a photo hard for both takes no
part: the interval is that of the difference. `better` and `worse` are told of the bundle in use, where the interval
does not hold 0 and there are groups enough; else the two are not told apart. Of many figures one in twenty is told
apart by chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.figure import Figure
from benchmarks.scoring import Device, Row, describe
from benchmarks.table import Table, show
from compression.metrics import Estimate, estimate, f1, srcc
from compression.reliability import calibration_error, selective_error
from edge_iqa import backends, machine
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError
from edge_iqa.manifest import RUNTIMES

KIND, SCHEMA = "accuracy-against", 1
BETTER, WORSE, EVEN = "better", "worse", "not told apart"
SLICES = ("name", "truth", "size", "background")
_LEAST_OF_SLICE = 30
_LEAST_GROUPS = 10
"""From fewer, resamples say too little of other groups for anything to be told apart."""
_SAME = ("photo", "name", "severity", "faults", "label", "group")
"""What a row is of; the rest is what was said of it."""

Floats = NDArray[np.floating[Any]]
Statistic = Callable[[Mapping[str, NDArray[Any]], NDArray[np.intp]], float]
"""Columns of rows, and the places of a resample → a value."""


@dataclass(frozen=True)
class Comparison:
    """One figure of two.

    Attributes:
        what: the figure.
        ours, theirs: its value for the bundle in use and for the other.
        difference: ours less theirs, with the interval of paired resamples.
        told: `better`, `worse` or `not told apart`, of ours.
    """

    what: str
    ours: float
    theirs: float
    difference: Estimate
    told: str


def find_others(sources: Sequence[Path], bundle: Path | None) -> list[Device]:
    """Everything to compare with: every model file of a bundle that a runtime here runs, or a model file by itself.

    Args:
        sources: folders of bundles, or model files, which take what `bundle` takes.
        bundle: the one in use; None is the one in the package.

    Raises:
        DataError: neither of both, or nothing that runs here.
        BundleError: a folder is no bundle.
    """
    installed = backends.available()
    found = []
    for source in sources:
        if source.is_dir():
            entries = [entry for entry in Bundle.open(source).models if entry.runtime in installed]
            if not entries:
                raise DataError(f"{source}: no runtime installed here runs any of its models")
            found += [Device(source, model=source / entry.path) for entry in entries]
        elif source.is_file() and source.suffix[1:] in RUNTIMES:
            found.append(Device(bundle, model=source))
        else:
            ends = " or ".join(f".{name}" for name in RUNTIMES)
            raise DataError(
                f"--against {source}: expected the folder of a bundle, or a file ending in {ends}"
            )
    return found


def name_of(sources: Sequence[Path]) -> str:
    """What the result is called by: names of the folders and files."""
    names = [source.resolve().name for source in sources]
    return "-and-".join("".join(c if c.isalnum() or c in "._-" else "_" for c in name) for name in names)


def compare_all(
    rows: Sequence[Row],
    about: Row,
    others: Sequence[tuple[Device, Sequence[Row]]],
    ground: Mapping[str, Any],
) -> dict[str, Any]:
    """What the result file holds.

    Args:
        rows: of the bundle in use, as `renderings.Renderings.score` gives them.
        about: of it, as `scoring.describe` tells.
        others: each with its rows.
        ground: what was scored.
    """
    told, found = [], []
    for device, theirs in others:
        other = describe(device)
        name = f"{other['bundle']} {other['model']}"
        comparisons = compare(rows, theirs)
        told.append(
            {
                "name": name,
                **other,
                "comparisons": [asdict(each) for each in comparisons],
                **count_flips(rows, theirs),
            }
        )
        found += [Figure(f"{each.what}, less that of {name}", each.difference) for each in comparisons]
        found += [figures.agree(rows, theirs, name), *_beside_teacher(theirs, name)]
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "what": "the bundle in use and others on the same renderings of test photos and scenes, from encoded bytes",
        "device": "host",
        **about,
        **ground,
        "settings": {"backend": about["runtime"], "share": ground["share"]},
        "against": told,
        "figures": [each.to_dict() for each in [*_beside_teacher(rows, "the bundle in use"), *found]],
        "machine": machine.describe(),
    }


def compare(ours: Sequence[Row], theirs: Sequence[Row], resamples: int = 1000) -> list[Comparison]:
    """Every figure of two that scored the same renderings: over all, then by slice.

    Raises:
        ValueError: the rows are not of the same renderings in the same order.
    """
    _check_same(ours, theirs)
    hold = partial(_compare, resamples=resamples)
    labelled = [at for at, row in enumerate(ours) if row["label"] is not None]
    one, two = ([rows[at] for at in labelled] for rows in (ours, theirs))
    found = [
        hold("SRCC with labels", one, two, _with("label")),
        hold("SRCC with the teacher", one, two, _with("teacher")),
        hold(
            "pairs of one source in order", *map(figures.pairs_within, (ours, theirs)), _mean("held"),
        ),
    ]  # fmt: skip
    clear = [figures.clear(rows) for rows in (one, two)]
    if clear[0]:
        found += [
            hold('"not accept": F1', *clear, _f1),
            hold('"not accept": accuracy', *clear, _mean("right")),
        ]
        if all(row["confidence"] is not None for rows in clear for row in rows):
            found += [
                hold(figures.CALIBRATION, *clear, _calibration, more_is_better=False),
                hold(figures.SELECTIVE, *clear, _selective, more_is_better=False),
            ]
    for key in SLICES:
        for value in dict.fromkeys(row[key] for row in one if row[key]):
            at = [place for place, row in enumerate(one) if row[key] == value]
            if len(at) >= _LEAST_OF_SLICE:
                parts = ([rows[place] for place in at] for rows in (one, two))
                found.append(hold(f"SRCC with labels, {key}: {value}", *parts, _with("label")))
    return found


def count_flips(ours: Sequence[Row], theirs: Sequence[Row]) -> dict[str, Any]:
    """Verdicts that differ, by what both said, and how far the scores lie apart."""
    labelled = [pair for pair in zip(ours, theirs, strict=True) if pair[0]["label"] is not None]
    kinds = Counter(f"{b['verdict']} -> {a['verdict']}" for a, b in labelled if a["verdict"] != b["verdict"])
    slices: dict[str, list[bool]] = {}
    for a, b in labelled:
        for key in SLICES:
            if a[key]:
                slices.setdefault(f"{key}: {a[key]}", []).append(a["verdict"] != b["verdict"])
    apart = np.abs([a["score"] - b["score"] for a, b in labelled])
    return {
        "n": len(labelled),
        "flips": sum(kinds.values()),
        "flips_by_kind": dict(kinds.most_common()),
        "flips_by_slice": {name: {"flips": sum(each), "n": len(each)} for name, each in slices.items()},
        "score_difference": {
            "mean": float(apart.mean()),
            "p99": float(np.quantile(apart, 0.99)),
            "most": float(apart.max()),
        },
    }


def show_result(result: Mapping[str, Any]) -> None:
    """A table for each that was compared, and its flips."""
    for other in result["against"]:
        rows = tuple(map(_to_cells, other["comparisons"]))
        columns = ("figure", "ours", "theirs", "ours less theirs, 95 %", "n", "ours is")
        show(Table(f"{result['bundle']} {result['model']} against {other['name']}", columns, rows))
        kinds = ", ".join(f"{count} {kind}" for kind, count in other["flips_by_kind"].items())
        print(f"verdicts that differ: {other['flips']} of {other['n']}{f' ({kinds})' if kinds else ''}")
        most = max(
            other["flips_by_slice"].items(), key=lambda each: each[1]["flips"] / each[1]["n"], default=None
        )
        if other["flips"] and most is not None:
            print(f"most of them, by their share: {most[0]}, {most[1]['flips']} of {most[1]['n']}")
        apart = other["score_difference"]
        print(f"scores apart: mean {apart['mean']:.4f}, p99 {apart['p99']:.4f}, most {apart['most']:.4f}\n")


def _to_cells(comparison: Mapping[str, Any]) -> tuple[str, ...]:
    apart = comparison["difference"]
    return (
        comparison["what"],
        f"{comparison['ours']:.3f}",
        f"{comparison['theirs']:.3f}",
        f"{apart['value']:+.3f} ({apart['low']:+.3f} to {apart['high']:+.3f})",
        str(apart["n"]),
        comparison["told"],
    )


def _check_same(ours: Sequence[Row], theirs: Sequence[Row]) -> None:
    keys = [[tuple(row[key] for key in _SAME) for row in rows] for rows in (ours, theirs)]
    if keys[0] != keys[1]:
        raise ValueError(
            f"expected rows of the same renderings, got {len(ours)} and {len(theirs)}, not the same"
        )


def _compare(
    what: str,
    ours: Sequence[Row],
    theirs: Sequence[Row],
    statistic: Statistic,
    more_is_better: bool = True,
    resamples: int = 1000,
) -> Comparison:
    columns = [_to_columns(rows) for rows in (ours, theirs)]

    def difference(at: NDArray[np.intp]) -> float:
        return statistic(columns[0], at) - statistic(columns[1], at)

    groups = [row["group"] for row in ours]
    found = estimate(difference, groups, resamples=resamples)
    everything = np.arange(len(ours))
    is_even = found.low <= 0 <= found.high or len(set(groups)) < _LEAST_GROUPS
    told = EVEN if is_even else BETTER if (found.low > 0) == more_is_better else WORSE
    return Comparison(what, *(statistic(each, everything) for each in columns), found, told)


def _to_columns(rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0] if key != "attributes"}
    if "verdict" in columns:
        columns["accepted"] = columns["verdict"] == "accept"
        columns["right"] = np.array([row["label"] is not None and figures.is_right(row) for row in rows])
    return columns


def _with(key: str) -> Statistic:
    return lambda columns, at: srcc(columns["score"][at], columns[key][at])


def _mean(key: str) -> Statistic:
    return lambda columns, at: float(columns[key][at].mean())


def _f1(columns: Mapping[str, NDArray[Any]], at: NDArray[np.intp]) -> float:
    said = ~columns["accepted"][at]
    return f1(said == columns["right"][at], said)


def _calibration(columns: Mapping[str, NDArray[Any]], at: NDArray[np.intp]) -> float:
    return calibration_error(columns["confidence"][at], columns["right"][at])


def _selective(columns: Mapping[str, NDArray[Any]], at: NDArray[np.intp]) -> float:
    return selective_error(columns["confidence"][at], ~columns["right"][at], figures.COVERAGE)


def _beside_teacher(rows: Sequence[Row], name: str) -> list[Figure]:
    """SRCC with labels, less the teacher's own."""
    rows = [row for row in rows if row["label"] is not None]
    columns = _to_columns(rows)

    def difference(at: NDArray[np.intp]) -> float:
        label = columns["label"][at]
        return srcc(columns["score"][at], label) - srcc(columns["teacher"][at], label)

    what = f"SRCC with labels of {name}, less the teacher's"
    return [Figure(what, estimate(difference, [row["group"] for row in rows]))]
