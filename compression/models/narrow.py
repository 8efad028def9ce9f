"""A model whose channels were pruned is its architecture with narrower layers; checkpoints tell how narrow."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from compression.models.heads import QualityNet


def narrow(net: QualityNet, state: Mapping[str, Tensor]) -> bool:
    """Give every layer the width that its weights have in a checkpoint. The weights themselves stay random.

    Args:
        net: fresh from `build`; changed in place.
        state: name → tensor of the checkpoint.

    Returns:
        Whether any layer changed.

    Raises:
        ValueError: a weight is missing, wider than the architecture's, or of a shape that pruning
            channels does not give; or the layers do not fit each other.
    """
    changed = False
    for name, layer in list(net.named_modules()):
        made = _make(name, layer, state)
        if made is not None:
            net.set_submodule(name, made)
            changed = True
    if changed:
        _try_out(net)
    return changed


def _make(name: str, layer: nn.Module, state: Mapping[str, Tensor]) -> nn.Module | None:
    """The layer in the checkpoint's width; None for what stays as it is."""
    if not isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
        return None
    key = f"{name}.weight"
    if key not in state:
        raise ValueError(f"{key}: missing")
    ours, theirs = tuple(layer.weight.shape), tuple(state[key].shape)
    if ours == theirs:
        return None
    fits = len(ours) == len(theirs) and ours[2:] == theirs[2:]
    if not fits or not all(0 < there <= here for here, there in zip(ours, theirs, strict=True)):
        raise ValueError(f"{key}: expected a shape of at most {ours}, got {theirs}")
    if isinstance(layer, nn.BatchNorm2d):
        return nn.BatchNorm2d(theirs[0], layer.eps, layer.momentum)
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Linear(theirs[1], theirs[0], bias)
    depthwise = layer.groups == layer.in_channels == layer.out_channels and layer.groups > 1
    if layer.groups > 1 and not depthwise:
        raise ValueError(f"{key}: only depthwise and dense convolutions can be narrower")
    return nn.Conv2d(
        theirs[0] if depthwise else theirs[1],
        theirs[0],
        layer.kernel_size,  # type: ignore[arg-type]  # pairs, in a layer that is made
        layer.stride,  # type: ignore[arg-type]
        layer.padding,  # type: ignore[arg-type]
        layer.dilation,  # type: ignore[arg-type]
        theirs[0] if depthwise else 1,
        bias,
    )


def _try_out(net: QualityNet) -> None:
    """Run the smallest photo there is: layers that do not fit each other show here, not in the first photo."""
    was = net.training
    views = torch.zeros((1, net.spec.count, 32, 32, 3), dtype=torch.uint8)
    try:
        with torch.no_grad():
            net.eval()(views)
    except RuntimeError as error:
        raise ValueError(f"the layers do not fit each other ({error})") from error
    finally:
        net.train(was)
