"""MobileNets without their classifiers.

V2: Sandler et al. 2018, arXiv:1801.04381. V3: Howard et al. 2019, arXiv:1905.02244, with hard-swish
replaced by ReLU6: as published it is slower in int8 than in float.
"""

from __future__ import annotations

from torch import nn

from compression.torchvision_compat import models


def mobilenet_v2(width: float = 1.0) -> tuple[nn.Module, int]:
    """Return the convolutional part, (N, 3, S, S) → (N, F, S/32, S/32), and F."""
    features: nn.Module = models.mobilenet_v2(width_mult=width).features
    return features, features[-1][0].out_channels


def mobilenet_v3_small_relu6(width: float = 1.0) -> tuple[nn.Module, int]:
    """Return the convolutional part, (N, 3, S, S) → (N, F, S/32, S/32), and F."""
    features: nn.Module = models.mobilenet_v3_small(width_mult=width).features
    for module in features.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Hardswish):
                setattr(module, name, nn.ReLU6(inplace=True))
    return features, features[-1][0].out_channels


def rename(key: str) -> str | None:
    """Translate a torchvision key to ours; None for the classifier, which is left out."""
    return key.removeprefix("features.") if key.startswith("features.") else None
