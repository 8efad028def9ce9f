"""The same function in fewer steps: what a device computes need not be what was trained.

On a CPU an int8 student spends much of its time before its first layer. Subtracting a mean and dividing
by a deviation go over every pixel twice, in float, three values at a time, which no vector unit likes;
and a convolution over three channels fills a quarter of the vector that it computes with. Where windows do not
overlap, as in the tones and in a stem of patches, both can be avoided exactly: mean and deviation go
into the weights, and the 12 values of a patch's row become the channels of one pixel.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from compression.models.heads import Outputs, QualityNet


class DeviceForm(nn.Module):
    """A `QualityNet` for export: raw views in, the same outputs up to rounding.

    Args:
        net: in evaluation mode; it is left as it is.
    """

    def __init__(self, net: QualityNet) -> None:
        super().__init__()
        self.net = copy.deepcopy(net).eval()
        self.spec, self.attributes = net.spec, net.attributes
        self.embedding, self.categories = net.embedding, net.categories
        self.patch_px = net.tones.first.kernel_size[0]
        self.by_rows = _is_patches(net.tones.first, net.spec.size_px)
        stem_name = _find_stem(self.net.backbone)
        stem = self.net.backbone.get_submodule(stem_name)
        self.stem_by_rows = (
            self.by_rows and _is_patches(stem, net.spec.size_px) and stem.kernel_size[0] == self.patch_px
        )
        if self.by_rows:
            self.net.tones.first = _to_rows(net.tones.first, net.mean, net.std)
        if self.stem_by_rows:
            self.net.backbone.set_submodule(stem_name, _to_rows(stem, net.mean, net.std))

    def forward(self, views: Tensor) -> Outputs:
        """uint8 (B, V, S, S, 3) → as `QualityNet.forward`."""
        batch, count, size = views.shape[:3]
        flat = views.flatten(0, 1).float()  # once: delegates leave this step to the interpreter
        patch = self.patch_px
        rows = pixels = None
        if self.by_rows:
            rows = flat.reshape(batch * count, size, size // patch, 3 * patch).permute(0, 3, 1, 2)
        if not self.stem_by_rows:
            pixels = (flat.permute(0, 3, 1, 2) - self.net.mean) / self.net.std
        maps = [
            self.net.backbone(rows if self.stem_by_rows else pixels),
            self.net.tones(rows if self.by_rows else pixels),
        ]
        # channels last, as the runtimes hold them: a mean over the middle needs no transposition
        pooled = [each.permute(0, 2, 3, 1).mean((1, 2)) for each in maps]
        return self.net.judge(torch.cat(pooled, 1).reshape(batch, count, -1))


def _find_stem(backbone: nn.Module) -> str:
    """Name of the convolution that sees the pixels."""
    return next(
        name
        for name, layer in backbone.named_modules()
        if isinstance(layer, nn.Conv2d) and layer.in_channels == 3 and layer.groups == 1
    )


def _is_patches(layer: nn.Conv2d, size_px: int) -> bool:
    """Whether windows neither overlap nor reach over the edge, nor leave a rest of the view."""
    return (
        layer.kernel_size == layer.stride and layer.padding == (0, 0) and size_px % layer.kernel_size[1] == 0
    )


def _to_rows(layer: nn.Conv2d, mean: Tensor, std: Tensor) -> nn.Conv2d:
    """The same convolution over raw pixels whose patch rows are channels.

    Args:
        layer: over normalized pixels, (N, 3, S, S), patches of P px.
        mean, std: (1, 3, 1, 1), of the normalization.

    Returns:
        Over (N, 3P, S, S/P), raw.
    """
    height, width = layer.kernel_size
    rows = nn.Conv2d(3 * width, layer.out_channels, (height, 1), (height, 1))
    with torch.no_grad():
        weight = layer.weight / std
        shift = (weight * mean).sum((1, 2, 3))
        rows.weight.copy_(weight.permute(0, 3, 1, 2).reshape(rows.weight.shape))
        rows.bias.copy_((0 if layer.bias is None else layer.bias) - shift)
    return rows
