"""ResNet-18 (He et al. 2015, arXiv:1512.03385), without its classifier."""

from __future__ import annotations

from torch import nn

from compression.torchvision_compat import models

FEATURES = 512


def resnet18() -> nn.Module:
    """Return the convolutional part: (N, 3, S, S) → (N, 512, S/32, S/32)."""
    net = models.resnet18()
    return nn.Sequential(
        nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool),
        net.layer1,
        net.layer2,
        net.layer3,
        net.layer4,
    )


def rename(key: str) -> str | None:
    """Translate a torchvision key to ours; None for the classifier, which is left out."""
    head, _, rest = key.partition(".")
    if head in ("conv1", "bn1"):
        return f"0.{('conv1', 'bn1').index(head)}.{rest}"
    if head.startswith("layer"):
        return f"{head[5:]}.{rest}"
    return None
