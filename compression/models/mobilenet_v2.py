"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) without its classifier."""

from __future__ import annotations

from torch import nn

from compression.torchvision_compat import models


def mobilenet_v2(width: float = 1.0) -> tuple[nn.Module, int]:
    """Return the convolutional part, (N, 3, S, S) → (N, F, S/32, S/32), and F."""
    features: nn.Module = models.mobilenet_v2(width_mult=width).features
    return features, features[-1][0].out_channels


def rename(key: str) -> str | None:
    """Translate a torchvision key to ours; None for the classifier, which is left out."""
    return key.removeprefix("features.") if key.startswith("features.") else None
