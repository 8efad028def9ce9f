"""The fit of the camera's small net: it learns what there is to learn, again and again the same."""

from __future__ import annotations

import numpy as np

from compression.grid_net import fit_grid_net
from edge_iqa.camera.placement import GRID, PLANES, run_net


def make_examples(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grids with a bright block or none; fill is its width."""
    rng = np.random.default_rng(seed)
    grids = rng.normal(0, 0.05, (count, *GRID, PLANES)).astype(np.float32)
    truth = np.full((count, 2), np.nan, np.float32)
    for at in range(count):
        truth[at, 0] = at % 2
        if at % 2:
            wide = int(rng.integers(3, 15))
            left = (GRID[1] - wide) // 2
            grids[at, 2:7, left : left + wide] += 1
            truth[at, 1] = wide / GRID[1]
    return grids, truth


def test_what_was_not_seen_is_told_rightly() -> None:
    weights = fit_grid_net(*make_examples(300, 0))
    grids, truth = make_examples(100, 1)
    said = run_net(weights, grids)
    assert ((said[:, 0] > 0.5) == (truth[:, 0] == 1)).mean() > 0.97
    assert np.nanmean(np.abs(said[:, 1] - truth[:, 1])) < 0.06


def test_the_same_examples_give_the_same_net() -> None:
    one, two = (fit_grid_net(*make_examples(64, 0)) for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)
