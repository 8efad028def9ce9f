"""Look up figures of a bench by what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.figures import Figure


def one(found: Sequence[Figure], what: str) -> Figure:
    return next(figure for figure in found if figure.what == what)


def value(found: Sequence[Figure], what: str) -> float:
    estimate = one(found, what).estimate
    assert estimate is not None
    return estimate.value
