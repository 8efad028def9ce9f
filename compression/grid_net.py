"""The net of `edge_iqa/camera/placement.py`, fitted: one hidden layer over a coarse grid of a frame."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edge_iqa.camera.placement import GRID, OUTPUTS, PLANES

Floats = NDArray[np.float32]

_UNITS, _EPOCHS, _BATCH, _STEP, _DECAY, _DROPOUT = 32, 80, 64, 3e-3, 0.05, 0.2
_FILL_WEIGHT = 4.0


def fit_grid_net(grids: Floats, truth: Floats) -> dict[str, Floats]:
    """Fit a net to frames, mirrored at random; the same frames give the same net.

    Args:
        grids: (n, 9, 16, 8), as `edge_iqa.camera.placement.make_grid` gives them.
        truth: (n, 2), in the order of `OUTPUTS`, 0 to 1; nan where it is not known, or not asked.

    Returns:
        Weights by name, as `edge_iqa.camera.placement.run_net` takes them.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them wait for each other longer than these small products take
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = _train(torch.from_numpy(grids), torch.from_numpy(np.asarray(truth, np.float32)))
    torch.set_num_threads(threads)
    inner, outer = net[2], net[5]
    weights = {"inner": inner.weight.T, "shift": inner.bias, "outer": outer.weight.T, "bias": outer.bias}
    return {name: each.detach().numpy() for name, each in weights.items()}


def _train(grids: torch.Tensor, truth: torch.Tensor) -> nn.Sequential:
    """Adam with a step that falls as a cosine."""
    net = nn.Sequential(
        nn.Flatten(), nn.Dropout(_DROPOUT), nn.Linear(GRID[0] * GRID[1] * PLANES, _UNITS), nn.ReLU(),
        nn.Dropout(_DROPOUT), nn.Linear(_UNITS, len(OUTPUTS)),
    )  # fmt: skip
    adam = torch.optim.AdamW(net.parameters(), _STEP, weight_decay=_DECAY)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, _EPOCHS)
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(grids)).split(_BATCH):
            seen = grids[batch].flip([axis for axis in (1, 2) if torch.rand(1) < 0.5])
            loss = _measure_loss(net(seen), truth[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
        slower.step()
    return net.eval()


def _measure_loss(said: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the chance, absolute error of fill; what is not asked does not count."""
    asked = ~torch.isnan(truth)
    wanted = torch.nan_to_num(truth)
    chance = nn.functional.binary_cross_entropy_with_logits(said[:, 0], wanted[:, 0], reduction="none")
    error = (torch.sigmoid(said[:, 1]) - wanted[:, 1]).abs()
    return sum(
        weight * (loss * asked[:, at]).sum() / asked[:, at].sum().clamp(min=1)
        for at, (loss, weight) in enumerate(((chance, 1.0), (error, _FILL_WEIGHT)))
    )
