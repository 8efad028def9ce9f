"""Teachers and students by name. Adding one touches one place: `REGISTRY`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from compression.models import mobilenet, resnet
from compression.models.heads import QualityNet
from edge_iqa.views import ViewSpec

ATTRIBUTES = ("sharpness", "exposure", "noise", "detail")
"""What the degradations at hand can teach; see `compression.degradations`."""

EMBEDDING = 128


@dataclass(frozen=True)
class Architecture:
    """One backbone of the registry.

    Attributes:
        backbone: makes the convolutional part, with random weights.
        features: channels of its last feature map.
        rename: torchvision's key of a weight → ours; None for what is left out.
        starting_weights: file name of ImageNet weights in the folder given as `--weights`.
        frozen: how many of the backbone's first blocks stay as ImageNet left them. They hold edges and
            color blobs that quality needs as they are, and cost half of the training time.
    """

    backbone: Callable[[], nn.Module]
    features: int
    rename: Callable[[str], str | None]
    starting_weights: str
    frozen: int


REGISTRY = {
    "mobilenet_v2": Architecture(
        mobilenet.mobilenet_v2, mobilenet.FEATURES, mobilenet.rename, "mobilenet_v2_imagenet.npz", 7
    ),
    "resnet18": Architecture(
        resnet.resnet18, resnet.FEATURES, resnet.rename, "resnet18_imagenet_partial.npz", 1
    ),
}


def build(
    architecture: str,
    attributes: tuple[str, ...] = ATTRIBUTES,
    embedding: int = EMBEDDING,
    spec: ViewSpec | None = None,
) -> QualityNet:
    """Make a model with random weights.

    Raises:
        ValueError: no such architecture.
    """
    if architecture not in REGISTRY:
        raise ValueError(f"architecture: expected one of {', '.join(sorted(REGISTRY))}, got {architecture!r}")
    entry = REGISTRY[architecture]
    return QualityNet(
        architecture, entry.backbone(), entry.features, attributes, embedding, spec or ViewSpec()
    )
