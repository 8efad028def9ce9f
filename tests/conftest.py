"""What tests of several packages share: hypothesis's settings, and one small model, exported and quantized once.

Hypothesis draws the same examples each time, and never fails for a slow machine. Imports of the
workshop stand inside the fixtures: the runtime's tests run where there is no torch.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from compression.artifacts import Artifacts
    from compression.models.heads import QualityNet

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # processes share the cores; torch, loaded later, would take them all in each
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what tests make alone, and less often.

    Torch, jax and the collected tests are a million objects that stay; going over them again and again took
    a sixth of the time of an export.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


settings.register_profile("edge-iqa", deadline=None, derandomize=True)
settings.load_profile("edge-iqa")

TINY = ("sharpness", "noise")
CATEGORIES = ("shoe", "mug", "lamp")
STUDENT_SHA256 = hashlib.sha256(b"tiny").hexdigest()


def make_tiny_backbone(width: float = 1.0) -> tuple[Any, int]:
    """A MobileNetV2 in small: (N, 3, S, S) → (N, 32, S/8, S/8), with one residual block; and 32."""
    from torch import nn

    from compression.torchvision_compat import torchvision

    mobilenet = torchvision.models.mobilenetv2
    stem = torchvision.ops.misc.Conv2dNormActivation(3, 8, stride=2, activation_layer=nn.ReLU6)
    backbone = nn.Sequential(
        stem,
        mobilenet.InvertedResidual(8, 16, stride=2, expand_ratio=2),
        mobilenet.InvertedResidual(16, 16, stride=1, expand_ratio=2),
        mobilenet.InvertedResidual(16, 24, stride=2, expand_ratio=2),
        torchvision.ops.misc.Conv2dNormActivation(24, 32, kernel_size=1, activation_layer=nn.ReLU6),
    )
    return backbone, 32


def make_tiny_net(
    attributes: tuple[str, ...] = TINY, categories: tuple[str, ...] = CATEGORIES, seed: int = 0
) -> QualityNet:
    """A model of the project's own kind with random weights and batch norm that is not identity."""
    import torch
    from torch import nn

    from compression.models.heads import QualityNet
    from edge_iqa.views import ViewSpec

    torch.manual_seed(seed)
    net = QualityNet("tiny", *make_tiny_backbone(), attributes, 8, ViewSpec(64, 2, 256), categories)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    net.eval()
    with torch.no_grad():  # heads that tell photos apart, as trained ones do
        seen = net.look(torch.stack([torch.from_numpy(views) for views in draw_views(16)]))
        joined = torch.cat([seen[:, 0], seen[:, 1:].mean(1)], 1)
        for head, features in ((net.detail_head, seen[:, 1:]), (net.rest_head, seen[:, 0])):
            if head is not None:
                _spread(head.first, features.flatten(0, -2))
                head.last.weight.mul_(10)
                head.last.bias.copy_(torch.linspace(1.5, -1.5, len(head.last.bias)))
        if net.category_head is not None:
            _spread(net.category_head, joined, gain=4)
            net.category_head.bias.add_(torch.linspace(-1, 1, len(categories)))
    return net


def _spread(layer: Any, inputs: Any, gain: float = 1) -> None:
    """Scale and shift a linear layer so that what it gives for these inputs lies around 0, and apart."""
    layer.weight.mul_(gain / (inputs.std(0).clamp_min(0.1) * 2))
    layer.bias.copy_(-layer.weight @ inputs.mean(0))


def draw_views(count: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Views of `count` photos drawn by code: shapes, a light gradient and some grain."""
    from edge_iqa import views
    from edge_iqa.frame import Frame
    from edge_iqa.views import ViewSpec

    rng = np.random.default_rng(seed)
    return [views.cut(Frame(draw_photo(rng), 160, 120), ViewSpec(64, 2, 256)) for _ in range(count)]


def draw_photo(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A photo of boxes, uint8 120x160x3."""
    rows, columns = np.mgrid[0:120, 0:160]
    slope = rng.uniform(-0.8, 0.8, 2)
    pixels = (
        np.full((120, 160, 3), rng.uniform(40, 200, 3)) + (slope[0] * rows + slope[1] * columns)[..., None]
    )
    for _ in range(12):
        top, left = rng.integers(0, (100, 140))
        height, width = rng.integers(5, 50, 2)
        pixels[top : top + height, left : left + width] = rng.uniform(0, 255, 3)
    return np.clip(pixels + rng.normal(0, rng.uniform(0, 20), pixels.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def tiny_net() -> QualityNet:
    """A small model with random weights."""
    return make_tiny_net()


@pytest.fixture(scope="session")
def plain_net() -> QualityNet:
    """The same without categories, and with attributes that two heads give in turns."""
    return make_tiny_net(("exposure", "sharpness", "color", "noise"), ())


def make_once(name: str, make: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `make` gives; of the processes that share this run of pytest, only the first calls it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return make()
    from filelock import FileLock  # torch brings it

    path = tmp_path_factory.getbasetemp().parent / f"{name}.pickle"
    with FileLock(path.with_suffix(".lock")):
        if not path.is_file():
            path.write_bytes(pickle.dumps(make()))
        return pickle.loads(path.read_bytes())


@pytest.fixture(scope="session")
def artifacts(tiny_net: QualityNet, tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """The small model, exported and quantized."""
    from compression.artifacts import make_artifacts

    def make() -> Artifacts:
        return make_artifacts(tiny_net, STUDENT_SHA256, draw_views(24), draw_views(16, seed=1))

    return make_once("artifacts", make, tmp_path_factory)


@pytest.fixture
def artifacts_folder(artifacts: Artifacts, tmp_path: Path) -> Path:
    """The model files on disk, with a gate report that vouches for them."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    for name, content in artifacts.files.items():
        (folder / name).write_bytes(content)
    (folder / "parity.json").write_text(json.dumps(artifacts.parity.to_dict()))
    (folder / "gates.json").write_text(json.dumps(make_gates(artifacts.files)))
    return folder


@pytest.fixture(scope="session")
def plain_files(plain_net: QualityNet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The model without categories, as float files that know nothing of any, as those of before do."""
    folder = tmp_path_factory.mktemp("plain")
    return make_once("plain", lambda: export_plain(plain_net, folder), tmp_path_factory)


def export_plain(plain_net: QualityNet, folder: Path) -> dict[str, bytes]:
    import onnx

    from export.contract import ModelInfo
    from export.onnx import export_onnx
    from export.tflite import export_tflite

    info = ModelInfo(plain_net.spec, plain_net.attributes, plain_net.embedding, STUDENT_SHA256)
    model = onnx.load(str(export_onnx(plain_net, info, folder / "model.fp32.onnx")))
    kept = [entry for entry in model.metadata_props if entry.key != "edge_iqa.categories"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    tflite = export_tflite(plain_net, info, folder / "model.fp32.tflite")
    return {"model.fp32.onnx": model.SerializeToString(), "model.fp32.tflite": tflite.read_bytes()}


@pytest.fixture
def plain_folder(plain_files: dict[str, bytes], plain_net: QualityNet, tmp_path: Path) -> Path:
    """The files without categories on disk, with a gate report that vouches for them."""
    folder = tmp_path / "plain"
    folder.mkdir()
    for name, content in plain_files.items():
        (folder / name).write_bytes(content)
    in_use = {name.rpartition(".")[2]: name for name in plain_files}
    gates = {**make_gates(plain_files, plain_net.attributes), "in_use": in_use}
    (folder / "gates.json").write_text(json.dumps(gates))
    return folder


@pytest.fixture
def edit_gates(artifacts_folder: Path) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    """Changes the gate report."""

    def edit(change: Callable[[dict[str, Any]], object]) -> None:
        path = artifacts_folder / "gates.json"
        report = json.loads(path.read_text())
        change(report)
        path.write_text(json.dumps(report))

    return edit


def make_gates(files: dict[str, bytes], attributes: tuple[str, ...] = TINY) -> dict[str, Any]:
    """A gate report in which everything holds, as `compression.gates` writes it."""
    held = {"value": 0.98, "low": 0.97, "high": 0.99, "n": 246, "bound": ">= 0.97", "passed": True}
    return {
        "schema": 2,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "passed": True,
        "experimental": True,
        "in_use": {"onnx": "model.int8.onnx", "tflite": "model.int8.tflite"},
        "thresholds": {
            "accept": 0.5,
            "reject": 0.45,
            "attributes": dict.fromkeys(attributes, 0.5),
            "dark_below": 0.4,
        },
        "gates": [
            {"name": "student vs teacher, SRCC", **held},
            {"name": "int8 speed-up (onnx); where it fails float ships", **held},
            {"name": "int8 speed-up (tflite); where it fails float ships", **held},
        ],
        "lineage": {
            "student_sha256": STUDENT_SHA256,
            "teacher_sha256": None,
            "data_sha256": None,
            "recipe": {"student": {"data": "boxes", "teacher": "none", "start": "random weights"}},
        },
    }


@pytest.fixture(scope="session")
def make_views() -> Callable[..., list[NDArray[np.uint8]]]:
    """Draws views of any number of photos, from a seed."""
    return draw_views


@pytest.fixture(scope="session", name="draw_photo")
def draw_photo_fixture() -> Callable[[np.random.Generator], NDArray[np.uint8]]:
    """Draws one photo."""
    return draw_photo


@pytest.fixture(scope="session")
def make_net() -> Callable[..., QualityNet]:
    """Makes small models of other attributes, categories or weights."""
    return make_tiny_net


@pytest.fixture(scope="session")
def make_backbone() -> Callable[[float], tuple[Any, int]]:
    """Makes the convolutional part of the small model, as the registry's entries do."""
    return make_tiny_backbone
