"""What teacher and student are trained to do: the right value, the right order, a useful embedding."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def score_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error over all scores, the overall one counted as much as all attributes together.

    Args:
        scores, targets: (B, 1+A) in [0, 1].
    """
    errors = (scores - targets).square().mean(0)
    return errors[0] + errors[1:].mean() if scores.shape[1] > 1 else errors[0]


def ranking_loss(scores: Tensor, targets: Tensor, margin: float = 0.05, temperature: float = 0.1) -> Tensor:
    """Logistic loss over all pairs of a batch whose targets differ by more than `margin`.

    RankNet (Burges et al. 2005) on overall scores, so that one order holds across photos.

    Args:
        scores, targets: (B,) in [0, 1].
    """
    better = (targets[:, None] - targets[None]) > margin
    gaps = (scores[:, None] - scores[None])[better]
    return F.softplus(-gaps / temperature).mean() if gaps.numel() else scores.sum() * 0


def contrastive_loss(embedding: Tensor, photos: Tensor, temperature: float = 0.1) -> Tensor:
    """Pull variants of one photo together, push other photos apart (Khosla et al. 2020, arXiv:2004.11362).

    Args:
        embedding: (B, D), unit length.
        photos: (B,) source photo of each variant.
    """
    others = ~torch.eye(len(photos), dtype=torch.bool, device=photos.device)
    same = (photos[:, None] == photos[None]) & others
    logits = (embedding @ embedding.T / temperature).masked_fill(~others, -1e9)
    log_share = F.log_softmax(logits, 1)
    return -(log_share * same).sum(1).div(same.sum(1).clamp(min=1)).mean()


def imitation_loss(embedding: Tensor, teacher: Tensor) -> Tensor:
    """Mean cosine distance between the student's and the teacher's embedding; both (B, D), unit length."""
    return 1 - (embedding * teacher).sum(1).mean()
