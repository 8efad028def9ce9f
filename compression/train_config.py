"""Typed, frozen settings of the training commands."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainConfig:
    """How to train; stands in the run's record and must be the same when a run is resumed.

    Attributes:
        epochs: passes over the training photos, at most.
        photos_per_step, variants_per_photo: a batch holds their product.
        learning_rate: of the heads at its peak; the backbone, which knows much already, gets a third.
        patience: epochs without a better objective on `val` before training stops.
        frozen: blocks of the backbone that stay as they are; None takes the registry's choice.
        small_epochs: so many of the first epochs see views of `small_px`, at half the cost; the last ones
            see views of the model's own size.
        fixed_norm: batch norm keeps its statistics, as trained starting weights want it.
    """

    epochs: int = 4
    photos_per_step: int = 12
    variants_per_photo: int = 4
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    patience: int = 5
    frozen: int | None = None
    fixed_norm: bool = True
    small_epochs: int = 0
    small_px: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs >= 1 and not 0 <= self.small_epochs < self.epochs:
            raise ValueError(f"small_epochs: expected 0 to {self.epochs - 1}, got {self.small_epochs}")
        for name in ("epochs", "photos_per_step", "variants_per_photo", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate: expected more than 0, got {self.learning_rate}")
        if self.seed < 0:
            raise ValueError(f"seed: expected a whole number from 0 up, got {self.seed}")
