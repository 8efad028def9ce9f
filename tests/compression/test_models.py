"""Models keep the contract of the device; checkpoints round-trip and are never trusted."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from compression.models import REGISTRY, build
from compression.models.weights import load, load_teacher, save, start_from_imagenet
from compression.torchvision_compat import models
from edge_iqa.errors import CheckpointError
from edge_iqa.views import ViewSpec

SPEC = ViewSpec(64, 2, 256)


def random_views(batch: int = 2) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (batch, *SPEC.shape), np.uint8))


@pytest.mark.parametrize("architecture", sorted(REGISTRY))
def test_outputs_have_the_contract_s_shapes_and_ranges(architecture: str) -> None:
    net = build(architecture, ("sharpness", "noise"), 16, SPEC).eval()
    scores, embedding = net(random_views())
    assert scores.shape == (2, 3) and embedding.shape == (2, 16)
    assert scores.dtype == embedding.dtype == torch.float32
    assert (scores >= 0).all() and (scores <= 1).all()
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))


def test_order_of_details_does_not_matter_but_the_global_view_does() -> None:
    net = build("mobilenet_v2", ("sharpness",), 8, SPEC).eval()
    views = random_views(1)
    views[:, 0] //= 8  # a dark whole, and bright details
    scores = net(views)[0]
    torch.testing.assert_close(net(views[:, [0, 2, 1]])[0], scores)
    # random weights hardly react in their scores, so the features are looked at
    assert not torch.allclose(net.fuse(views[:, [1, 0, 2]]), net.fuse(views), rtol=1e-2, atol=0)


def test_a_folder_of_starting_weights_gives_torchvisions_own_features(tmp_path: Path) -> None:
    torch.manual_seed(0)
    reference = models.mobilenet_v2().eval()
    state = {key: value.numpy() for key, value in reference.state_dict().items()}
    np.savez(tmp_path / "mobilenet_v2_imagenet.npz", **state)
    net = build("mobilenet_v2", spec=SPEC).eval()
    assert "anew" not in start_from_imagenet(net, tmp_path)
    x = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(net.backbone(x), reference.features(x))


def test_partial_starting_weights_say_how_much_is_new(tmp_path: Path) -> None:
    state = {key: value.numpy() for key, value in models.resnet18().state_dict().items()}
    kept = {key: value for key, value in state.items() if not key.startswith("layer4.1.conv")}
    np.savez(tmp_path / "resnet18_imagenet_partial.npz", **kept)
    assert "2 layers trained anew" in start_from_imagenet(build("resnet18", spec=SPEC), tmp_path)


def test_half_precision_checkpoint_round_trips_within_its_digits(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = build("mobilenet_v2", ("noise",), 8, SPEC).eval()
    again, meta = load(save(net, tmp_path / "net.safetensors", {"run": {"data": "x"}}, half=True))
    assert meta["run"] == {"data": "x"} and again.spec == SPEC and again.attributes == ("noise",)
    torch.testing.assert_close(again(random_views())[0], net(random_views())[0], atol=2e-3, rtol=0)


def test_damaged_missing_or_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    path = save(build("mobilenet_v2", ("noise",), 8, SPEC), tmp_path / "net.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="could not read"):
        load(path)
    with pytest.raises(CheckpointError, match="could not read"):
        load(tmp_path / "none.safetensors")
    import safetensors.torch

    safetensors.torch.save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="expected format"):
        load(tmp_path / "foreign.safetensors")


def test_a_teacher_that_is_a_pickle_of_code_is_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return (Path.touch, (str(marker),))

    (tmp_path / "server.pt").write_bytes(pickle.dumps(Evil()))
    torch.save({"weights": Evil()}, tmp_path / "zip.pt")
    for name in ("server.pt", "zip.pt"):
        with pytest.raises(CheckpointError, match="tensors alone"):
            load_teacher(tmp_path / name)
    assert not marker.exists()


def test_an_unknown_architecture_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="mobilenet_v2"):
        build("vgg")
