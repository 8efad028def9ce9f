"""A team's own server model as a teacher: a torchvision ResNet, read from its state dict."""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import re
import struct
import warnings
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compression.models.heads import MEAN, STD, Outputs
from compression.torchvision_compat import models
from edge_iqa.errors import CheckpointError
from edge_iqa.views import ViewSpec

HEADS = {1: "regression", 2: "two-class", 10: "ten-bin"}
"""Outputs of the last layer → how they are read."""
_WIDTHS = ", ".join(f"{outputs} ({head})" for outputs, head in HEADS.items()) + " outputs"

_DEPTHS: dict[tuple[tuple[int, ...], str], int] = {
    ((2, 2, 2, 2), "basic"): 18,
    ((3, 4, 6, 3), "basic"): 34,
    ((3, 4, 6, 3), "bottleneck"): 50,
    ((3, 4, 23, 3), "bottleneck"): 101,
    ((3, 8, 36, 3), "bottleneck"): 152,
}
"""Blocks of the four layers, and their kind → depth (He et al. 2015, arXiv:1512.03385, table 1)."""

_WRAPPERS = ("state_dict", "model")
_BLOCK = re.compile(r"(|.*?\.)layer([1-4])\.(\d{1,4})\.")
_SUFFIXES = (".safetensors", ".pt", ".pth")
_UNREADABLE = (
    *(OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError),
    *(struct.error, pickle.UnpicklingError, safetensors.SafetensorError),
)
"""All that damaged files were seen to raise inside torch and safetensors."""


class ServerTeacher(nn.Module):
    """A ResNet that judges the whole photo with one overall score, in the shape of a `QualityNet`.

    regression: the raw output, mapped linearly by `output_range` and clipped. two-class: softmax, the
    probability of class 1, good. ten-bin: softmax, the mean rating over 1-10 mapped to 0-1 (NIMA,
    Talebi & Milanfar 2018, arXiv:1709.05424).

    Args:
        architecture: torchvision's name, such as resnet50.
        net: torchvision's model; its last layer is taken off it.
        output_range: raw outputs of a regression that mean worst and best; (5, 1) where lower is better.

    Attributes:
        head: one of `HEADS`.
        embedding: F, length of the features.
        spec: how views are cut; the details are not looked at.

    Raises:
        ValueError: a last layer of another width, an empty range, or a range for a head that has its own.
    """

    attributes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    mean: Tensor
    std: Tensor

    def __init__(
        self, architecture: str, net: models.ResNet, output_range: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        super().__init__()
        width = net.fc.out_features
        if width not in HEADS:
            raise ValueError(f"net: expected {_WIDTHS}, got {width}")
        self.architecture = architecture
        self.head = HEADS[width]
        self.embedding: int = net.fc.in_features
        self.spec = ViewSpec()
        self.output_range = _check_range(output_range, self.head)
        self.fc, net.fc = net.fc, nn.Identity()
        self.backbone = net
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, views: Tensor) -> Outputs:
        """Score a batch of views, uint8 (B, V, S, S, 3), RGB, the global view first."""
        return self.judge(self.look(views))

    def look(self, views: Tensor) -> Tensor:
        """Features float32 (B, F) of the global view alone; views as in `forward`."""
        pixels = views[:, 0].permute(0, 3, 1, 2).float()
        features: Tensor = self.backbone((pixels - self.mean) / self.std)
        return features.float()

    def judge(self, features: Tensor) -> Outputs:
        """Features (B, F) → scores (B, 1) in [0, 1], embedding (B, F) of unit length, category (B, 0)."""
        score = self._score(self.fc(features)).clamp(0, 1)
        return Outputs(score[:, None], F.normalize(features, dim=1), features[:, :0])

    def _score(self, raw: Tensor) -> Tensor:
        """Raw outputs (B, 1, 2 or 10) → scores (B,)."""
        if self.head == "regression":
            low, high = self.output_range
            return (raw[:, 0] - low) / (high - low)
        shares = raw.softmax(1)
        if self.head == "two-class":
            return shares[:, 1]
        return shares @ torch.linspace(0, 1, 10, device=raw.device)


def load_server_teacher(
    path: Path, output_range: tuple[float, float] = (0.0, 1.0)
) -> tuple[ServerTeacher, str]:
    """Read torchvision's state dict of a ResNet-18, 34, 50, 101 or 152 with one, two or ten outputs.

    All keys may share a prefix (`module.`, `model.`, `backbone.`), and the dict may lie in another one
    under `state_dict` or `model`. Depth and head are found from keys and shapes.

    Args:
        path: `.safetensors`, or `.pt` or `.pth`, read with `weights_only=True` and never otherwise.
        output_range: see `ServerTeacher`.

    Returns:
        The model, in evaluation mode and without gradients, and the file's SHA-256.

    Raises:
        CheckpointError: no such file, damaged, a pickle of anything but tensors, no ResNet, or keys, shapes
            or values that do not fit; names what was expected and what came.
        ValueError: an output range that cannot be.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: expected a file ({', '.join(_SUFFIXES)}), found none")
    content, sha256 = _read(path)
    try:
        architecture, net = _build(_strip(_unwrap(content)))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return ServerTeacher(architecture, net, output_range).eval().requires_grad_(False), sha256


def _read(path: Path) -> tuple[object, str]:
    """Parse the very bytes that are hashed."""
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise CheckpointError(f"{path}: expected {', '.join(_SUFFIXES)}, got {suffix or 'no suffix'!r}")
    try:
        blob = path.read_bytes()
        if suffix == ".safetensors":
            content: object = safetensors.torch.load(blob)
        else:
            with warnings.catch_warnings(action="ignore"):  # torch's go before an error that says it better
                content = torch.load(io.BytesIO(blob), map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise CheckpointError(
            f"{path}: expected a state dict, tensors alone, that safetensors or torch.load(weights_only=True) "
            f"reads, got {_explain(error)}; write it with torch.save(model.state_dict(), path)"
        ) from error
    return content, hashlib.sha256(blob).hexdigest()


def _explain(error: BaseException) -> str:
    """One sentence; torch's own go on to recommend an unsafe way to load, so no more is shown of them."""
    if isinstance(error, pickle.UnpicklingError):
        found = re.search(r"GLOBAL (\S+)", str(error))
        return f"a pickle of {found[1]}" if found else "a pickle of code or objects, or a damaged file"
    first = re.split(r"\. |\n", str(error) or "empty")[0]
    return f"a file that is damaged or of another kind ({type(error).__name__}: {first})"


def _unwrap(content: object) -> dict[str, Tensor]:
    """Take the state dict out of a checkpoint; tensors alone come back."""
    if isinstance(content, dict):
        content = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), dict)), content)
    if not isinstance(content, dict):
        raise CheckpointError(f"expected a dict of tensors, got {type(content).__name__}")
    for key, value in content.items():
        if not (isinstance(key, str) and isinstance(value, Tensor)):
            raise CheckpointError(
                f"expected a dict of tensors, itself or under {' or '.join(map(repr, _WRAPPERS))}; "
                f"got {key!r}: {type(value).__name__}"
            )
    return content


def _strip(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove what stands before `layer1` from every key."""
    prefixes = sorted({found[1] for key in state if (found := _BLOCK.match(key))})
    if len(prefixes) != 1:
        came = f"several ({_name(prefixes)})" if prefixes else _name(list(state))
        raise CheckpointError(
            f"expected the keys of one torchvision ResNet (layer1.0.conv1.weight), got {came}"
        )
    outside = [key for key in state if not key.startswith(prefixes[0])]
    if outside:
        raise CheckpointError(f"expected every key to begin with {prefixes[0]!r}, got {_name(outside)}")
    return {key.removeprefix(prefixes[0]): value for key, value in state.items()}


def _build(state: dict[str, Tensor]) -> tuple[str, models.ResNet]:
    """Make torchvision's model around the tensors: its name, and the model."""
    architecture = f"resnet{_find_depth(state)}"
    outputs = _count_outputs(state)
    with torch.device("meta"):
        net = models.get_model(architecture, num_classes=outputs)
    expected = net.state_dict()
    _check_keys(state, expected, architecture)
    state = {key: _check_tensor(key, value, expected[key]) for key, value in state.items()}
    net.load_state_dict(state, strict=True, assign=True)
    return architecture, net


def _find_depth(state: dict[str, Tensor]) -> int:
    found = [match for key in state if (match := _BLOCK.match(key))]
    blocks = tuple(
        max((int(each[3]) + 1 for each in found if each[2] == layer), default=0) for layer in "1234"
    )
    kind = "bottleneck" if any(".conv3." in key for key in state) else "basic"
    if (blocks, kind) not in _DEPTHS:
        known = ", ".join(f"{depth}: {counts} {name}" for (counts, name), depth in _DEPTHS.items())
        raise CheckpointError(f"expected the blocks of a ResNet ({known}), got {blocks} {kind}")
    return _DEPTHS[blocks, kind]


def _count_outputs(state: dict[str, Tensor]) -> int:
    weight = state.get("fc.weight", torch.empty(1))  # a missing one is named with the other keys
    outputs = len(weight) if weight.ndim else 1
    if outputs not in HEADS:
        hint = "; an ImageNet classifier is no quality model" if outputs == 1000 else ""
        raise CheckpointError(f"fc.weight: expected {_WIDTHS}, got {outputs} outputs{hint}")
    return outputs


def _check_keys(state: dict[str, Tensor], expected: dict[str, Tensor], architecture: str) -> None:
    """Files of torch before 0.4.1 lack `num_batches_tracked`, which only training reads."""
    missing = [key for key in expected if key not in state and not key.endswith("num_batches_tracked")]
    unknown = [key for key in state if key not in expected]
    if missing or unknown:
        raise CheckpointError(
            f"expected the keys of torchvision's {architecture}: missing {_name(missing)}; "
            f"unknown {_name(unknown)}"
        )


def _check_tensor(key: str, value: Tensor, expected: Tensor) -> Tensor:
    """Return the tensor in the expected type."""
    if value.shape != expected.shape:
        raise CheckpointError(f"{key}: expected shape {tuple(expected.shape)}, got {tuple(value.shape)}")
    dense = value.layout == torch.strided and not value.is_meta
    if not dense or value.is_floating_point() != expected.is_floating_point():
        came = value.dtype if dense else f"no dense tensor ({value.layout}, {value.device})"
        raise CheckpointError(f"{key}: expected dense {expected.dtype}, got {came}")
    value = value.to(expected.dtype)
    if not torch.isfinite(value).all():
        raise CheckpointError(f"{key}: expected finite weights, got NaN or infinity")
    return value


def _check_range(output_range: tuple[float, float], head: str) -> tuple[float, float]:
    low, high = output_range
    if not (math.isfinite(low) and math.isfinite(high) and low != high):
        raise ValueError(f"output range: expected two different finite numbers, got {low:g} and {high:g}")
    if head != "regression" and (low, high) != (0, 1):
        raise ValueError(f"output range: only a regression takes one; this is a {head} head")
    return low, high


def _name(keys: list[str]) -> str:
    return (", ".join(keys[:3]) or "none") + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
