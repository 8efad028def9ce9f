"""Make int8 lose less: bring the channels before a depthwise convolution to about the same range.

A tensor has one int8 scale. Where one channel reaches 4 and another 0.02, the small one is rounded
to a step or two, and what it said (the faint noise of a dark photo) is gone. The channel may be
multiplied by any factor if the next convolution divides by it: ReLU keeps the product. This is
cross-layer equalization (Nagel et al. 2019, arXiv:1906.04721), with ranges measured on photos.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.fx.experimental.optimization import fuse

from compression.models.heads import QualityNet

HEADROOM = 1.25
"""A channel grows to at most the largest range of its tensor over this, so that a photo with values
a little larger than any seen here meets neither the end of the int8 scale nor the clip of ReLU6."""

_DEAD = 1e-4
"""A channel that never gets above this carries nothing worth a digit."""


def equalize(net: QualityNet, views: Iterable[NDArray[np.uint8]]) -> QualityNet:
    """Return a copy of a model with batch norm folded and channel ranges evened out.

    The copy computes the same function up to rounding, except where a value is a quarter larger than
    the largest of its channel on the photos given here, and ReLU6 then clips it. It is meant as what int8
    models are made from; float models stay as they were trained.

    Args:
        net: in evaluation mode.
        views: uint8 (V, S, S, 3) of photos as they will come.
    """
    folded = copy.deepcopy(net).cpu().eval()
    backbone = fuse(folded.backbone)
    folded.backbone = backbone
    pairs = list(_find_pairs(backbone))
    ranges = _measure_ranges(folded, [second for _, second in pairs], views)
    for first, second in pairs:
        _scale(first, second, _factors(ranges[second]))
    return folded


def _find_pairs(module: fx.GraphModule) -> Iterator[tuple[nn.Conv2d, nn.Conv2d]]:
    """A convolution and the depthwise one after it, nothing but a ReLU between and no other reader.

    A depthwise convolution has an int8 scale for each channel, so dividing its weights costs them
    nothing. In a dense one the divided weights share a scale with others, and lose what was gained.
    """
    modules = dict(module.named_modules())
    for node in module.graph.nodes:
        chain = [node]
        while len(chain) < 3 and len(chain[-1].users) == 1:
            chain.append(next(iter(chain[-1].users)))
        first, between, second = ([modules.get(str(each.target)) for each in chain] + [None, None])[:3]
        if (
            isinstance(first, nn.Conv2d)
            and isinstance(between, (nn.ReLU, nn.ReLU6))
            and isinstance(second, nn.Conv2d)
            and second.groups == second.in_channels == first.out_channels > 1
        ):
            yield first, second


def _measure_ranges(
    net: QualityNet, layers: list[nn.Conv2d], views: Iterable[NDArray[np.uint8]]
) -> dict[nn.Module, Tensor]:
    """Largest input of each layer, by channel."""
    ranges: dict[nn.Module, Tensor] = {}

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        largest = inputs[0].amax((0, 2, 3))
        ranges[layer] = torch.maximum(ranges[layer], largest) if layer in ranges else largest

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    with torch.inference_mode():
        for each in views:
            net(torch.from_numpy(each)[None])
    for hook in hooks:
        hook.remove()
    return ranges


def _factors(largest: Tensor) -> Tensor:
    """What each channel is multiplied by: never less than 1, and 1 for a dead one."""
    wanted = (largest.max() / (HEADROOM * largest.clamp_min(_DEAD))).clamp_min(1.0)
    return torch.where(largest > _DEAD, wanted, torch.ones_like(largest)).clone()


def _scale(first: nn.Conv2d, second: nn.Conv2d, factors: Tensor) -> None:
    with torch.no_grad():
        first.weight.mul_(factors.view(-1, 1, 1, 1))
        if first.bias is not None:
            first.bias.mul_(factors)
        second.weight.div_(factors.view(-1, 1, 1, 1))
