"""The small net learns what no straight line parts, and says the same each time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compression.small_net import SmallNet, fit_net


def _weigh(net: SmallNet, terms: NDArray[np.float64]) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = np.maximum(terms @ net.inner + net.shift, 0) @ net.outer + net.bias
    return odds


def _draw(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    terms = np.random.default_rng(seed).normal(0, 1, (6000, 2))
    return terms, terms[:, 0] * terms[:, 1] > 0


def test_corners_that_lie_across_from_each_other_are_learned() -> None:
    terms, good = _draw(1)
    net = fit_net(*_draw(0), units=8, seeds=2, epochs=40)
    assert net.inner.shape == (2, 16)
    assert ((_weigh(net, terms) > 0) == good).mean() > 0.93


def test_the_joined_net_is_the_mean_of_its_parts_and_fitted_alike_each_time() -> None:
    terms, good = _draw(2)
    one, both = (fit_net(terms, good, units=4, seeds=seeds, epochs=2) for seeds in (1, 2))
    again = fit_net(terms, good, units=4, seeds=2, epochs=2)
    second = SmallNet(both.inner[:, 4:], both.shift[4:], 2 * both.outer[4:], 2 * both.bias - one.bias)
    assert np.allclose(_weigh(both, terms), (_weigh(one, terms) + _weigh(second, terms)) / 2)
    assert np.array_equal(both.inner, again.inner)
    assert not np.allclose(_weigh(one, terms), _weigh(second, terms), atol=1e-3)
