"""Small photos with something in them, drawn by code."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from compression import cut, dataset, labels, metrics, models, scenes
from compression.models import Architecture, build
from compression.models.weights import save
from edge_iqa.views import ViewSpec
from tests.compression.small_workshop import StandInReference

_RESAMPLES = 60


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    """One drawn product photo, uint8 256x320x3, RGB: a printed carton in a room."""
    return scenes.draw(16, height_px=256, width_px=320).pixels


@pytest.fixture(scope="session")
def three_photos() -> list[np.ndarray]:
    """A jar on a table, a mug on white, a carton in a room; uint8 160x200x3, RGB."""
    return [scenes.draw(seed, height_px=160, width_px=200).pixels for seed in (0, 3, 16)]


@pytest.fixture(scope="session")
def photos_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 10 drawn photos: 6 train, 2 val, 2 test."""
    folder = tmp_path_factory.mktemp("photos")
    splits = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
    with (folder / "photos.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "split", "group"])
        for seed, split in enumerate(splits):
            name = f"{seed}.png"
            Image.fromarray(scenes.draw(seed, height_px=112, width_px=128).pixels).save(folder / name)
            writer.writerow([name, split, f"scene-{seed}"])
    return folder / "photos.csv"


@pytest.fixture(scope="module")
def one_process() -> Iterator[None]:
    """Render and label here: starting processes would take longer than these few photos."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "cores", lambda: 1)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def small_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained ResNet-18 that looks at views of 64 px, one of them a detail."""
    torch.manual_seed(1)
    net = build("resnet18", spec=ViewSpec(64, 1, 256))
    return save(net, tmp_path_factory.mktemp("teacher") / "teacher.safetensors")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Layers this small take longer to share among threads than to compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def few_steps() -> Iterator[None]:
    """A cut takes four times as much with each step, and is made in a quarter of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "_STEPS", 20)
        yield


@pytest.fixture(scope="module")
def tiny_is_known(make_backbone: Callable, one_process: None, one_thread: None) -> Iterator[None]:
    """The small net can be loaded from a checkpoint, and labels cost little."""
    with pytest.MonkeyPatch.context() as patch:
        entry = Architecture(make_backbone)
        patch.setitem(models.REGISTRY, "tiny", entry)
        patch.setattr(labels, "Reference", StandInReference)
        for estimate, defaults in (
            (metrics.estimate_srcc, 2),
            (metrics.estimate_share, 2),
            (metrics.bootstrap, 1),
        ):
            patch.setattr(estimate, "__defaults__", (0, _RESAMPLES)[-defaults:])
        yield


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a recipe."""

    def write(text: str) -> Path:
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return path

    return write
