"""Losses are what numpy and scipy make of the same numbers, and what nobody knows has no part in them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp, rel_entr, softmax
from torch import Tensor

from compression.losses import (
    category_loss,
    contrastive_loss,
    copy_loss,
    difference_loss,
    order_loss,
    ranking_loss,
    relation_loss,
    score_loss,
)

PHOTOS = np.array([0, 0, 0, 1, 1, 1, 2, 2])


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, shape)


def draw_embedding(count: int, length: int, seed: int = 0) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(count, length))
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def tensors(*arrays: np.ndarray) -> list[Tensor]:
    return [torch.from_numpy(np.asarray(array)) for array in arrays]


def rank_pairs(
    scores: np.ndarray, targets: np.ndarray, same: np.ndarray, margin: float, heat: float
) -> float:
    """RankNet in loops."""
    losses = [
        math.log1p(math.exp(-(scores[i] - scores[j]) / heat))
        for i in range(len(scores))
        for j in range(len(scores))
        if same[i] == same[j] and targets[i] - targets[j] > margin
    ]
    return float(np.mean(losses)) if losses else 0.0


def measure_entropy(scores: np.ndarray | float, targets: np.ndarray | float) -> np.ndarray:
    """Of a coin that comes up `targets` of the time, relative to one thought to come up `scores`."""
    return np.asarray(rel_entr(targets, scores) + rel_entr(1 - np.asarray(targets), 1 - np.asarray(scores)))


# score


def test_score_loss_counts_every_score_as_much() -> None:
    """A fault that lowers one attribute of four weighs as much as the overall score that it lowers."""
    target = torch.full((4, 5), 0.5)
    assert score_loss(target, target) == 0
    for column in range(5):
        off = target.clone()
        off[:, column] += 0.2
        assert score_loss(off, target) == pytest.approx(measure_entropy(0.7, 0.5), abs=1e-6)
    assert score_loss(target + 0.2, target) == pytest.approx(5 * measure_entropy(0.7, 0.5), abs=1e-6)


def test_score_loss_without_attributes_is_scipys_relative_entropy() -> None:
    scores, targets = draw(6, 1), draw(6, 1, seed=1)
    targets[:2] = [[0.0], [1.0]]
    assert score_loss(*tensors(scores, targets)) == pytest.approx(
        measure_entropy(scores, targets).mean(), rel=1e-4
    )


def test_score_loss_moves_an_attribute_that_is_wrongly_sure() -> None:
    """As much as one that is unsure, where a squared error has all but no gradient left."""
    logits = torch.tensor([[8.0], [0.0]], requires_grad=True)
    score_loss(torch.sigmoid(logits), torch.full((2, 1), 0.1)).backward()
    assert logits.grad is not None
    assert logits.grad[0] > logits.grad[1] > 0


def test_score_loss_is_finite_at_the_ends() -> None:
    scores, targets = tensors(np.array([[0.0, 1.0]], np.float32), np.array([[1.0, 0.0]], np.float32))
    assert torch.isfinite(score_loss(scores, targets))


def test_score_loss_is_a_mean_over_samples() -> None:
    scores, targets = tensors(draw(8, 4), draw(8, 4, seed=1))
    each = [float(score_loss(scores[i : i + 1], targets[i : i + 1])) for i in range(8)]
    assert score_loss(scores, targets) == pytest.approx(np.mean(each))


def test_score_loss_of_partly_unknown_targets_is_numpys_nanmean() -> None:
    scores, targets = draw(8, 4), draw(8, 4, seed=1)
    targets[:5][draw(5, 4, seed=2) < 0.4] = np.nan
    columns = np.nanmean(measure_entropy(scores, targets), axis=0)
    assert np.isnan(targets).any(0).all()  # each column lacks something
    assert score_loss(*tensors(scores, targets)) == pytest.approx(columns.sum())


# differences


def test_difference_loss_is_the_mean_over_pairs_of_one_source_in_loops() -> None:
    scores, targets = draw(8, 3), draw(8, 3, seed=1)
    errors = [
        ((scores[i] - scores[j]) - (targets[i] - targets[j])) ** 2
        for i in range(8)
        for j in range(i)
        if PHOTOS[i] == PHOTOS[j]
    ]
    expected = np.mean(errors, axis=0).sum()
    assert difference_loss(*tensors(scores, targets, PHOTOS)) == pytest.approx(expected)


def test_difference_loss_does_not_mind_what_a_source_is_worth() -> None:
    scores, photos = tensors(draw(8, 3), PHOTOS)
    level = torch.tensor([0.3, -0.2, 0.9])[photos][:, None]
    assert difference_loss(scores, scores + level, photos) == pytest.approx(0, abs=1e-9)


def test_difference_loss_leaves_out_what_is_unknown() -> None:
    scores, targets, photos = tensors(draw(8, 3), draw(8, 3, seed=1), PHOTOS)
    scores.requires_grad_()
    targets[1, 2] = torch.nan
    known = [0, *range(2, 8)]
    expected = sum(
        difference_loss(scores[rows, c : c + 1], targets[rows, c : c + 1], photos[rows])
        for c, rows in ((0, range(8)), (1, range(8)), (2, known))
    )
    loss = difference_loss(scores, targets, photos)
    loss.backward()
    assert loss.detach() == pytest.approx(float(expected.detach())) and torch.isfinite(scores.grad).all()
    assert difference_loss(scores, torch.full_like(targets, torch.nan), photos) == 0


# order


@pytest.mark.parametrize("within", [False, True])
def test_ranking_loss_is_ranknet_in_loops(within: bool) -> None:
    scores, targets = draw(8), draw(8, seed=1)
    same = PHOTOS if within else np.zeros(8)
    expected = rank_pairs(scores, targets, same, 0.05, 0.1)
    photos = torch.from_numpy(PHOTOS) if within else None
    assert ranking_loss(*tensors(scores, targets), photos) == pytest.approx(expected)


def test_ranking_loss_is_log_2_for_ties_and_falls_with_the_right_order() -> None:
    targets = torch.tensor([0.1, 0.5, 0.9])
    assert ranking_loss(torch.zeros(3), targets) == pytest.approx(math.log(2))
    assert ranking_loss(targets, targets) < math.log(2) < ranking_loss(-targets, targets)


def test_ranking_loss_without_pairs_is_zero_with_a_gradient() -> None:
    scores = torch.zeros(3, requires_grad=True)
    loss = ranking_loss(scores, torch.full((3,), 0.5))
    loss.backward()
    assert loss == 0 and scores.grad is not None


def test_ranking_within_a_source_ignores_other_sources() -> None:
    scores, targets, photos = tensors(draw(8), draw(8, seed=1), PHOTOS)
    shift = torch.tensor([0.0, 5.0, -7.0])[photos]  # another level for each source: no order within changes
    loss = ranking_loss(scores, targets, photos)
    assert ranking_loss(scores + shift, targets, photos) == pytest.approx(float(loss))
    assert ranking_loss(scores, targets + shift, photos) == pytest.approx(float(loss))
    assert ranking_loss(scores + shift, targets) != pytest.approx(float(ranking_loss(scores, targets)))


def test_ranking_within_sources_of_one_sample_has_nothing_to_rank() -> None:
    scores, targets = tensors(draw(5), draw(5, seed=1))
    assert ranking_loss(scores, targets, torch.arange(5)) == 0 != ranking_loss(scores, targets)


def test_order_loss_is_order_across_contents_and_a_finer_one_within() -> None:
    scores, targets = draw(8), draw(8, seed=1)
    across = rank_pairs(scores, targets, np.zeros(8), 0.05, 0.1)
    within = rank_pairs(scores, targets, PHOTOS, 0.01, 0.03)
    assert order_loss(*tensors(scores, targets, PHOTOS)) == pytest.approx(across + within)


# unknown targets


def score_and_order(scores: Tensor, targets: Tensor, photos: Tensor) -> Tensor:
    return score_loss(scores, targets) + order_loss(scores[:, 0], targets[:, 0], photos)


@pytest.mark.parametrize("loss", [lambda s, t, p: score_loss(s, t), score_and_order], ids=["score", "order"])
def test_samples_without_targets_add_nothing_and_pull_at_nothing(loss: Callable[..., Tensor]) -> None:
    known, targets, photos = tensors(draw(8, 3), draw(8, 3, seed=1), PHOTOS)
    more = torch.cat([known, torch.from_numpy(draw(4, 3, seed=2))]).requires_grad_()
    unknown = torch.full((4, 3), torch.nan)
    value = loss(more, torch.cat([targets, unknown]), torch.cat([photos, photos[:4]]))
    value.backward()
    assert float(value.detach()) == pytest.approx(float(loss(known, targets, photos)))
    assert more.grad.isfinite().all()
    assert (more.grad[8:] == 0).all() and (more.grad[:8] != 0).any()


def test_a_batch_without_any_target_is_worth_zero_with_finite_gradients() -> None:
    scores = torch.from_numpy(draw(4, 3)).requires_grad_()
    value = score_and_order(scores, torch.full((4, 3), torch.nan), torch.zeros(4))
    value.backward()
    assert value == 0 and (scores.grad == 0).all()


# category


def test_category_loss_is_cross_entropy_of_the_samples_that_have_one() -> None:
    logits, categories = draw(6, 3) * 4, np.array([2, -1, 0, 1, -1, 0])
    known = categories >= 0
    expected = -log_softmax(logits[known], axis=1)[np.arange(known.sum()), categories[known]].mean()
    assert category_loss(*tensors(logits, categories)) == pytest.approx(expected)


@pytest.mark.parametrize("count", [0, 3])
def test_without_any_category_the_loss_is_zero_with_a_gradient(count: int) -> None:
    logits = torch.from_numpy(draw(4, count)).requires_grad_()
    loss = category_loss(logits, torch.full((4,), -1))
    loss.backward()
    assert loss == 0 and (logits.grad == 0).all()


def test_copy_loss_is_the_cross_entropy_with_what_the_teacher_believes() -> None:
    ours, theirs = draw(6, 4) * 4, draw(6, 4, seed=1) * 4
    expected = (logsumexp(ours, axis=1) - (softmax(theirs, axis=1) * ours).sum(1)).mean()
    assert copy_loss(*tensors(ours, theirs)) == pytest.approx(expected)


def test_copy_loss_is_least_for_a_copy() -> None:
    ours, theirs = tensors(draw(6, 4) * 4, draw(6, 4, seed=1) * 4)
    ours.requires_grad_()
    assert copy_loss(theirs, theirs) < copy_loss(ours, theirs)
    copied = theirs.clone().requires_grad_()
    copy_loss(copied, theirs).backward()
    torch.testing.assert_close(copied.grad, torch.zeros_like(copied))


@pytest.mark.parametrize("counts", [(4, 0), (0, 0), (4, 5)])
def test_nothing_is_copied_from_a_teacher_that_knows_no_or_other_categories(counts: tuple[int, int]) -> None:
    ours, theirs = tensors(draw(6, counts[0]), draw(6, counts[1]))
    loss = copy_loss(ours.requires_grad_(), theirs)
    loss.backward()
    assert loss == 0 and (ours.grad == 0).all()


# embedding


def test_contrastive_loss_is_the_supervised_one_in_loops() -> None:
    """Khosla et al. 2020, equation 2, with the mean over all samples."""
    embedding = draw_embedding(8, 5)
    similar = embedding @ embedding.T / 0.1
    losses = []
    for i in range(8):
        others = [j for j in range(8) if j != i]
        positives = [j for j in others if PHOTOS[j] == PHOTOS[i]]
        total = logsumexp(similar[i, others])
        losses.append(-np.mean([similar[i, j] - total for j in positives]))
    assert contrastive_loss(*tensors(embedding, PHOTOS)) == pytest.approx(np.mean(losses))


def test_contrastive_loss_prefers_variants_of_one_photo_together() -> None:
    axes = torch.eye(4)
    together = torch.stack([axes[0], axes[0], axes[1], axes[1]])
    apart = torch.stack([axes[0], axes[1], axes[0], axes[1]])
    photos = torch.tensor([0, 0, 1, 1])
    assert contrastive_loss(together, photos) < 0.01 < contrastive_loss(apart, photos)


def test_contrastive_loss_of_lone_photos_is_zero_with_finite_gradients() -> None:
    for count in (1, 3):
        embedding = torch.from_numpy(draw_embedding(count, 5)).requires_grad_()
        loss = contrastive_loss(embedding, torch.arange(count))
        loss.backward()
        assert loss == 0 and embedding.grad.isfinite().all()


def test_relation_loss_compares_every_pair_of_two_embeddings_of_different_length() -> None:
    ours, theirs = draw_embedding(6, 4), draw_embedding(6, 9, seed=1)
    gaps = [(ours[i] @ ours[j] - theirs[i] @ theirs[j]) ** 2 for i in range(6) for j in range(6)]
    assert relation_loss(*tensors(ours, theirs)) == pytest.approx(np.mean(gaps))


def test_relation_loss_of_a_rotated_embedding_is_zero() -> None:
    embedding = draw_embedding(6, 5)
    rotation, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))
    padded = np.concatenate([embedding @ rotation, np.zeros((6, 3))], axis=1)  # and in a larger space
    for other in (embedding @ rotation, padded):
        assert relation_loss(*tensors(embedding, other)) == pytest.approx(0, abs=1e-12)
    assert relation_loss(*tensors(embedding, embedding[::-1].copy())) > 0.01
