"""Batch norm around a cut: channels that stay keep the spread they had.

Our networks carry batch norm folded into the convolutions before it, as ImageNet weights often come.
Then nothing holds the scale of what flows when inputs of a layer are taken away. Written with the true
statistics the same function does, and statistics measured anew after the cut put every channel back to
the mean and spread it had (Li et al. 2020, arXiv:2007.02491, measure them so to judge pruned networks).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def carry_statistics(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Write what a network computes with the true mean and variance of its channels in batch norm.

    Args:
        net: in evaluation mode; it computes the same afterwards, up to rounding.
        batches: what it is shown, one input each.
    """
    norms = _find(net)
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def add(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        variance, mean = (each.double() for each in torch.var_mean(given[0], (0, 2, 3), correction=0))
        count = torch.full_like(mean, given[0].numel() / len(mean))
        sums[norm] += torch.stack([count, count * mean, count * (variance + mean.square())]).cpu()

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    try:
        with torch.no_grad():
            for batch in batches:
                net(batch)
    finally:
        for hook in hooks:
            hook.remove()
    for norm, (count, total, squares) in sums.items():
        mean = total / count
        _rewrite(norm, mean, (squares / count - mean.square()).clamp(min=0))


def measure_statistics(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the mean and variance of every batch norm to what these batches have, averaged over them."""
    with _measuring(_find(net)), torch.no_grad():
        for batch in batches:
            net(batch)


@contextmanager
def _measuring(norms: list[nn.BatchNorm2d]) -> Iterator[None]:
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    try:
        yield
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.eval()


def _rewrite(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Other statistics, and weights that make up for them."""
    old_mean, old_variance = (kept.double() for kept in (norm.running_mean, norm.running_var))
    device = old_mean.device
    mean, variance = mean.to(device), variance.to(device)
    slope = norm.weight.double() / (old_variance + norm.eps).sqrt()
    with torch.no_grad():
        norm.bias += (slope * (mean - old_mean)).to(norm.bias)
        norm.weight.copy_(slope * (variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


def _find(net: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
