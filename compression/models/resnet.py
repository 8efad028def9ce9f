"""ResNets (He et al. 2015, arXiv:1512.03385) without their classifiers."""

from __future__ import annotations

from torch import nn

from compression.torchvision_compat import models

DEPTHS = (18, 34, 50, 101, 152)


def resnet(depth: int, width: float = 1.0) -> tuple[nn.Module, int]:
    """Return the convolutional part, (N, 3, S, S) → (N, F, S/32, S/32), and F.

    Raises:
        ValueError: a width other than 1: torchvision's ResNets have one.
    """
    if width != 1.0:
        raise ValueError(f"width: resnet{depth} has one width, 1.0; got {width}")
    net = models.get_model(f"resnet{depth}")
    stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
    return nn.Sequential(stem, net.layer1, net.layer2, net.layer3, net.layer4), net.fc.in_features


def rename(key: str) -> str | None:
    """Translate a torchvision key to ours; None for the classifier, which is left out."""
    head, _, rest = key.partition(".")
    if head in ("conv1", "bn1"):
        return f"0.{('conv1', 'bn1').index(head)}.{rest}"
    if head.startswith("layer"):
        return f"{head[5:]}.{rest}"
    return None
