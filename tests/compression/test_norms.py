"""Batch norm before and after a cut: the same function, then the same spread."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import Tensor, nn

from compression.cut import cut
from compression.models import build
from compression.models.heads import QualityNet
from compression.norms import carry_statistics, measure_statistics
from edge_iqa.views import ViewSpec


@pytest.fixture
def net(batches: list[Tensor]) -> QualityNet:
    """Whose channels have a spread of about one, with batch norm folded into the convolutions before it."""
    torch.manual_seed(0)
    net = build("mobilenet_v2", spec=ViewSpec(64, 1, 128), width=0.5).eval()
    measure_statistics(net, batches)
    modules = list(net.modules())
    for convolution, norm in itertools.pairwise(modules):
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            slope = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
            convolution.weight.data *= slope[:, None, None, None]
            norm.bias.data -= slope * norm.running_mean
            norm.weight.data.fill_((1 + norm.eps) ** 0.5)
            norm.running_mean.zero_()
            norm.running_var.fill_(1)
    return net


@pytest.fixture
def batches() -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randint(0, 256, (6, 2, 64, 64, 3), dtype=torch.uint8) for _ in range(3)]


def spread(net: nn.Module, batches: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Mean and standard deviation of what every batch norm gives, by channel, over all batches."""
    found: dict[nn.Module, list[Tensor]] = {}
    hooks = [
        module.register_forward_hook(lambda norm, _, out: found.setdefault(norm, []).append(out.clone()))
        for module in net.modules()
        if isinstance(module, nn.BatchNorm2d)
    ]
    with torch.no_grad():
        for batch in batches:
            net(batch)
    for hook in hooks:
        hook.remove()
    joined = [torch.cat(outs).transpose(0, 1).flatten(1) for outs in found.values()]
    return [(each.mean(1), each.std(1)) for each in joined]


def test_the_same_function_with_true_statistics(net: QualityNet, batches: list[Tensor]) -> None:
    before = copy.deepcopy(net)
    carry_statistics(net, batches)
    changed = [
        (old.running_var - new.running_var).abs().max()
        for old, new in zip(before.modules(), net.modules(), strict=True)
        if isinstance(new, nn.BatchNorm2d)
    ]
    assert min(changed) > 0
    with torch.no_grad():
        for said, now in zip(before(batches[0]), net(batches[0]), strict=True):
            torch.testing.assert_close(now, said, rtol=1e-3, atol=1e-4)
    for norm in (module for module in net.modules() if isinstance(module, nn.BatchNorm2d)):
        assert norm.momentum == 0.1 and not norm.training and not norm._forward_pre_hooks


def test_channels_that_stay_keep_their_mean_and_spread(net: QualityNet, batches: list[Tensor]) -> None:
    carry_statistics(net, batches)
    cut(net, 0.6, "magnitude", "layer")
    kept = [(norm.bias, norm.weight.abs()) for norm in net.modules() if isinstance(norm, nn.BatchNorm2d)]
    moved = spread(net, batches)
    measure_statistics(net, batches)
    held = spread(net, batches)
    for at in (0, 1):  # mean, deviation
        apart = [(now[at] - had[at]).abs().mean() for now, had in zip(moved, kept, strict=True)]
        close = [(now[at] - had[at]).abs().mean() for now, had in zip(held, kept, strict=True)]
        assert sum(close) < 0.3 * sum(apart), (at, sum(close), sum(apart))
    assert not any(norm.training for norm in net.modules() if isinstance(norm, nn.BatchNorm2d))
