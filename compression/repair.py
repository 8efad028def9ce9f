"""After a cut: the weights that remain are fitted to what the layer gave before (least squares).

A layer that lost inputs can make up for much of them from those that stay. Layer by layer, its weights are
solved for, so that the narrow network gives what the whole one gave there (He et al. 2017,
arXiv:1707.06168). That takes a minute and no training, and training then starts from a model that works.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Layer = nn.Conv2d | nn.Linear

_ROWS = 48
"""Positions of a map that are looked at, a view: neighbors tell little new."""
_RIDGE = 1e-2
"""Of the mean variance of the inputs: how strongly weights are held where they were."""


def repair(net: nn.Module, whole: nn.Module, batches: Sequence[Tensor]) -> list[str]:
    """Fit every 1x1 convolution and linear layer that lost inputs, and no outputs, to the whole network.

    Args:
        net: narrow, in evaluation mode; changed in place.
        whole: what it was cut from, with the names that it has.
        batches: what both are shown, one input each.

    Returns:
        Names of the layers that were fitted, in the order they run.
    """
    wide = dict(whole.named_modules())
    broken = {name: layer for name, layer in net.named_modules() if _lost_inputs(layer, wide.get(name))}
    norms, wide_norms = _find_norms(net), _find_norms(whole)
    aims = _outputs(whole, {name: wide[name] for name in broken}, batches)
    for name, layer in broken.items():
        given = _inputs(net, layer, batches)
        weight, bias = _solve(layer, given, aims[name])
        _set(layer, weight, bias, norms.get(layer), wide_norms.get(wide[name]))
    return list(broken)


def _lost_inputs(layer: nn.Module, before: nn.Module | None) -> bool:
    if isinstance(layer, nn.Linear) and isinstance(before, nn.Linear):
        return layer.in_features < before.in_features and layer.out_features == before.out_features
    if isinstance(layer, nn.Conv2d) and isinstance(before, nn.Conv2d):
        pointwise = layer.kernel_size == (1, 1) and layer.stride == (1, 1) and layer.groups == 1
        return (
            pointwise and layer.in_channels < before.in_channels and layer.out_channels == before.out_channels
        )
    return False


def _find_norms(net: nn.Module) -> dict[nn.Module, nn.BatchNorm2d]:
    """The batch norm right behind a convolution without a bias, which takes the bias."""
    return {
        first: second
        for first, second in itertools.pairwise(net.modules())
        if isinstance(first, nn.Conv2d) and first.bias is None and isinstance(second, nn.BatchNorm2d)
    }


def _outputs(net: nn.Module, layers: Mapping[str, nn.Module], batches: Sequence[Tensor]) -> dict[str, Tensor]:
    """What layers give, (rows, out) each."""
    found: dict[str, list[Tensor]] = {name: [] for name in layers}
    with _watching({layer: found[name] for name, layer in layers.items()}, 1), torch.no_grad():
        for batch in batches:
            net(batch)
    return {name: torch.cat(each) for name, each in found.items()}


def _inputs(net: nn.Module, layer: nn.Module, batches: Sequence[Tensor]) -> Tensor:
    """What a layer is given, (rows, in)."""
    found: list[Tensor] = []
    with _watching({layer: found}, 0), torch.no_grad():
        for batch in batches:
            net(batch)
    return torch.cat(found)


@contextmanager
def _watching(found: Mapping[nn.Module, list[Tensor]], side: int) -> Iterator[None]:
    """Keep some rows of what layers are given (side 0) or give (1), the same rows for the same shape."""

    def hook(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        found[layer].append(_rows((given[0], out)[side]))

    hooks = [layer.register_forward_hook(hook) for layer in found]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


def _rows(value: Tensor) -> Tensor:
    """(N, C, h, w) or (..., C) → (rows, C), evenly spread over the positions of each map."""
    if value.ndim != 4:
        return value.flatten(0, -2).clone()
    flat = value.flatten(2)
    step = max(1, flat.shape[2] // _ROWS)
    return flat[:, :, step // 2 :: step].permute(0, 2, 1).flatten(0, 1).clone()


def _solve(layer: Layer, given: Tensor, aim: Tensor) -> tuple[Tensor, Tensor]:
    """Weight (out, in) and bias (out,) that bring `given` (rows, in) close to `aim` (rows, out).

    Few rows leave the weight near what it was: the head of an embedding has more inputs than photos are shown.
    """
    given, aim = given.double(), aim.double()
    weight = layer.weight.detach().double().flatten(1)
    mean, level = given.mean(0), aim.mean(0)
    centered = given - mean
    gram = centered.T @ centered
    gram.diagonal().add_(_RIDGE * gram.diagonal().mean() + 1e-12)
    weight = weight + torch.linalg.solve(gram, centered.T @ (aim - level - centered @ weight.T)).T
    return weight, level - weight @ mean


def _set(
    layer: Layer, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d | None, before: nn.BatchNorm2d | None
) -> None:
    """Take the weights; where the layer has no bias of its own, the batch norm behind it takes that."""
    with torch.no_grad():
        layer.weight.copy_(weight.reshape(layer.weight.shape))
        if layer.bias is not None:
            layer.bias.copy_(bias)
        elif norm is not None and before is not None:
            # what the layer gives is what it gave: so are its statistics
            norm.running_mean.copy_(before.running_mean - bias.to(before.running_mean))
            norm.running_var.copy_(before.running_var)
