"""The ResNet-50 that a student's speed is told against."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from compression.models.heads import MEAN, STD
from compression.torchvision_compat import models


class Yardstick(nn.Module):
    """torchvision's ResNet-50 with random weights, dressed as the device's backend wants a model.

    Its time does not depend on the weights, and no photo is judged by it.
    """

    OUT = 1000

    def __init__(self) -> None:
        super().__init__()
        self.net = models.get_model("resnet50")

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (1, V, S, S, 3) → a score (1, 1), logits averaged over views (1, 1000), no category (1, 0)."""
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (MEAN, STD))
        logits = self.net((batch[0].permute(0, 3, 1, 2).float() - mean) / std).mean(0, keepdim=True)
        return torch.sigmoid(logits[:, :1]), logits, logits[:, :0]
