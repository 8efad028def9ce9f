"""A narrow student that follows the whole one is told how far its blocks are off, and learns from it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from compression.cut import cut
from compression.follow import Follow
from compression.models import build
from compression.models.heads import QualityNet
from compression.norms import measure_statistics
from compression.training import fast_math
from edge_iqa.views import ViewSpec


@pytest.fixture
def whole(views: Tensor) -> QualityNet:
    torch.manual_seed(0)
    net = build("mobilenet_v2", spec=ViewSpec(64, 1, 128), width=0.35).eval().requires_grad_(False)
    measure_statistics(net, [views])  # so that channels spread, as those of a trained one do
    return net


@pytest.fixture
def narrow(whole: QualityNet) -> QualityNet:
    net = copy.deepcopy(whole)
    cut(net, 0.7, "magnitude", "layer")
    return net.eval().requires_grad_(True)


@pytest.fixture
def views() -> Tensor:
    torch.manual_seed(1)
    return torch.randint(0, 256, (4, 2, 64, 64, 3), dtype=torch.uint8)


def test_blocks_that_give_the_same_are_not_off(whole: QualityNet, views: Tensor) -> None:
    twin = copy.deepcopy(whole).requires_grad_(True)
    follow = Follow(twin, whole)
    with fast_math(views.device):  # as in training: where a CPU has it, the whole one answers in bfloat16
        twin.look(views)
    assert follow(views).item() == 0


def test_blocks_that_give_their_mean_alone_are_off_by_one(whole: QualityNet, views: Tensor) -> None:
    dull = copy.deepcopy(whole)
    follow = Follow(dull, whole)
    dull.look(views)
    for place, given in follow._ours.items():
        follow._ours[place] = given.mean((0, 2, 3), keepdim=True).expand_as(given)
    torch.testing.assert_close(follow(views), torch.tensor(1.0), rtol=3e-2, atol=0)


def test_a_few_steps_bring_a_cut_student_nearer(whole: QualityNet, narrow: QualityNet, views: Tensor) -> None:
    follow = Follow(narrow, whole)
    before = [value.clone() for value in whole.state_dict().values()]
    optimizer = torch.optim.Adam(narrow.backbone.parameters(), 3e-4)
    losses = []
    for _ in range(10):
        narrow.look(views)
        loss = follow(views)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[0] > 0 and losses[-1] < 0.9 * losses[0]
    assert all(torch.equal(*pair) for pair in zip(before, whole.state_dict().values(), strict=True))


def test_only_the_student_that_it_was_cut_from_can_be_followed(narrow: QualityNet) -> None:
    other = build("mobilenet_v3_small_relu6", spec=ViewSpec(64, 1, 128))
    with pytest.raises(ValueError, match="follow the one it was cut from"):
        Follow(narrow, other)
