"""PGD fools a net within its bounds, as far as the net's own gradient can."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compression import attack
from compression.models import ATTRIBUTES, build
from compression.models.heads import QualityNet
from edge_iqa.views import ViewSpec

SPEC = ViewSpec(32, 2, 256)


@pytest.fixture(scope="module")
def net() -> QualityNet:
    torch.manual_seed(0)
    return build("mobilenet_v3_small_relu6", ATTRIBUTES, 8, SPEC).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def views() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, SPEC.shape, dtype=np.uint8)


@pytest.mark.parametrize("raising", [True, False])
@pytest.mark.parametrize("epsilon", [1, 4])
def test_the_score_goes_the_way_it_shall_within_epsilon_and_the_picture_is_one(
    net: QualityNet, views: np.ndarray, raising: bool, epsilon: int
) -> None:
    before = attack.rate(net, views)
    fooled = attack.fool(net, views, epsilon, raising, np.random.default_rng(1))
    assert fooled.dtype == np.uint8 and fooled.shape == views.shape
    assert np.abs(fooled.astype(int) - views).max() <= epsilon
    gained = (attack.rate(net, fooled) - before) * (1 if raising else -1)
    signs = np.random.default_rng(2).choice((-1, 1), (50, *views.shape))
    by_chance = [
        abs(attack.rate(net, np.clip(views + epsilon * each, 0, 255).astype(np.uint8)) - before)
        for each in signs
    ]
    assert gained > 3 * max(by_chance), "far beyond what as large a change does by chance"


def test_a_larger_epsilon_fools_more_and_the_same_seed_the_same(net: QualityNet, views: np.ndarray) -> None:
    made = {e: attack.fool(net, views, e, False, np.random.default_rng(0)) for e in (1, 2, 8)}
    scores = [attack.rate(net, made[e]) for e in (1, 2, 8)]
    assert scores == sorted(scores, reverse=True) and scores[0] > scores[-1]
    np.testing.assert_array_equal(made[2], attack.fool(net, views, 2, False, np.random.default_rng(0)))


def test_what_cannot_be_fooled_stays_as_it_is(views: np.ndarray) -> None:
    deaf = build("mobilenet_v3_small_relu6", ATTRIBUTES, 8, SPEC).eval()
    for weights in deaf.parameters():
        weights.data.zero_()
    np.testing.assert_array_equal(attack.fool(deaf, views, 4, True, np.random.default_rng(0)), views)


def test_weights_stay_as_they_are_and_senseless_numbers_are_told(net: QualityNet, views: np.ndarray) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    attack.fool(net, views, 2, True, np.random.default_rng(0), steps=2)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    for epsilon, steps in ((0, 2), (256, 2), (2, 0)):
        with pytest.raises(ValueError, match="expected steps from 1 and epsilon from 1"):
            attack.fool(net, views, epsilon, True, np.random.default_rng(0), steps)
