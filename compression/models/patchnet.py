"""PatchNet, a student of our own, made for int8 on CPUs: patches of 4 px in, plain 3x3 convolutions while
maps are large, inverted residuals where they are small, a narrow last layer.

What an int8 layer costs is not its multiplications alone. Depthwise convolutions on large maps spend
their time on memory (Tan and Le 2021, arXiv:2104.00298, replace them there by plain ones, as we do), and
squeeze-and-excitation and hard-swish leave int8 altogether. A stem of patches (Liu et al. 2022,
arXiv:2201.03545) shrinks the map by four at once, and needs no padding. A last layer of 256 channels
instead of 1280 keeps the heads, which see it three times, as small as they need to be.
"""

from __future__ import annotations

from torch import Tensor, nn

_STEM, _PATCH_PX = 32, 4
_PLAIN = ((32, 1), (64, 2))
"""Channels of a stage and its plain blocks; each stage after the first halves the map first."""
_INVERTED = ((96, 4), (160, 3))
"""The same for inverted residuals, the first of which halves the map."""
_EXPANSION = 3
_LAST = 256


def patchnet(width: float = 1.0) -> tuple[nn.Module, int]:
    """Return the convolutional part, (N, 3, S, S) → (N, F, S/32, S/32), and F."""
    here = _widen(_STEM, width)
    layers: list[nn.Module] = [_convolve(3, here, _PATCH_PX, _PATCH_PX)]
    for channels, count in _PLAIN:
        out = _widen(channels, width)
        if channels != _STEM:
            layers.append(_convolve(here, out, 3, 2))
        layers += [_Residual(_convolve(out, out, 3)) for _ in range(count)]
        here = out
    for channels, count in _INVERTED:
        out = _widen(channels, width)
        for index in range(count):
            layers.append(_invert(here, out, 1 if index else 2))
            here = out
    last = _widen(_LAST, max(width, 1.0))
    layers.append(_convolve(here, last, 1))
    return nn.Sequential(*layers), last


class _Residual(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.body(x)
        return found


def _invert(channels: int, out: int, stride: int) -> nn.Module:
    """An inverted residual: widen, filter each channel by itself, narrow without a ReLU."""
    hidden = channels * _EXPANSION
    body = nn.Sequential(
        _convolve(channels, hidden, 1),
        _convolve(hidden, hidden, 3, stride, groups=hidden),
        nn.Conv2d(hidden, out, 1, bias=False),
        nn.BatchNorm2d(out),
    )
    return body if stride > 1 else _Residual(body)


def _convolve(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU6; no padding where windows do not overlap."""
    padding = 0 if kernel == stride else kernel // 2
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU6(inplace=True),
    )


def _widen(channels: int, width: float) -> int:
    """A multiple of 8, which vector units compute at once."""
    return max(8, round(channels * width / 8) * 8)
