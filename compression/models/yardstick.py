"""What a student's speed is told against: a ResNet-50, and the rate of multiplications at its best."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from compression.models.heads import MEAN, STD, QualityNet
from compression.torchvision_compat import models
from edge_iqa.views import ViewSpec

_CHANNELS, _PATCH_PX = 256, 16


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


def make_dense(depth: int) -> tuple[QualityNet, int]:
    """A model of `depth` wide 1x1 convolutions, what a processor multiplies fastest; and their multiplications."""
    layers: list[nn.Module] = [nn.Conv2d(3, _CHANNELS, _PATCH_PX, _PATCH_PX), nn.ReLU6()]
    for _ in range(depth):
        layers += [nn.Conv2d(_CHANNELS, _CHANNELS, 1), nn.ReLU6()]
    spec = ViewSpec()
    positions = spec.count * (spec.size_px // _PATCH_PX) ** 2
    net = QualityNet("dense", nn.Sequential(*layers), _CHANNELS, ("noise",), 8, spec).eval()
    return net, depth * positions * _CHANNELS**2
