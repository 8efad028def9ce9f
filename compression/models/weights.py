"""Weights in and out: ImageNet starting weights, and our own checkpoints as safetensors.

Nothing here unpickles anything: safetensors and npz hold arrays alone.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from compression.data import hash_file
from compression.models import REGISTRY, Start, build
from compression.models.heads import TONES_PX, QualityNet
from compression.models.narrow import narrow
from compression.models.server import ServerTeacher, load_server_teacher
from edge_iqa.errors import CheckpointError
from edge_iqa.files import write_bytes
from edge_iqa.views import ViewSpec

FORMAT = "edge-iqa-model-3"


def start_from_imagenet(net: QualityNet, folder: Path | None) -> str:
    """Load ImageNet weights into the backbone; what the file lacks keeps its random weights.

    Args:
        net: a fresh model.
        folder: holds `Start.file` of the registry; None downloads torchvision's own
            `IMAGENET1K_V1`, which needs internet access.

    Returns:
        A sentence on where the weights came from, for the run's record.

    Raises:
        CheckpointError: the file is missing or does not fit.
        ValueError: nobody has trained this architecture on ImageNet.
    """
    start = find_imagenet(net.architecture, folder)
    if folder is None:
        from compression.torchvision_compat import models

        state = models.get_model(start.torchvision, weights="IMAGENET1K_V1").state_dict()
        source = "torchvision IMAGENET1K_V1"
    else:
        state = _read_npz(folder / start.file)
        source = start.file
    ours = {new: value for key, value in state.items() if (new := start.rename(key)) is not None}
    result = net.backbone.load_state_dict(ours, strict=False)
    if result.unexpected_keys or not ours:
        raise CheckpointError(
            f"{source}: does not fit {net.architecture} (unknown: {result.unexpected_keys[:3]})"
        )
    missing = {key.rpartition(".")[0] for key in result.missing_keys}
    return f"{source}; {len(missing)} layers trained anew" if missing else source


def find_imagenet(architecture: str, folder: Path | None) -> Start:
    """Which ImageNet weights an architecture starts from.

    Raises:
        CheckpointError: the folder lacks them.
        ValueError: nobody has trained this architecture on ImageNet.
    """
    start = REGISTRY[architecture].start
    if start is None:
        raise ValueError(f"{architecture} has no ImageNet weights; start it from random ones")
    if folder is not None and not (folder / start.file).is_file():
        raise CheckpointError(f"{folder / start.file}: expected an npz of weights, found none")
    return start


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
        "categories": list(net.categories),
        "width": net.width,
        "fusion": net.fusion,
        "tones_stride_px": net.tones_stride_px,
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
            meta["architecture"],
            tuple(meta["attributes"]),
            meta["embedding"],
            ViewSpec(**meta["views"]),
            tuple(meta["categories"]),
            meta["width"],
            meta["fusion"],
            meta.get("tones_stride_px", TONES_PX),  # checkpoints from before it could be chosen
        )
        narrow(net, state)
        net.load_state_dict({key: _full(value) for key, value in state.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: metadata and tensors do not make a model ({error})") from error
    return net.eval(), meta


def load_teacher(
    path: Path, output_range: tuple[float, float] = (0.0, 1.0)
) -> tuple[QualityNet | ServerTeacher, str]:
    """Read a teacher: a model that `save` wrote, or a team's own (`load_server_teacher`).

    Args:
        output_range: raw outputs of a server model's regression that mean worst and best.

    Returns:
        The model, in evaluation mode and without gradients, and the file's SHA-256.

    Raises:
        CheckpointError: missing, damaged, a pickle of anything but tensors, or a model of another kind.
        ValueError: an output range for a model that has none.
    """
    if not _is_ours(path):
        return load_server_teacher(path, output_range)
    net = load(path)[0].requires_grad_(False)
    if tuple(output_range) != (0.0, 1.0):
        raise ValueError(f"output range: {path} is no server model; its scores are 0 to 1 already")
    return net, hash_file(path)


def read_output_range(meta: Mapping[str, Any], path: Path) -> tuple[float, float]:
    """Which raw outputs of its teacher meant worst and best, as the student's distillation recorded it.

    Args:
        meta: of a student, as `load` gives it.
        path: of the student, for the message.

    Raises:
        CheckpointError: the record holds something else.
    """
    run = meta.get("run") or {}
    value = run.get("output_range", (0.0, 1.0)) if isinstance(run, Mapping) else None
    if (
        not isinstance(value, list | tuple)
        or len(value) != 2
        or not all(type(x) in (int, float) for x in value)
    ):
        raise CheckpointError(
            f"{path}: run: expected the record of a distillation, got {run!r:.80}; distill it again"
        )
    return float(value[0]), float(value[1])


def _is_ours(path: Path) -> bool:
    """Whether `save` wrote it, in this version or another, which `load` refuses by name."""
    try:
        with safetensors.safe_open(path, "pt") as stream:
            found = (stream.metadata() or {}).get("format", "")
    except (OSError, safetensors.SafetensorError):
        return False
    return found.startswith(FORMAT.rstrip("0123456789"))


def _full(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _read_npz(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: torch.from_numpy(archive[key]) for key in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: expected an npz of weights, could not read it ({error})") from error
