"""Weights in and out: ImageNet starting weights, and our own checkpoints as safetensors.

Nothing here unpickles anything but tensors: safetensors and npz hold arrays alone, and a foreign
`.pt` file goes through torch's `weights_only=True`.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from compression.models import REGISTRY, build
from compression.models.heads import QualityNet
from edge_iqa.errors import CheckpointError
from edge_iqa.files import write_bytes
from edge_iqa.views import ViewSpec

FORMAT = "edge-iqa-model-1"


def start_from_imagenet(net: QualityNet, folder: Path | None) -> str:
    """Load ImageNet weights into the backbone; what the file lacks keeps its random weights.

    Args:
        net: a fresh model.
        folder: holds `Architecture.starting_weights`; None downloads torchvision's own
            `IMAGENET1K_V1`, which needs internet access.

    Returns:
        A sentence on where the weights came from, for the run's record.

    Raises:
        CheckpointError: the file is missing or does not fit.
    """
    entry = REGISTRY[net.architecture]
    if folder is None:
        from compression.torchvision_compat import models

        state = models.get_model(net.architecture, weights="IMAGENET1K_V1").state_dict()
        source = "torchvision IMAGENET1K_V1"
    else:
        state = _read_npz(folder / entry.starting_weights)
        source = entry.starting_weights
    ours = {new: value for key, value in state.items() if (new := entry.rename(key)) is not None}
    result = net.backbone.load_state_dict(ours, strict=False)
    if result.unexpected_keys or not ours:
        raise CheckpointError(
            f"{source}: does not fit {net.architecture} (unknown: {result.unexpected_keys[:3]})"
        )
    missing = {key.rpartition(".")[0] for key in result.missing_keys}
    return f"{source}; {len(missing)} layers trained anew" if missing else source


def save(net: QualityNet, path: Path, extra: dict[str, Any] | None = None, half: bool = False) -> Path:
    """Write a model as safetensors, with all that is needed to build it again in the metadata.

    Args:
        half: store float16, half the bytes; fine for committed models, which start further training.

    Raises:
        OutputError: the file cannot be written.
    """
    state = {key: value.contiguous() for key, value in net.state_dict().items()}
    if half:
        state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    meta = {
        "architecture": net.architecture,
        "attributes": list(net.attributes),
        "embedding": net.embedding,
        "views": vars(net.spec),
        **(extra or {}),
    }
    blob = safetensors.torch.save(state, {"format": FORMAT, "model": json.dumps(meta, sort_keys=True)})
    return write_bytes(path, blob)


def load(path: Path) -> tuple[QualityNet, dict[str, Any]]:
    """Read a model that `save` wrote.

    Returns:
        The model in float32 and evaluation mode, and its metadata.

    Raises:
        CheckpointError: missing, damaged, or not one of ours.
    """
    try:
        with safetensors.safe_open(path, "pt") as stream:
            header = stream.metadata() or {}
            state = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path}: expected a safetensors file, could not read it ({error})") from error
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected format {FORMAT!r}, got {header.get('format')!r}")
    try:
        meta = json.loads(header["model"])
        net = build(
            meta["architecture"], tuple(meta["attributes"]), meta["embedding"], ViewSpec(**meta["views"])
        )
        net.load_state_dict({key: _full(value) for key, value in state.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: metadata and tensors do not make a model ({error})") from error
    return net.eval(), meta


def load_teacher(path: Path) -> tuple[QualityNet, str]:
    """Read a teacher: a model that `save` wrote, or a `.pt` state dict of a ResNet-18 `QualityNet`.

    Returns:
        The model, in evaluation mode and without gradients, and the file's SHA-256.

    Raises:
        CheckpointError: missing, damaged, or a pickle of anything but tensors.
    """
    net = load(path)[0] if path.suffix == ".safetensors" else _load_pt(path)
    return net.requires_grad_(False), hashlib.sha256(path.read_bytes()).hexdigest()


def _load_pt(path: Path) -> QualityNet:
    net = build("resnet18")
    try:
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: expected the state dict of a ResNet-18 QualityNet, tensors alone (safetensors, or a .pt "
            f"that torch reads with weights_only=True): {str(error).splitlines()[0]}"
        ) from error
    return net.eval()


def _full(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _read_npz(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: torch.from_numpy(archive[key]) for key in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: expected an npz of weights, could not read it ({error})") from error
