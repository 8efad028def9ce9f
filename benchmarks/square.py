"""Square attack: a search for a picture that scores otherwise, by questions alone.

Andriushchenko et al. 2020 ("Square Attack: a query-efficient black-box adversarial attack via random search",
arXiv:1912.00049), the variant of L_inf: vertical stripes are tried first, then squares of one color, ever smaller,
at random places, and what helps is kept (the stripes too only where they do). Nothing is known of the model but its
answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Views = NDArray[np.uint8]

_FIRST_SHARE = 0.05
"""Part of a view that the first squares cover, as in the paper's attacks of L_inf."""
_HALVED_AT = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Questions, of 10,000, after which that part is halved."""


@dataclass(frozen=True, eq=False)
class Found:
    """The best picture of a search.

    Attributes:
        views: uint8, as those that were given, each value within epsilon of them.
        before, after: what the model says of the given views and of these.
        queries: questions asked.
    """

    views: Views
    before: float
    after: float
    queries: int


def search(
    ask: Callable[[Views], float],
    views: Views,
    epsilon: int,
    raising: bool,
    queries: int,
    rng: np.random.Generator,
) -> Found:
    """Look for views that score higher, or lower, than those that are given.

    Args:
        ask: the model: views → score.
        views: uint8 (V, S, S, 3).
        epsilon: levels of 255 that a value may be changed by.
        raising: whether the score shall rise; else it shall fall.
        queries: how often the model may be asked, the first question about the views as they are included.

    Raises:
        ValueError: no question, or an epsilon that changes nothing or goes beyond 255.
    """
    if queries < 1 or not 1 <= epsilon <= 255:
        raise ValueError(f"expected queries from 1 and epsilon from 1 to 255, got {queries} and {epsilon}")
    sign = 1 if raising else -1
    before = best = ask(views)
    kept = np.zeros(views.shape, np.int16)
    for asked in range(1, queries):
        tried = _draw_stripes(views.shape, epsilon, rng) if asked == 1 else kept.copy()
        if asked > 1:
            _put_square(tried, _choose_side(views.shape[1], asked, queries), epsilon, rng)
        score = ask(_add(views, tried))
        if sign * score > sign * best:
            best, kept = score, tried
    return Found(_add(views, kept), before, best, queries)


def add_signs(views: Views, epsilon: int, rng: np.random.Generator) -> Views:
    """Every value epsilon up or down by chance: what no search at all does."""
    return _add(views, epsilon * rng.choice((-1, 1), views.shape).astype(np.int16))


def _add(views: Views, change: NDArray[np.int16]) -> Views:
    return np.clip(views + change, 0, 255).astype(np.uint8)


def _draw_stripes(shape: tuple[int, ...], epsilon: int, rng: np.random.Generator) -> NDArray[np.int16]:
    count, _, width, colors = shape
    stripes = epsilon * rng.choice((-1, 1), (count, 1, width, colors))
    return np.broadcast_to(stripes, shape).astype(np.int16)


def _put_square(change: NDArray[np.int16], side: int, epsilon: int, rng: np.random.Generator) -> None:
    """Give a square of one view one color, in place."""
    count, height, width, colors = change.shape
    view = int(rng.integers(count))
    top, left = (int(rng.integers(room - side + 1)) for room in (height, width))
    change[view, top : top + side, left : left + side] = epsilon * rng.choice((-1, 1), colors)


def _choose_side(size: int, asked: int, queries: int) -> int:
    """Side of the square after so many questions: the paper's plan for 10,000, shortened."""
    at = asked / queries * 10_000
    share = _FIRST_SHARE / 2 ** sum(at > each for each in _HALVED_AT)
    return min(size, max(1, round((share * size**2) ** 0.5)))
