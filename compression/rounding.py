"""Round weights to int8 as the runtimes will, and take back the mean error that this makes.

Rounding shifts the mean of every output: the weights' errors times the mean of the inputs. The shift
is known beforehand, so it goes into the bias (bias correction, Nagel et al. 2019, arXiv:1906.04721,
section 4.2). Rounded weights stay as they are when a runtime's quantizer rounds them once more.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from compression.models.heads import QualityNet
from compression.observe import observe

Layer = nn.Conv2d | nn.Linear


def round_weights(net: QualityNet, views: Sequence[NDArray[np.uint8]]) -> QualityNet:
    """Return a copy of a model whose weights are multiples of an int8 scale, one scale per output.

    Args:
        net: in evaluation mode, batch norm folded.
        views: uint8 (V, S, S, 3) of photos as they will come; the mean inputs are taken from them.
    """
    rounded = copy.deepcopy(net).cpu().eval()
    layers = [module for module in rounded.modules() if isinstance(module, Layer)]
    inputs = observe(rounded, layers, views, _mean_over_pixels)
    with torch.no_grad():
        for layer in layers:
            exact = layer.weight.clone()
            layer.weight.copy_(_round(exact))
            shift = _apply(exact - layer.weight, inputs[layer].mean(0), layer)
            if layer.bias is None:
                layer.bias = nn.Parameter(shift)
            else:
                layer.bias.add_(shift)
    return rounded


def _mean_over_pixels(values: Tensor) -> Tensor:
    return values.mean((2, 3)) if values.dim() == 4 else values


def _round(weight: Tensor) -> Tensor:
    """To the nearest of 255 steps between plus and minus the largest weight of each output."""
    scale = weight.abs().amax(tuple(range(1, weight.dim())), keepdim=True).clamp_min(1e-12) / 127
    return torch.round(weight / scale) * scale


def _apply(weight: Tensor, mean: Tensor, layer: Layer) -> Tensor:
    """What weights add to each output, on average, where every input has its mean."""
    if isinstance(layer, nn.Linear):
        return weight @ mean
    inputs = mean.reshape(layer.groups, -1)  # by group: (G, inputs of a group)
    summed = weight.sum((2, 3)).reshape(layer.groups, -1, inputs.shape[1])
    return torch.einsum("goi,gi->go", summed, inputs).reshape(-1)
