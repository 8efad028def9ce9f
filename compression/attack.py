"""Pictures that are made to fool a net whose weights are known: projected gradient descent (PGD).

Madry et al. 2018 ("Towards deep learning models resistant to adversarial attacks", arXiv:1706.06083). What comes out
is a real picture: values are rounded before the net sees them at every step (its gradient is taken as that of the
unrounded ones), and the best rounded picture is kept.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compression.models.heads import QualityNet
from compression.models.server import ServerTeacher

STEPS = 20
_REACH = 2.5
"""Steps together reach so many times epsilon: far enough to cross the ball, and to turn (Madry et al.)."""
_SURE = 1e-7


def fool(
    net: QualityNet | ServerTeacher,
    views: NDArray[np.uint8],
    epsilon: int,
    raising: bool,
    rng: np.random.Generator,
    steps: int = STEPS,
) -> NDArray[np.uint8]:
    """Change the views of one photo so that a net's overall score rises, or falls, as far as it can.

    Args:
        net: in evaluation mode; its weights get no gradients.
        views: uint8 (V, S, S, 3), RGB.
        epsilon: levels of 255 that a value may be changed by (L_inf).
        raising: whether the score shall rise; else it shall fall.
        rng: draws the start within epsilon.

    Returns:
        uint8 (V, S, S, 3); the views as they are where nothing that was tried helps.

    Raises:
        ValueError: an epsilon that changes nothing or goes beyond 255, or no step.
    """
    if steps < 1 or not 1 <= epsilon <= 255:
        raise ValueError(f"expected steps from 1 and epsilon from 1 to 255, got {steps} and {epsilon}")
    net.eval()
    device = next(net.parameters()).device
    sign = 1.0 if raising else -1.0
    best = torch.from_numpy(views).float().to(device)
    low, high = (best - epsilon).clamp(min=0), (best + epsilon).clamp(max=255)
    reached = sign * float(_rate(net, best).detach())
    start = rng.uniform(-epsilon, epsilon, views.shape).astype(np.float32)
    moved = (best + torch.from_numpy(start).to(device)).clamp(low, high)
    for step in range(steps + 1):
        shown = moved.round().requires_grad_(step < steps)
        gain = sign * _rate(net, shown)
        if float(gain.detach()) > reached:
            reached, best = float(gain.detach()), shown.detach()
        if step < steps:
            (slope,) = torch.autograd.grad(gain, shown)
            moved = (moved + _REACH * epsilon / steps * slope.sign()).clamp(low, high)
    return best.cpu().numpy().astype(np.uint8)


def rate(net: QualityNet | ServerTeacher, views: NDArray[np.uint8]) -> float:
    """A net's overall score, 0-1, of views, uint8 (V, S, S, 3)."""
    with torch.no_grad():
        return float(
            net.judge(net.look(torch.from_numpy(views)[None].to(next(net.parameters()).device))).scores[0, 0]
        )


def _rate(net: QualityNet | ServerTeacher, views: Tensor) -> Tensor:
    """The score of float views as a logit: near 0 and 1 the score itself is flat."""
    return torch.logit(net.judge(net.look(views[None])).scores[0, 0], _SURE)
