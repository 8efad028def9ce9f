"""What the layers of a model see: their inputs over photos, in short."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_BATCH = 8


def observe(
    net: nn.Module,
    layers: Sequence[nn.Module],
    views: Sequence[NDArray[np.uint8]],
    reduce: Callable[[Tensor], Tensor],
) -> dict[nn.Module, Tensor]:
    """Run photos through a model and keep `reduce` of every input of each layer.

    Args:
        net: uint8 (B, V, S, S, 3) → anything; in evaluation mode.
        views: uint8 (V, S, S, 3) of each photo.
        reduce: input of a layer, (N, C, h, w) or (N, C) → (N, C).

    Returns:
        Layer → (rows, C), all batches joined.
    """
    kept: dict[nn.Module, list[Tensor]] = {layer: [] for layer in layers}

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        kept[layer].append(reduce(inputs[0]))

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    with torch.inference_mode():
        for start in range(0, len(views), _BATCH):
            net(torch.from_numpy(np.stack(views[start : start + _BATCH])))
    for hook in hooks:
        hook.remove()
    return {layer: torch.cat(rows).clone() for layer, rows in kept.items()}
