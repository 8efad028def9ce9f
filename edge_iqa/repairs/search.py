"""Find the parameters of a repair that a score likes best: a pattern search (Hooke & Jeeves 1961)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Point = tuple[float, ...]


def climb(
    value: Callable[[Point], float],
    start: Point,
    steps: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    *,
    rounds: int = 3,
    most: int = 40,
) -> tuple[Point, float]:
    """Walk uphill along the axes, halving the steps where no step leads higher.

    Args:
        value: what to raise; asked once for each point.
        start: the first point.
        steps: along each axis, of the first round.
        bounds: lowest and highest of each axis.
        rounds: how often the steps are halved, less one.
        most: points to ask for.

    Returns:
        The highest point found, and its value.
    """
    known: dict[Point, float] = {}

    def ask(point: Point) -> float:
        key = tuple(round(each, 4) for each in point)
        if key not in known:
            known[key] = value(key)
        return known[key]

    best = tuple(start)
    for number in range(rounds):
        best = _walk(ask, best, [step / 2**number for step in steps], bounds, lambda: len(known) < most)
    return best, ask(best)


def _walk(
    ask: Callable[[Point], float],
    best: Point,
    steps: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    may_go_on: Callable[[], bool],
) -> Point:
    moved = True
    while moved and may_go_on():
        moved = False
        for axis, step in enumerate(steps):
            for sign in (1, -1):
                low, high = bounds[axis]
                moved_to = min(high, max(low, best[axis] + sign * step))
                point = (*best[:axis], moved_to, *best[axis + 1 :])
                if ask(point) > ask(best) + 1e-9:
                    best, moved = point, True
                    break
    return best
