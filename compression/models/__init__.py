"""Teachers and students by name. Adding one touches one place: `REGISTRY`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from compression.models import mobilenet_v2, mobilenet_v3, patchnet, resnet
from compression.models.heads import TONES_PX, QualityNet
from compression.models.narrow import narrow
from edge_iqa.views import ViewSpec

ATTRIBUTES = ("sharpness", "exposure", "contrast", "color", "noise", "detail")
"""What the faults of `compression.degradations` lower."""

EMBEDDING = 128


@dataclass(frozen=True)
class Start:
    """ImageNet weights that a backbone can start from.

    Attributes:
        torchvision: the name under which torchvision has them.
        file: name of an npz with the same in the folder given as `--weights`.
        rename: torchvision's key of a weight → ours; None for what is left out.
    """

    torchvision: str
    file: str
    rename: Callable[[str], str | None]


@dataclass(frozen=True)
class Architecture:
    """One backbone of the registry.

    Attributes:
        backbone: width → the convolutional part with random weights, and the channels F of its last map.
        start: its ImageNet weights; None where nobody has trained any.
        frozen: how many of the backbone's first blocks stay as ImageNet left them. They hold edges and
            color blobs that quality needs as they are, on the largest and so slowest maps.
    """

    backbone: Callable[[float], tuple[nn.Module, int]]
    start: Start | None = None
    frozen: int = 0


REGISTRY = {
    "mobilenet_v2": Architecture(
        mobilenet_v2.mobilenet_v2,
        Start("mobilenet_v2", "mobilenet_v2_imagenet.npz", mobilenet_v2.rename),
        frozen=3,
    ),
    **{
        f"mobilenet_v3_{size}_relu6": Architecture(
            partial(mobilenet_v3.mobilenet_v3_relu6, size),
            Start(f"mobilenet_v3_{size}", f"mobilenet_v3_{size}_imagenet.npz", mobilenet_v2.rename),
        )
        for size in mobilenet_v3.SIZES
    },
    "patchnet": Architecture(patchnet.patchnet),
    **{
        f"resnet{depth}": Architecture(
            partial(resnet.resnet, depth),
            Start(
                f"resnet{depth}",
                "resnet18_imagenet_partial.npz" if depth == 18 else f"resnet{depth}_imagenet.npz",
                resnet.rename,
            ),
            frozen=1,
        )
        for depth in resnet.DEPTHS
    },
}


def build(
    architecture: str,
    attributes: tuple[str, ...] = ATTRIBUTES,
    embedding: int = EMBEDDING,
    spec: ViewSpec | None = None,
    categories: tuple[str, ...] = (),
    width: float = 1.0,
    fusion: str = "split",
    tones_stride_px: int = TONES_PX,
) -> QualityNet:
    """Make a model with random weights.

    Raises:
        ValueError: no such architecture, width, fusion or stride of the tones.
    """
    if architecture not in REGISTRY:
        raise ValueError(f"architecture: expected one of {', '.join(sorted(REGISTRY))}, got {architecture!r}")
    if not 0.1 <= width <= 2:
        raise ValueError(f"width: expected 0.1 to 2, got {width}")
    backbone, features = REGISTRY[architecture].backbone(width)
    return QualityNet(
        architecture,
        backbone,
        features,
        attributes,
        embedding,
        spec or ViewSpec(),
        categories,
        fusion,
        width,
        tones_stride_px,
    )


def with_outputs(net: QualityNet, categories: tuple[str, ...]) -> QualityNet:
    """The same model for other categories: what does not depend on them keeps its weights."""
    other = build(
        net.architecture,
        net.attributes,
        net.embedding,
        net.spec,
        categories,
        net.width,
        net.fusion,
        net.tones_stride_px,
    )
    kept = {key: value for key, value in net.state_dict().items() if not key.startswith("category_head")}
    if categories:
        # both see the same features, of which pruning may have left fewer
        sees = net.embedding_head.in_features
        other.category_head = nn.Linear(sees, len(categories))
        kept |= {f"category_head.{key}": value for key, value in other.category_head.state_dict().items()}
    narrow(other, kept)
    other.load_state_dict(kept)
    return other
