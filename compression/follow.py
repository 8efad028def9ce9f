"""A narrow student follows the whole one it was cut from, block by block.

The channels that blocks hand on are all still there (`compression.cut`), so what each of them should be is
known for every pixel: far more than the scores of a photo tell (Romero et al. 2015, arXiv:1412.6550).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from compression.cut import handed_on
from compression.models.heads import QualityNet
from compression.training import fast_math


class Follow:
    """The loss of a narrow student that follows a whole one.

    Args:
        net: the student that is trained.
        whole: what it was cut from; not trained.

    Raises:
        ValueError: they do not hand on the same channels.
    """

    def __init__(self, net: QualityNet, whole: QualityNet) -> None:
        self._whole = whole
        layers = check_fit(net, whole)
        self._ours: dict[int, Tensor] = {}
        self._theirs: dict[int, Tensor] = {}
        for found, kept in zip(layers, (self._ours, self._theirs), strict=True):
            for place, (layer, norm) in enumerate(found):
                _keep(layer if norm is None else norm, kept, place)

    def __call__(self, views: Tensor) -> Tensor:
        """How far the narrow one's blocks were off when it last ran, on these views.

        Args:
            views: uint8 (B, V, S, S, 3), the ones that it has just seen.

        Returns:
            The mean over blocks of the squared error over the variance: 1 for a block that gives nothing
            but the mean.
        """
        with torch.no_grad(), fast_math(views.device):
            self._whole.backbone(self._whole.normalize(views))
        parts = [_compare(self._ours[place], aim) for place, aim in self._theirs.items()]
        self._theirs.clear()
        return torch.stack(parts).mean()


def check_fit(net: QualityNet, whole: QualityNet) -> list[list[tuple[nn.Conv2d, nn.BatchNorm2d | None]]]:
    """The layers of both that hand on channels.

    Raises:
        ValueError: they do not hand on the same channels.
    """
    layers = [list(handed_on(each.backbone)) for each in (net, whole)]
    lengths = [[layer.out_channels for layer, _ in found] for found in layers]
    if lengths[0] != lengths[1] or not lengths[0]:
        raise ValueError(
            f"expected a whole student that hands on the channels of the narrow one, {lengths[0]}, "
            f"got {lengths[1]}; follow the one it was cut from"
        )
    return layers


def _keep(layer: nn.Module, kept: dict[int, Tensor], place: int) -> None:
    def hook(_: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        kept[place] = out

    layer.register_forward_hook(hook)


def _compare(ours: Tensor, aim: Tensor) -> Tensor:
    channels = aim.transpose(0, 1).flatten(1)
    return (ours - aim).square().mean() / channels.var(1).mean().clamp(min=1e-6)
