"""A net of one hidden layer, small enough for the tables that the device carries; see `scripts/fit_overlay.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Floats = NDArray[np.floating[Any]]

_DROPOUT, _DECAY, _STEP = 0.1, 1e-4, 4e-3
_BATCH = 1024


@dataclass(frozen=True, eq=False)
class SmallNet:
    """Logarithm of odds of k standardized terms: `np.maximum(terms @ inner + shift, 0) @ outer + bias`."""

    inner: Floats
    shift: Floats
    outer: Floats
    bias: float


def fit_net(terms: Floats, good: NDArray[np.bool_], units: int, seeds: int, epochs: int = 12) -> SmallNet:
    """Fit several nets and make one of them that gives their mean.

    Args:
        terms: (n, k), standardized.
        good: (n,), what the chance is of.
        units: hidden ones of each net.
        seeds: so many nets, of seed 0 and up; the same call gives the same net.
        epochs: rounds over all examples.
    """
    x = torch.from_numpy(np.asarray(terms, np.float32))
    y = torch.from_numpy(np.asarray(good, np.float32))
    layers = [_fit_one(x, y, units, seed, epochs) for seed in range(seeds)]
    inner, shift, outer, bias = zip(*layers, strict=True)
    return SmallNet(
        np.hstack(inner), np.concatenate(shift), np.concatenate(outer) / seeds, float(np.mean(bias))
    )


def _fit_one(x: torch.Tensor, y: torch.Tensor, units: int, seed: int, epochs: int) -> tuple[Floats, ...]:
    """Adam with a step that falls as a cosine."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        hidden, last = nn.Linear(x.shape[1], units), nn.Linear(units, 1)
        net = nn.Sequential(hidden, nn.ReLU(), nn.Dropout(_DROPOUT), last)
        adam = torch.optim.AdamW(net.parameters(), lr=_STEP, weight_decay=_DECAY)
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs * -(-len(x) // _BATCH))
        for _ in range(epochs):
            for chosen in torch.randperm(len(x)).split(_BATCH):
                loss = nn.functional.binary_cross_entropy_with_logits(net(x[chosen])[:, 0], y[chosen])
                adam.zero_grad()
                loss.backward()
                adam.step()
                slower.step()
    weights = (hidden.weight.T, hidden.bias, last.weight[0], last.bias[0])
    return tuple(each.detach().numpy().astype(np.float64) for each in weights)
