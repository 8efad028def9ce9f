"""What a student is trained to do: the losses of distillation, weighed and added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from compression.batches import Batch
from compression.command import replace_values
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


@dataclass(frozen=True)
class Weights:
    """How much each part of the loss counts.

    Attributes:
        score: the teacher's scores.
        rank: their order, across contents and within each source.
        difference: how far apart two renderings of one source lie.
        feature: which photos the teacher finds alike.
        category: what the product is, by the data.
        copy: what the product is, by the teacher.
        embedding: variants of one photo alike, other photos apart.
        label: the labels themselves, which correct what the teacher got wrong.
    """

    score: float = 1.0
    rank: float = 0.1
    difference: float = 1.0
    feature: float = 0.5
    category: float = 0.05
    copy: float = 0.05
    embedding: float = 0.05
    label: float = 0.3

    @classmethod
    def read(cls, options: Sequence[str], label: float) -> Weights:
        """Replace weights by `NAME=VALUE` options.

        Raises:
            ValueError: an unknown name, or a value that is no number from 0 up.
        """
        values = replace_values("--weight", options, {**asdict(cls()), "label": label})
        if not all(0 <= value < math.inf for value in values.values()):
            raise ValueError(f"--weight: expected numbers from 0 up, got {values}")
        return cls(**values)

    def total(self, batch: Batch, out: Outputs, aim: Outputs) -> Tensor:
        """The loss of one batch; `aim` is what the teacher says of it."""
        told = aim.scores.shape[1]  # a server model knows the overall score alone
        parts = {
            "score": score_loss(out.scores[:, :told], aim.scores),
            "rank": order_loss(out.scores[:, 0], aim.scores[:, 0], batch.photos),
            "difference": difference_loss(out.scores[:, :told], aim.scores, batch.photos),
            "feature": relation_loss(out.embedding, aim.embedding),
            "category": category_loss(out.category, batch.categories),
            "copy": copy_loss(out.category, aim.category),
            "embedding": contrastive_loss(out.embedding, batch.photos),
            "label": score_loss(out.scores, batch.targets)
            + difference_loss(out.scores, batch.targets, batch.photos),
        }
        return torch.stack([getattr(self, name) * part for name, part in parts.items()]).sum()
