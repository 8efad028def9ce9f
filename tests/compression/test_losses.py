"""Losses reward what they are meant to, and pass their gradient on."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from compression.losses import contrastive_loss, imitation_loss, ranking_loss, score_loss


def test_score_loss_counts_overall_as_much_as_all_attributes() -> None:
    target = torch.full((4, 5), 0.5)
    overall, attributes = target.clone(), target.clone()
    overall[:, 0] += 0.2
    attributes[:, 1:] += 0.2
    assert score_loss(overall, target) == pytest.approx(0.04, abs=1e-6)
    assert score_loss(attributes, target) == pytest.approx(0.04, abs=1e-6)
    assert score_loss(target, target) == 0


def test_ranking_loss_is_log_2_for_ties_and_falls_with_the_right_order() -> None:
    targets = torch.tensor([0.1, 0.5, 0.9])
    assert ranking_loss(torch.zeros(3), targets) == pytest.approx(math.log(2))
    assert ranking_loss(targets, targets) < math.log(2) < ranking_loss(-targets, targets)


def test_ranking_loss_without_pairs_is_zero_with_a_gradient() -> None:
    scores = torch.zeros(3, requires_grad=True)
    loss = ranking_loss(scores, torch.full((3,), 0.5))
    loss.backward()
    assert loss == 0 and scores.grad is not None


def test_contrastive_loss_prefers_variants_of_one_photo_together() -> None:
    axes = torch.eye(4)
    together = torch.stack([axes[0], axes[0], axes[1], axes[1]])
    apart = torch.stack([axes[0], axes[1], axes[0], axes[1]])
    photos = torch.tensor([0, 0, 1, 1])
    assert contrastive_loss(together, photos) < 0.01 < contrastive_loss(apart, photos)


def test_imitation_loss_is_the_cosine_distance() -> None:
    torch.manual_seed(0)
    x, y = (F.normalize(torch.randn(6, 8), dim=1) for _ in range(2))
    expected = 1 - F.cosine_similarity(x, y).mean()
    assert imitation_loss(x, y) == pytest.approx(float(expected), abs=1e-6)
