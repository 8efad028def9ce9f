"""What teacher and student are trained to do: the right value, the right order, a useful embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_SURE = 1e-6
"""A score is never nearer to 0 or 1 in a logarithm."""


def score_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Sum of the mean relative entropies of the scores, each taken as the chance of a coin: 0 where right.

    Squared errors hardly move an attribute that is wrongly sure, since its sigmoid is flat there. A sum:
    one attribute of six is at fault in a photo, and a mean over them would hardly see it.

    Args:
        scores, targets: (B, 1+A) in [0, 1]; a target that nobody knows is NaN and does not count.
    """
    known = ~targets.isnan()
    targets = torch.where(known, targets, 0.5).to(scores.dtype)
    scores = torch.where(known, scores, 0.5).clamp(_SURE, 1 - _SURE)
    entropies = F.binary_cross_entropy(scores, targets, reduction="none")
    least = F.binary_cross_entropy(targets.clamp(_SURE, 1 - _SURE), targets, reduction="none")
    return ((entropies - least).sum(0) / known.sum(0).clamp(min=1)).sum()


def ranking_loss(
    scores: Tensor,
    targets: Tensor,
    photos: Tensor | None = None,
    margin: float = 0.05,
    temperature: float = 0.1,
) -> Tensor:
    """Logistic loss over pairs of a batch whose targets differ by more than `margin`.

    RankNet (Burges et al. 2005) on overall scores.

    Args:
        scores, targets: (B,) in [0, 1]; pairs with an unknown target (NaN) do not count.
        photos: (B,) source of each sample: only pairs of one source count; None: all pairs, so that
            one order holds across photos.
    """
    better = (targets[:, None] - targets[None]) > margin
    if photos is not None:
        better &= photos[:, None] == photos[None]
    gaps = (scores[:, None] - scores[None])[better]
    return F.softplus(-gaps / temperature).mean() if gaps.numel() else scores.sum() * 0


def order_loss(scores: Tensor, targets: Tensor, photos: Tensor) -> Tensor:
    """Order across contents, and, with a finer measure, order within each source."""
    within = ranking_loss(scores, targets, photos, margin=0.01, temperature=0.03)
    return ranking_loss(scores, targets) + within


def difference_loss(scores: Tensor, targets: Tensor, photos: Tensor) -> Tensor:
    """Sum of the mean squared errors of differences between two renderings of one source.

    What nobody can know of a source alone, whether its cloth was faded before, cancels out: what is left
    is what the fault did, and what it did not do. A blur is not to move the color.

    Args:
        scores, targets: (B, 1+A) in [0, 1]; pairs with an unknown target (NaN) do not count.
        photos: (B,) source of each sample.
    """
    first, second = torch.triu(photos[:, None] == photos[None], diagonal=1).nonzero(as_tuple=True)
    errors = (scores[first] - scores[second]) - (targets[first] - targets[second])
    known = ~errors.isnan()
    squares = torch.where(known, errors, 0.0).square()
    return (squares.sum(0) / known.sum(0).clamp(min=1)).sum()


def category_loss(logits: Tensor, categories: Tensor) -> Tensor:
    """Cross-entropy; samples of unknown category (-1) do not count.

    Args:
        logits: (B, C).
        categories: (B,) int64.
    """
    if logits.shape[1] == 0 or not (categories >= 0).any():
        return logits.sum() * 0
    return F.cross_entropy(logits, categories, ignore_index=-1)


def copy_loss(logits: Tensor, teacher: Tensor) -> Tensor:
    """Cross-entropy with what the teacher believes; 0 where it knows no categories, or other ones.

    Args:
        logits, teacher: (B, C).
    """
    if logits.shape != teacher.shape or logits.shape[1] == 0:
        return logits.sum() * 0
    return F.cross_entropy(logits, teacher.softmax(1))


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


def relation_loss(embedding: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of all pairwise similarities: what the teacher finds alike, the student does.

    Tung & Mori 2019, arXiv:1907.09682; the two embeddings may differ in length.

    Args:
        embedding, teacher: (B, D) and (B, D'), unit length.
    """
    return (embedding @ embedding.T - teacher @ teacher.T).square().mean()


def channel_norms(net: nn.Module) -> Tensor:
    """Sum over all convolutions of the norm of each output channel's weights (group lasso).

    Drives whole channels to zero instead of single weights (Wen et al. 2016, arXiv:1608.03665).
    """
    norms = [
        layer.weight.flatten(1).norm(dim=1).sum() for layer in net.modules() if isinstance(layer, nn.Conv2d)
    ]
    return torch.stack(norms).sum()
