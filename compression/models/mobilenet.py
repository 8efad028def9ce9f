"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), without its classifier."""

from __future__ import annotations

from torch import nn

from compression.torchvision_compat import models

FEATURES = 1280


def mobilenet_v2() -> nn.Module:
    """Return the convolutional part: (N, 3, S, S) → (N, 1280, S/32, S/32)."""
    features: nn.Module = models.mobilenet_v2().features
    return features


def rename(key: str) -> str | None:
    """Translate a torchvision key to ours; None for the classifier, which is left out."""
    return key.removeprefix("features.") if key.startswith("features.") else None
