"""MobileNetV3 (Howard et al. 2019, arXiv:1905.02244) without its classifier, hard-swish replaced by ReLU6.

As published it is slower in int8 than in float. Squeeze-and-excitation stays: its hard-sigmoid runs on
one value a channel.
"""

from __future__ import annotations

from torch import nn

from compression.torchvision_compat import models

SIZES = ("small", "large")


def mobilenet_v3_relu6(size: str, width: float = 1.0) -> tuple[nn.Module, int]:
    """Return the convolutional part, (N, 3, S, S) → (N, F, S/32, S/32), and F.

    Args:
        size: one of `SIZES`.
    """
    features: nn.Module = models.get_model(f"mobilenet_v3_{size}", width_mult=width).features
    for name, module in list(features.named_modules()):
        if isinstance(module, nn.Hardswish):
            features.set_submodule(name, nn.ReLU6(inplace=True))
    return features, features[-1][0].out_channels
