"""The small net learns what no straight line parts, and says the same each time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from compression.small_net import SmallNet, fit_net


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """So small a net waits for threads more than it gains by them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _weigh(net: SmallNet, terms: NDArray[np.float64]) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = np.maximum(terms @ net.inner + net.shift, 0) @ net.outer + net.bias
    return odds


def _draw(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    terms = np.random.default_rng(seed).normal(0, 1, (10_000, 2))
    return terms, np.abs(terms[:, 0]) > 0.7


def test_both_ends_of_a_range_are_learned() -> None:
    terms, good = _draw(1)
    net = fit_net(*_draw(0), units=16, seeds=1, epochs=40)
    assert net.inner.shape == (2, 16)
    assert ((_weigh(net, terms) > 0) == good).mean() > 0.85  # a line says it of about half


def test_the_joined_net_is_the_mean_of_its_parts_and_fitted_alike_each_time() -> None:
    terms, good = _draw(2)
    one, both = (fit_net(terms, good, units=4, seeds=seeds, epochs=2) for seeds in (1, 2))
    again = fit_net(terms, good, units=4, seeds=2, epochs=2)
    second = SmallNet(both.inner[:, 4:], both.shift[4:], 2 * both.outer[4:], 2 * both.bias - one.bias)
    assert np.allclose(_weigh(both, terms), (_weigh(one, terms) + _weigh(second, terms)) / 2)
    assert np.array_equal(both.inner, again.inner)
    assert not np.allclose(_weigh(one, terms), _weigh(second, terms), atol=1e-3)
