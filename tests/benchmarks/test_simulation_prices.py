"""Prices of a model's work: found again, never below zero, and fitted without what they foretell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulation.prices import Timed, fit_prices, leave_out
from benchmarks.simulation.work import UNITS, count_work, price
from compression.models.others import NETWORKS, UNSEEN, Network
from edge_iqa.errors import DataError
from export.layers import Form, Layer

COUNTS = st.integers(0, 10**9)


def draw_timed(prices: Mapping[str, float], families: int = 6, each: int = 4) -> list[Timed]:
    """Models with random work that take exactly what the prices say."""
    rng = np.random.default_rng(0)
    made = []
    for family in range(families):
        for size in range(each):
            work = {unit: int(10 ** rng.uniform(2, 7)) for unit in UNITS}
            made.append(Timed(f"{family} {size}", f"family {family}", "int8", work, price(work, prices)))
    return made


def draw_prices() -> dict[str, float]:
    rng = np.random.default_rng(1)
    return {unit: float(10 ** rng.uniform(-8, -5)) for unit in UNITS}


def test_the_prices_of_an_exact_machine_are_found_again() -> None:
    prices = draw_prices()
    timed = draw_timed(prices)
    assert fit_prices(timed) == pytest.approx(prices, rel=1e-3)
    assert leave_out(timed) == pytest.approx([each.ms for each in timed], rel=1e-3)


def test_a_model_that_is_left_out_is_not_in_the_fit_nor_is_its_family() -> None:
    timed = draw_timed(draw_prices())
    before = leave_out(timed)
    changed = [replace(each, ms=7 * each.ms) if each.family == "family 2" else each for each in timed]
    after = leave_out(changed)
    for each, was, now in zip(timed, before, after, strict=True):
        if each.family == "family 2":
            assert now == was
    moved = [
        now / was for each, was, now in zip(timed, before, after, strict=True) if each.family != "family 2"
    ]
    assert max(moved) > 1.5, "the others do see it"


def test_a_time_is_foretold_from_other_families_whatever_the_model_itself_took() -> None:
    timed = draw_timed(draw_prices())
    asked = [replace(timed[0], ms=1e9), replace(timed[0], family="a family of its own", ms=1e9)]
    changed = [replace(each, ms=7 * each.ms) if each.family == timed[0].family else each for each in timed]
    own, none = leave_out(changed, asked)
    assert own == leave_out(timed)[0] and none > 1.5 * own


def test_prices_are_never_below_zero_so_that_no_layer_saves_time() -> None:
    rng = np.random.default_rng(2)
    noisy = [replace(each, ms=each.ms * rng.uniform(0.3, 3)) for each in draw_timed(draw_prices())]
    assert min(fit_prices(noisy).values()) >= 0


def test_one_family_alone_cannot_be_left_out() -> None:
    with pytest.raises(DataError, match="two families or more"):
        leave_out(draw_timed(draw_prices(), families=1))


def test_work_is_counted_by_the_kind_of_layer() -> None:
    dense = Layer("", "Conv", 10 * 10 * 8 * 4 * 9, 0, 0, 0, form=Form(4, 8, 9))
    grouped = Layer("", "Conv", 100 * 8 * 2 * 9, 0, 0, 100 * 8 * 2 * 9, form=Form(2, 8, 9, groups=4))
    depthwise = Layer("", "Conv", 100 * 8 * 9, 0, 0, 0, form=Form(1, 8, 9, groups=8))
    other = Layer("", "Sub", 0, 5, 2_400, 0, loops=100)
    work = count_work([dense, grouped, depthwise, other])
    assert work["dense_fp32"] == dense.macs and work["dense_int8"] == grouped.macs
    assert work["depthwise_fp32"] == depthwise.macs and work["depthwise_int8"] == 0
    assert work["gathered_fp32"] == 100 * 4 * 9, "each place gathers what its window covers, of all channels"
    assert work["gathered_int8"] == 100 * 8 * 9
    assert (work["made_fp32"], work["made_int8"]) == (1600, 800)
    assert (work["other_bytes"], work["loops"], work["layers"]) == (2_400, 100, 4)


@given(st.lists(COUNTS, min_size=len(UNITS), max_size=len(UNITS)), st.sampled_from(list(UNITS)), COUNTS)
def test_more_of_any_unit_never_costs_less(counts: list[int], unit: str, more: int) -> None:
    work, prices = dict(zip(UNITS, counts, strict=True)), draw_prices()
    assert price({**work, unit: work[unit] + more}, prices) >= price(work, prices)


def test_networks_have_names_of_their_own_and_many_families() -> None:
    everything = (*NETWORKS, *UNSEEN)
    assert len({each.name for each in everything}) == len(everything) == 26
    assert len({each.family for each in NETWORKS}) == 10


@pytest.mark.parametrize("network", [NETWORKS[0], Network("squeezenet", "squeezenet1_1", size_px=64)])
def test_a_network_gives_what_a_student_gives_and_the_same_each_time(network: Network) -> None:
    import torch

    views = torch.zeros((1, *network.spec.shape), dtype=torch.uint8)
    with torch.no_grad():
        one, other = (network.build()(views) for _ in range(2))
    assert one.embedding.shape == (1, 128) and math.isclose(float(one.embedding.norm()), 1, rel_tol=1e-5)
    assert torch.equal(one.scores, other.scores)
