"""Models keep the contract of the device; checkpoints round-trip and are never trusted."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from compression.models import ATTRIBUTES, REGISTRY, build
from compression.models.heads import QualityNet
from compression.models.server import ServerTeacher
from compression.models.weights import FORMAT, load, load_teacher, save, start_from_imagenet
from compression.torchvision_compat import models
from edge_iqa.errors import CheckpointError
from edge_iqa.views import ViewSpec

SPEC = ViewSpec(64, 2, 256)


def random_views(batch: int = 2) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (batch, *SPEC.shape), np.uint8))


@pytest.mark.parametrize("architecture", sorted(REGISTRY))
def test_outputs_have_the_contract_s_shapes_and_ranges(architecture: str) -> None:
    net = build(architecture, ("sharpness", "exposure", "noise"), 16, SPEC, ("shoe", "mug")).eval()
    scores, embedding, category = net(random_views())
    assert scores.shape == (2, 4) and embedding.shape == (2, 16) and category.shape == (2, 2)
    assert scores.dtype == embedding.dtype == category.dtype == torch.float32
    assert (scores >= 0).all() and (scores <= 1).all()
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))


def test_order_of_details_does_not_matter_but_the_global_view_does() -> None:
    torch.manual_seed(0)  # a ResNet: random MobileNets hardly react
    net = build("resnet18", ATTRIBUTES, 8, SPEC).eval()
    views = random_views(1)
    views[:, 0] //= 8  # a dark whole, and bright details
    out = net(views)
    for swapped, same in zip(net(views[:, [0, 2, 1]]), out, strict=True):
        torch.testing.assert_close(swapped, same)
    mixed = net(views[:, [1, 0, 2]])
    assert ((mixed.scores - out.scores).abs() > 1e-5).all()
    assert not torch.allclose(mixed.embedding, out.embedding, rtol=1e-2, atol=1e-3)


STUDENTS = sorted(name for name in REGISTRY if not name.startswith("resnet"))


@pytest.mark.parametrize("architecture", STUDENTS)
def test_width_makes_a_student_narrower(architecture: str) -> None:
    def parameters(width: float) -> int:
        net = build(architecture, spec=SPEC, width=width)
        assert net.width == width and net(random_views()).scores.shape == (2, 1 + len(ATTRIBUTES))
        return sum(each.numel() for each in net.backbone.parameters())

    assert parameters(0.5) < 0.6 * parameters(1.0)


def test_a_resnet_has_one_width() -> None:
    with pytest.raises(ValueError, match="width"):
        build("resnet18", width=0.5)


# what a buyer sees only close up, and what only in the whole: the table of the requirement, not of the code
CLOSE_UP = ("sharpness", "noise", "detail")
IN_THE_WHOLE = ("exposure", "contrast", "color")


def moved_scores(attributes: tuple[str, ...], view: slice) -> set[str]:
    """Names of the outputs that move when the features of these views change."""
    torch.manual_seed(0)
    net = build("mobilenet_v3_small_relu6", attributes, 8, SPEC).eval()
    features = net.look(random_views())
    other = features.clone()
    other[:, view] += torch.rand_like(other[:, view])
    moved = (net.judge(other).scores != net.judge(features).scores).any(0)
    return {name for name, each in zip(("overall", *attributes), moved, strict=True) if each}


@pytest.mark.parametrize("attributes", [ATTRIBUTES, ATTRIBUTES[::-1], ("color", "noise")])
def test_split_fusion_reads_each_attribute_from_the_views_that_show_it(attributes: tuple[str, ...]) -> None:
    details, whole = slice(1, None), slice(0, 1)
    assert moved_scores(attributes, details) == {"overall", *CLOSE_UP} & {"overall", *attributes}
    assert moved_scores(attributes, whole) == {"overall", *IN_THE_WHOLE} & {"overall", *attributes}


@pytest.mark.parametrize(
    ("fusion", "reads"),
    [("concat", (True, True)), ("details", (False, True)), ("whole", (True, False))],
)
def test_other_fusions_read_what_their_name_says(fusion: str, reads: tuple[bool, bool]) -> None:
    torch.manual_seed(0)
    net = build("mobilenet_v3_small_relu6", ATTRIBUTES, 8, SPEC, fusion=fusion).eval()
    features = net.look(random_views())
    for view, read in zip((slice(0, 1), slice(1, None)), reads, strict=True):
        other = features.clone()
        other[:, view] += torch.rand_like(other[:, view])
        moved = (net.judge(other).scores != net.judge(features).scores).any(0)
        assert moved.tolist() == [read] * len(moved)


def test_without_details_every_attribute_is_read_from_the_whole() -> None:
    net = build("mobilenet_v2", ATTRIBUTES, 8, ViewSpec(64, 0, 256)).eval()
    assert net(random_views()[:, :1]).scores.isfinite().all() and net.fusion == "whole"


def test_tones_see_colors_and_not_where_they_are() -> None:
    """Shuffled patches have the same tones; another brightness has others."""
    views = random_views()
    size = views.shape[2]
    patches = views.unfold(2, 4, 4).unfold(3, 4, 4).flatten(2, 3)
    shuffled = patches[:, :, torch.randperm(patches.shape[2], generator=torch.Generator().manual_seed(0))]
    shuffled = shuffled.unflatten(2, (size // 4, size // 4)).permute(0, 1, 2, 5, 3, 6, 4)
    shuffled = shuffled.reshape(views.shape)
    net = build("mobilenet_v3_small_relu6", ATTRIBUTES, 8, SPEC).eval()
    tones, same, darker = (net.look(each)[..., -64:] for each in (views, shuffled, views // 2))
    assert (views != shuffled).any()
    torch.testing.assert_close(same, tones)
    assert (darker - tones).abs().max() > 0.1


@pytest.mark.parametrize(("width", "size_px"), [(0.35, 32), (0.35, 224), (1.0, 64), (1.25, 32)])
@pytest.mark.parametrize("architecture", STUDENTS)
def test_students_take_views_of_any_size(architecture: str, width: float, size_px: int) -> None:
    net = build(architecture, spec=ViewSpec(size_px, 1, 256), width=width).eval()
    with torch.no_grad():
        scores = net(torch.zeros((1, *net.spec.shape), dtype=torch.uint8)).scores
    assert scores.isfinite().all()


@pytest.mark.parametrize("architecture", [name for name in STUDENTS if name != "mobilenet_v2"])
def test_no_student_has_a_hard_swish(architecture: str) -> None:
    kinds = {type(layer) for layer in build(architecture, spec=SPEC).modules()}
    assert torch.nn.ReLU6 in kinds and torch.nn.Hardswish not in kinds


def test_a_student_without_imagenet_weights_says_so() -> None:
    with pytest.raises(ValueError, match="patchnet has no ImageNet weights"):
        start_from_imagenet(build("patchnet", spec=SPEC), None)


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_mobilenet_v3_takes_torchvisions_weights_and_differs_in_its_activation_alone(
    size: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    reference = models.get_model(f"mobilenet_v3_{size}").eval()
    state = {key: value.numpy() for key, value in reference.state_dict().items()}
    np.savez(tmp_path / f"mobilenet_v3_{size}_imagenet.npz", **state)
    net = build(f"mobilenet_v3_{size}_relu6", spec=SPEC).eval()
    assert "anew" not in start_from_imagenet(net, tmp_path)
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert not torch.allclose(net.backbone(x), reference.features(x), rtol=1e-2, atol=1e-9)
        for name, layer in list(reference.features.named_modules()):
            if isinstance(layer, torch.nn.Hardswish):
                reference.features.set_submodule(name, torch.nn.ReLU6())
        torch.testing.assert_close(net.backbone(x), reference.features(x))


def test_an_unknown_fusion_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="split, concat"):
        build("mobilenet_v2", fusion="sum")


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


@pytest.mark.parametrize("architecture", STUDENTS)
def test_a_checkpoint_builds_the_same_model_again(architecture: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = build(architecture, ("color", "noise"), 8, SPEC, ("shoe", "mug"), 0.5, "concat").eval()
    again, _ = load(save(net, tmp_path / "net.safetensors"))
    assert (again.categories, again.width, again.fusion) == (("shoe", "mug"), 0.5, "concat")
    for ours, theirs in zip(again(random_views()), net(random_views()), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_damaged_missing_or_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    path = save(build("mobilenet_v2", ("noise",), 8, SPEC), tmp_path / "net.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="could not read"):
        load(path)
    with pytest.raises(CheckpointError, match="could not read"):
        load(tmp_path / "none.safetensors")
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


def test_a_teacher_of_ours_and_a_server_model_come_in_through_one_door(tmp_path: Path) -> None:
    ours = save(build("mobilenet_v2", ("noise",), 8, SPEC), tmp_path / "ours.safetensors")
    teacher, sha256 = load_teacher(ours)
    assert isinstance(teacher, QualityNet) and teacher.attributes == ("noise",)
    assert sha256 == hashlib.sha256(ours.read_bytes()).hexdigest()
    assert not teacher.training and not any(each.requires_grad for each in teacher.parameters())
    state = models.resnet18(num_classes=1).state_dict()
    torch.save(state, tmp_path / "server.pt")
    safetensors.torch.save_file(state, tmp_path / "server.safetensors", {"format": "pt"})
    for name in ("server.pt", "server.safetensors"):
        teacher, _ = load_teacher(tmp_path / name, (1.0, 5.0))
        assert isinstance(teacher, ServerTeacher) and teacher.output_range == (1.0, 5.0)


def test_an_output_range_for_a_model_of_ours_is_refused(tmp_path: Path) -> None:
    path = save(build("mobilenet_v2", ("noise",), 8, SPEC), tmp_path / "ours.safetensors")
    with pytest.raises(ValueError, match="output range"):
        load_teacher(path, (1.0, 5.0))


def test_a_teacher_of_another_version_of_ours_is_named_as_such(tmp_path: Path) -> None:
    safetensors.torch.save_file(
        {"x": torch.zeros(1)}, tmp_path / "old.safetensors", {"format": "edge-iqa-model-1"}
    )
    with pytest.raises(CheckpointError, match=f"expected format '{FORMAT}', got 'edge-iqa-model-1'"):
        load_teacher(tmp_path / "old.safetensors")


@pytest.mark.parametrize("name", ["none.safetensors", "none.pt", "folder.safetensors", "damaged.safetensors"])
def test_a_missing_or_damaged_teacher_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "damaged.safetensors").write_bytes(b"x" * 99)
    with pytest.raises(CheckpointError, match=name):
        load_teacher(tmp_path / name)


def test_an_unknown_architecture_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="mobilenet_v2"):
        build("vgg")
