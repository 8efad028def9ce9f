"""Fit what tells copies from other photos, and the chance of one product: `python scripts/fit_likeness.py --data CSV`

Photos of split `val` and listings of development seeds, each with its copies (`benchmarks/copies.py`). A pair of an
original and its copy is a near duplicate; the pairs of an original with the nearest of other senders are not; pairs of
one sender count as neither. Prints the numbers that stand in `edge_iqa/gallery/likeness.py` and `match.py`, and what
would pass at the threshold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.copies import COPIES
from benchmarks.duplicate_cases import ORIGINAL, Case, make_cases
from compression import listings
from compression.command import positive, run_command
from compression.data import read_photos, select
from compression.logistic import fit_logistic
from compression.progress import console, track
from edge_iqa import Inspector, opencv
from edge_iqa.gallery.likeness import NEAR, Comparison, compare

Floats = NDArray[np.float64]

_HARD = 8
"""Pairs of an original with so many of the nearest others."""
_FIRST_SEED = 700_000
_RIDGE = 0.01
_CLOSE = 0.2
"""Embedding distance up to which pairs tell of the chance of one product."""


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the fit; see `--help`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="CSV of real photos with a split `val`")
    parser.add_argument("--scenes", type=positive, default=200, help="drawn listings; default: %(default)s")
    return run_command(fit, parser.parse_args(argv))


def fit(options: argparse.Namespace) -> None:
    """Make the photos, compare, fit, print."""
    opencv.load().setNumThreads(1)
    photos = select(read_photos(options.data), "val")
    with Inspector.open(threads=1) as inspector:
        cases = make_cases(inspector, photos, options.scenes, listings.seeds("development")[_FIRST_SEED:])
    originals = [case for case in cases if case.kind == ORIGINAL]
    pairs = list(_pair(cases, originals))
    compared = [
        (compare(one.photo, two.photo), two.kind, same)
        for one, two, same in track(pairs, len(pairs), "pairs")
    ]
    _fit_likeness([(found, kind, same) for found, kind, same in compared if found is not None], compared)
    _fit_chance([case for case in originals if case.category])


def _pair(cases: Sequence[Case], originals: Sequence[Case]) -> Iterator[tuple[Case, Case, bool]]:
    for case in cases:
        if case.kind in COPIES and case.kind != "mirrored":
            yield originals[case.original], case, True
    for one, row in zip(originals, _measure_distances(originals), strict=True):
        others = [at for at in np.argsort(row) if originals[at].group != one.group]
        for at in others[:_HARD]:
            yield one, originals[at], False


def _measure_distances(cases: Sequence[Case]) -> Floats:
    vectors = np.array([case.photo.embedding for case in cases], np.float64)
    return 1 - vectors @ vectors.T


def _fit_likeness(
    usable: list[tuple[Comparison, str, bool]], everything: Sequence[tuple[Any, str, bool]]
) -> None:
    features = np.array([
        (1, np.arctanh(np.clip(found.light, -0.5, 0.995)), np.arctanh(np.clip(found.structure, -0.5, 0.995)),
         np.log(found.color + 0.5))
        for found, _, _ in usable
    ])  # fmt: skip
    weights = fit_logistic(features, np.array([same for _, _, same in usable]), _RIDGE)
    told = ", ".join(f"{weight:.2f}" for weight in weights)
    console.print(f"OFFSET, LIGHT_WEIGHT, STRUCTURE_WEIGHT, COLOR_WEIGHT = {told}")
    likeness = [0.0 if found is None else found.likeness for found, _, _ in everything]
    for kind in dict.fromkeys(kind for _, kind, _ in everything):
        passed = [
            value >= NEAR for value, (_, name, _) in zip(likeness, everything, strict=True) if name == kind
        ]
        told = "other photos" if kind == ORIGINAL else kind
        console.print(f"{told}: {np.mean(passed):.4f} pass with the numbers in use, n {len(passed)}")


def _fit_chance(originals: Sequence[Case]) -> None:
    distances = _measure_distances(originals)
    kinds = np.unique([f"{case.group}/{case.category}" for case in originals], return_inverse=True)[1]
    rows, columns = np.triu_indices(len(originals), 1)
    close = distances[rows, columns] < _CLOSE
    rows, columns = rows[close], columns[close]
    terms = np.c_[np.ones(len(rows)), distances[rows, columns]]
    weights = fit_logistic(terms, kinds[rows] == kinds[columns], _RIDGE)
    console.print(f"CHANCE_AT_0, CHANCE_FALL = {weights[0]:.2f}, {weights[1]:.1f}; pairs: {len(rows)}")


if __name__ == "__main__":
    raise SystemExit(main())
