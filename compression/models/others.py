"""Networks that no student is made from: what a simulation of a device is fitted on, and judged by.

Their weights are random: a time does not depend on them, and no photo is judged by them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from compression.models import ATTRIBUTES, EMBEDDING, REGISTRY, build
from compression.models.heads import QualityNet
from compression.torchvision_compat import models
from edge_iqa.views import ViewSpec


@dataclass(frozen=True)
class Network:
    """One network, dressed as a student.

    Attributes:
        family: networks of one family differ in width or depth alone.
        architecture: name in the registry of students, or torchvision's.
        width: of a student's backbone.
        size_px: side of its views.
    """

    family: str
    architecture: str
    width: float = 1.0
    size_px: int = 224

    @property
    def name(self) -> str:
        """Such as `patchnet 0.5 at 160 px`."""
        width = f" {self.width:g}" if self.architecture in REGISTRY else ""
        return f"{self.architecture}{width} at {self.size_px} px"

    @property
    def spec(self) -> ViewSpec:
        return ViewSpec(size_px=self.size_px)

    def build(self) -> QualityNet:
        """Make it, in evaluation mode; the same weights each time."""
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            if self.architecture in REGISTRY:
                net = build(self.architecture, spec=self.spec, width=self.width)
            else:
                backbone = _find_backbone(self.architecture).eval()
                with torch.no_grad():
                    features = backbone(torch.zeros(1, 3, 64, 64)).shape[1]
                net = QualityNet(self.architecture, backbone, features, ATTRIBUTES, EMBEDDING, self.spec)
            _leave_out_padding(net.backbone)
            return net.eval()


NETWORKS = (
    *(Network("patchnet", "patchnet", width) for width in (0.5, 1.0, 1.5)),
    Network("patchnet", "patchnet", size_px=160),
    *(Network("mobilenet_v2", "mobilenet_v2", width) for width in (0.5, 1.0)),
    Network("mobilenet_v2", "mobilenet_v2", size_px=160),
    *(Network("mobilenet_v3", "mobilenet_v3_small_relu6", width) for width in (0.5, 1.0)),
    Network("mobilenet_v3", "mobilenet_v3_large_relu6"),
    Network("resnet", "resnet18"),
    Network("resnet", "resnet50", size_px=160),
    Network("efficientnet", "efficientnet_b0"),
    *(Network("mnasnet", name) for name in ("mnasnet0_5", "mnasnet1_0")),
    Network("squeezenet", "squeezenet1_1"),
    *(Network("regnet", name) for name in ("regnet_x_400mf", "regnet_y_400mf")),
    Network("alexnet", "alexnet"),
    Network("vgg", "vgg11_bn", size_px=96),
)
"""Chosen before any was simulated: students, and what else runs on small devices. ShuffleNets, DenseNets and
GoogLeNets are not among them: the export refuses them, for operators that a phone's runtime may lack."""

UNSEEN = (
    Network("patchnet", "patchnet", 0.75, 192),
    Network("mobilenet_v2", "mobilenet_v2", 1.4, 128),
    Network("efficientnet", "efficientnet_v2_s", size_px=128),
    Network("squeezenet", "squeezenet1_0", size_px=160),
    Network("regnet", "regnet_y_800mf", size_px=160),
    Network("resnext", "resnext50_32x4d", size_px=96),
)
"""Timed for the first time when it had been settled what work a simulation counts."""


def _find_backbone(architecture: str) -> nn.Module:
    """torchvision's network without its classifier: (N, 3, S, S) → (N, F, h, w)."""
    net = models.get_model(architecture)
    take = _BACKBONES.get(architecture.partition("_")[0].rstrip("0123456789"), lambda net: net.features)
    return take(net)


def _leave_out_padding(backbone: nn.Module) -> None:
    """Let pooling reach over one edge instead of padding both: as many windows, and an operator that phones have."""
    for name, layer in list(backbone.named_modules()):
        if isinstance(layer, nn.MaxPool2d) and layer.padding:
            backbone.set_submodule(name, nn.MaxPool2d(layer.kernel_size, layer.stride, ceil_mode=True))


_BACKBONES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "resnext": lambda net: nn.Sequential(
        net.conv1, net.bn1, net.relu, net.maxpool, net.layer1, net.layer2, net.layer3, net.layer4
    ),
    "mnasnet": lambda net: net.layers,
    "regnet": lambda net: nn.Sequential(net.stem, net.trunk_output),
}
