"""The loss of distillation is the weighed sum of its parts, whatever the teacher does not say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from compression.batches import Batch
from compression.losses import (
    category_loss,
    contrastive_loss,
    copy_loss,
    difference_loss,
    order_loss,
    relation_loss,
    score_loss,
)
from compression.models.heads import Outputs
from compression.objective import Weights


def make_outputs(count: int, scores: int, embedding: int, categories: int, seed: int) -> Outputs:
    rng = torch.Generator().manual_seed(seed)
    return Outputs(
        torch.rand(count, scores, generator=rng, requires_grad=True),
        torch.nn.functional.normalize(torch.randn(count, embedding, generator=rng), dim=1).requires_grad_(),
        torch.randn(count, categories, generator=rng, requires_grad=True),
    )


def make_batch(count: int = 8, known: bool = True) -> Batch:
    rng = torch.Generator().manual_seed(9)
    targets = torch.rand(count, 4, generator=rng) if known else torch.full((count, 4), torch.nan)
    categories = torch.arange(count) % 4 - 1
    return Batch(
        torch.zeros(count, 1, 8, 8, 3, dtype=torch.uint8), targets, torch.arange(count) // 2, categories
    )


PARTS: dict[str, Callable[[Batch, Outputs, Outputs], torch.Tensor]] = {
    "score": lambda batch, out, aim: score_loss(out.scores, aim.scores),
    "rank": lambda batch, out, aim: order_loss(out.scores[:, 0], aim.scores[:, 0], batch.photos),
    "difference": lambda batch, out, aim: difference_loss(out.scores, aim.scores, batch.photos),
    "feature": lambda batch, out, aim: relation_loss(out.embedding, aim.embedding),
    "category": lambda batch, out, aim: category_loss(out.category, batch.categories),
    "copy": lambda batch, out, aim: copy_loss(out.category, aim.category),
    "embedding": lambda batch, out, aim: contrastive_loss(out.embedding, batch.photos),
    "label": lambda batch, out, aim: (
        score_loss(out.scores, batch.targets) + difference_loss(out.scores, batch.targets, batch.photos)
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_every_weight_belongs_to_its_part_of_the_loss(name: str) -> None:
    batch, out, aim = make_batch(), make_outputs(8, 4, 6, 3, 0), make_outputs(8, 4, 10, 3, 1)
    nothing = Weights(**dict.fromkeys(PARTS, 0.0))
    with torch.no_grad():
        parts = {each: float(part(batch, out, aim)) for each, part in PARTS.items()}
        assert parts[name] > 0 == nothing.total(batch, out, aim)
        found = replace(nothing, **{name: 2.5}).total(batch, out, aim)
        assert found == pytest.approx(2.5 * parts[name])
        everything = sum(getattr(Weights(), each) * part for each, part in parts.items())
        assert Weights().total(batch, out, aim) == pytest.approx(everything)


@pytest.mark.parametrize("known", [True, False])
def test_a_server_teacher_says_nothing_of_the_scores_that_it_does_not_give(known: bool) -> None:
    batch, out, aim = make_batch(known=known), make_outputs(8, 4, 6, 3, 0), make_outputs(8, 1, 10, 0, 1)
    loss = Weights().total(batch, out, aim)
    loss.backward()
    assert loss.isfinite() and all(each.grad.isfinite().all() for each in out)
    assert (out.scores.grad[:, 0] != 0).any()
    assert (out.scores.grad[:, 1:] != 0).any() == known


def test_weights_are_read_by_name_over_the_defaults() -> None:
    assert Weights.read([], 0.3) == Weights()
    found = Weights.read(["rank=0.25", "score=2", "rank=0"], 0.7)
    assert found == replace(Weights(), score=2.0, rank=0.0, label=0.7)
