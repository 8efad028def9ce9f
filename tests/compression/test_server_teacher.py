"""A server model scores here as torchvision scores it; whatever does not fit is refused by name."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from compression.models.server import ServerTeacher, load_server_teacher
from compression.torchvision_compat import models
from edge_iqa.errors import CheckpointError
from edge_iqa.views import ViewSpec

SPEC = ViewSpec(64, 2, 256)
HEADS = {"regression": 1, "two-class": 2, "ten-bin": 10}
State = dict[str, Tensor]


def random_views(batch: int = 2) -> Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (batch, *SPEC.shape), np.uint8))


@cache
def server_model(depth: int = 18, outputs: int = 1) -> nn.Module:
    """torchvision's own, with batch norms that do something and outputs that spread over 0-1."""
    torch.manual_seed(depth + outputs)
    net = models.get_model(f"resnet{depth}", num_classes=outputs)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return net.eval().requires_grad_(False)


def server_state(depth: int = 18, outputs: int = 1) -> State:
    return dict(server_model(depth, outputs).state_dict())


def answer(net: nn.Module, views: Tensor) -> np.ndarray:
    """What torchvision says of the whole photos, normalized as its own weights ask for."""
    asked = models.ResNet18_Weights.IMAGENET1K_V1.transforms()
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (asked.mean, asked.std))
    return net((views[:, 0].permute(0, 3, 1, 2) / 255 - mean) / std).double().numpy()


def save_pt(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def softmax(raw: np.ndarray) -> np.ndarray:
    return np.exp(raw) / np.exp(raw).sum(1, keepdims=True)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("depth", [18, 50])
def test_scores_are_torchvisions_own_answer_to_the_whole_photo(depth: int, head: str, tmp_path: Path) -> None:
    net, views = server_model(depth, HEADS[head]), random_views()
    path = tmp_path / "server.safetensors"
    safetensors.torch.save_file(server_state(depth, HEADS[head]), path)
    raw = answer(net, views)
    low, high = (float(raw.min()) - 1, float(raw.max()) + 2) if head == "regression" else (0.0, 1.0)
    teacher, sha256 = load_server_teacher(path, (low, high))
    expected = {
        "regression": lambda: (raw[:, 0] - low) / (high - low),
        "two-class": lambda: softmax(raw)[:, 1],
        "ten-bin": lambda: ((softmax(raw) * np.arange(1, 11)).sum(1) - 1) / 9,
    }[head]()
    out = teacher(views)
    np.testing.assert_allclose(out.scores.numpy()[:, 0], expected, atol=1e-5)
    assert (teacher.architecture, teacher.head) == (f"resnet{depth}", head)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_outputs_have_the_contract_s_shapes_and_ranges(tmp_path: Path) -> None:
    teacher, _ = load_server_teacher(save_pt(server_state(), tmp_path / "server.pt"))
    features = teacher.look(random_views())
    out = teacher.judge(features)
    assert features.shape == (2, teacher.embedding) == (2, 512)
    assert out.scores.shape == (2, 1) and out.embedding.shape == (2, 512) and out.category.shape == (2, 0)
    assert features.dtype == out.scores.dtype == out.embedding.dtype == torch.float32
    torch.testing.assert_close(out.embedding.norm(dim=1), torch.ones(2))
    assert teacher.attributes == teacher.categories == ()
    assert not teacher.training and not any(each.requires_grad for each in teacher.parameters())


def test_the_embedding_points_where_torchvisions_pooled_features_do(tmp_path: Path) -> None:
    net, views, seen = server_model(), random_views(), []
    hook = net.avgpool.register_forward_hook(lambda _net, _in, out: seen.append(out.flatten(1)))
    answer(net, views)
    hook.remove()
    teacher, _ = load_server_teacher(save_pt(server_state(), tmp_path / "server.pt"))
    cosines = nn.functional.cosine_similarity(teacher(views).embedding, seen[0])
    torch.testing.assert_close(cosines, torch.ones(2))


def test_the_whole_photo_is_looked_at_and_the_details_are_not(tmp_path: Path) -> None:
    teacher, _ = load_server_teacher(save_pt(server_state(), tmp_path / "server.pt"))
    views, other = random_views(), random_views()
    other[:, 1:] //= 4
    torch.testing.assert_close(teacher.look(other), teacher.look(views), rtol=0, atol=0)
    other[:, 0] //= 4
    assert not torch.allclose(teacher.look(other), teacher.look(views), rtol=1e-2, atol=0)


def test_a_regression_is_clipped_to_its_range_and_may_run_downwards(tmp_path: Path) -> None:
    state = server_state()
    state["fc.weight"] = torch.zeros(1, 512)
    path = tmp_path / "server.pt"
    for raw, output_range, score in (
        (3.0, (1.0, 5.0), 0.5),
        (7.0, (1.0, 5.0), 1.0),
        (-7.0, (1.0, 5.0), 0.0),
        (20.0, (100.0, 0.0), 0.8),
        (0.25, (0.0, 1.0), 0.25),
    ):
        state["fc.bias"] = torch.tensor([raw])
        teacher, _ = load_server_teacher(save_pt(state, path), output_range)
        assert teacher(random_views(1)).scores.item() == pytest.approx(score)


@pytest.mark.parametrize("output_range", [(1.0, 1.0), (0.0, float("inf")), (float("nan"), 1.0)])
def test_an_empty_or_endless_range_is_refused(output_range: tuple[float, float], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="output range"):
        load_server_teacher(save_pt(server_state(), tmp_path / "server.pt"), output_range)


def test_a_range_is_never_silently_ignored_by_a_head_that_has_its_own(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ten-bin"):
        load_server_teacher(save_pt(server_state(18, 10), tmp_path / "server.pt"), (1.0, 10.0))


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "backbone.", "module.model.encoder."])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_a_prefix_and_a_wrapper_change_nothing(prefix: str, wrapper: str | None, tmp_path: Path) -> None:
    state: object = {prefix + key: value for key, value in server_state().items()}
    content = {wrapper: state, "epoch": 3} if wrapper else state
    teacher, _ = load_server_teacher(save_pt(content, tmp_path / "server.pth"))
    for key, value in server_state().items():
        where = teacher if key.startswith("fc.") else teacher.backbone
        assert torch.equal(where.state_dict()[key], value)


def test_half_precision_and_old_files_without_batch_counters_are_read(tmp_path: Path) -> None:
    state = {
        key: value.half() for key, value in server_state().items() if not key.endswith("num_batches_tracked")
    }
    teacher, _ = load_server_teacher(save_pt(state, tmp_path / "server.pt"), (-5.0, 5.0))
    whole, _ = load_server_teacher(save_pt(server_state(), tmp_path / "whole.pt"), (-5.0, 5.0))
    views = random_views()
    torch.testing.assert_close(teacher(views).scores, whole(views).scores, atol=2e-3, rtol=0)


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_the_depth_is_found_from_the_keys(depth: int, tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = models.get_model(f"resnet{depth}", num_classes=10).state_dict()
    # one number a tensor: the file stays small
    state = {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in shapes.items()}
    teacher, _ = load_server_teacher(save_pt(state, tmp_path / "server.pt"))
    assert teacher.architecture == f"resnet{depth}"
    assert teacher.embedding == (512 if depth < 50 else 2048)


def without(key: str) -> Callable[[State], object]:
    return lambda state: {each: value for each, value in state.items() if each != key}


def replaced(key: str, value: object) -> Callable[[State], object]:
    return lambda state: {**state, key: value}


NAN = torch.full((64,), float("nan"))
BAD = {
    "a missing weight": (without("layer2.0.conv1.weight"), "missing layer2.0.conv1.weight"),
    "a missing first block": (without("layer1.0.conv1.weight"), "missing layer1.0.conv1.weight"),
    "a missing head": (without("fc.weight"), "missing fc.weight"),
    "a head without bias": (without("fc.bias"), "missing fc.bias"),
    "an extra key": (replaced("neck.weight", torch.zeros(1)), "unknown neck.weight"),
    "a wrong shape": (
        replaced("conv1.weight", torch.zeros(64, 1, 7, 7)),
        r"conv1.weight: expected shape \(64, 3, 7, 7\), got \(64, 1, 7, 7\)",
    ),
    "a head of no dimension": (
        replaced("fc.weight", torch.tensor(1.0)),
        r"expected shape \(1, 512\), got \(\)",
    ),
    "an ImageNet classifier": (
        replaced("fc.weight", torch.zeros(1000, 512)),
        r"1 \(regression\), 2 \(two-class\), 10 \(ten-bin\).*1000 outputs.*ImageNet classifier is no quality",
    ),
    "another width": (replaced("fc.weight", torch.zeros(5, 512)), "10 .*got 5 outputs$"),
    "NaN": (replaced("bn1.running_mean", NAN), "bn1.running_mean: expected finite"),
    "infinity": (replaced("bn1.weight", NAN.nan_to_num(float("inf"))), "bn1.weight: expected finite"),
    "a number too large for float32": (
        replaced("bn1.weight", torch.full((64,), 1e300, dtype=torch.float64)),
        "bn1.weight: expected finite",
    ),
    "bare int8": (replaced("bn1.weight", torch.ones(64, dtype=torch.int8)), "torch.float32, got torch.int8"),
    "a sparse tensor": (replaced("bn1.weight", torch.ones(64).to_sparse()), "bn1.weight: expected dense"),
    "a tensor without data": (replaced("bn1.weight", torch.ones(64, device="meta")), "bn1.weight: .*meta"),
    "an unknown depth": (
        lambda state: {key: value for key, value in state.items() if not key.startswith("layer3.1.")},
        r"18: \(2, 2, 2, 2\) basic.*got \(2, 2, 1, 2\) basic",
    ),
    "another architecture": (
        lambda _: {"features.0.weight": torch.zeros(1)},
        "ResNet .*got features.0.weight",
    ),
    "nothing": (lambda _: {}, "ResNet .*got none"),
    "two models": (
        lambda state: {f"{name}.{key}": value for name in ("ema", "net") for key, value in state.items()},
        r"several \(ema., net.\)",
    ),
    "a key outside the prefix": (
        lambda state: {"head.weight": torch.zeros(1), **{f"net.{key}": state[key] for key in state}},
        "begin with 'net.', got head.weight",
    ),
    "no tensor": (replaced("epoch", 3), "'epoch': int"),
    "a number for a key": (lambda _: {3: torch.zeros(1)}, "3: Tensor"),
    "a list": (lambda state: list(state.values()), "got list"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_does_not_fit_is_refused_by_name(name: str, tmp_path: Path) -> None:
    spoil, message = BAD[name]
    path = save_pt(spoil(server_state()), tmp_path / "server.pt")
    with pytest.raises(CheckpointError, match=rf"{re.escape(str(path))}: .*{message}"):
        load_server_teacher(path)


def test_a_wide_resnet_is_no_resnet_50(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = models.wide_resnet50_2(num_classes=1).state_dict()
    state = {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in shapes.items()}
    with pytest.raises(CheckpointError, match=r"layer1.0.conv1.weight: expected shape \(64, 64, 1, 1\)"):
        load_server_teacher(save_pt(state, tmp_path / "server.pt"))


class Code:
    """Touches a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return Path.touch, (str(self.marker),)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_a_pickle_of_code_never_runs(suffix: str, protocol: int, tmp_path: Path) -> None:
    code, path = Code(tmp_path / "ran"), tmp_path / f"server{suffix}"
    for blob in (pickle.dumps(code, protocol), pickle.dumps({"conv1.weight": code}, protocol)):
        path.write_bytes(blob)
        with pytest.raises(CheckpointError, match="tensors alone"):
            load_server_teacher(path)
    torch.save({"state_dict": server_state(), "x": code}, path, pickle_protocol=protocol)
    with pytest.raises(CheckpointError, match="tensors alone"):
        load_server_teacher(path)
    assert not code.marker.exists()


def test_a_whole_module_is_named_and_nobody_is_told_to_unpickle_it(tmp_path: Path) -> None:
    path = tmp_path / "server.pt"
    scripted = torch.jit.trace(nn.Linear(1, 1), torch.zeros(1, 1))
    for write, name in (
        (lambda: torch.save(server_model(), path), r"torchvision\.models\.resnet\.ResNet"),
        (lambda: torch.jit.save(scripted, path), "TorchScript"),
    ):
        write()
        with pytest.raises(CheckpointError, match=rf"got .*{name}.*state_dict\(\)") as caught:
            load_server_teacher(path)
        assert "False" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damaged_files_are_refused_wherever_they_are_cut(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"server{suffix}"
    buffer = io.BytesIO()
    torch.save(server_state(), buffer)
    whole = buffer.getvalue() if suffix == ".pt" else safetensors.torch.save(server_state())
    for blob in (b"", b"hello world, I am text", b"\xff\xd8\xff" * 99, whole[:100], whole[: len(whole) // 2]):
        path.write_bytes(blob)
        with pytest.raises(CheckpointError, match=re.escape(str(path))):
            load_server_teacher(path)


@pytest.mark.parametrize("name", ["none.pt", "folder.pt", "server.onnx", "server"])
def test_what_is_no_file_or_has_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.pt").mkdir()
    for other in ("server.onnx", "server"):
        (tmp_path / other).write_bytes(b"x")
    with pytest.raises(CheckpointError, match=rf"{re.escape(name)}: expected .*\.safetensors, \.pt, \.pth"):
        load_server_teacher(tmp_path / name)


def test_another_number_of_outputs_is_refused_at_construction() -> None:
    with pytest.raises(ValueError, match="got 3"):
        ServerTeacher("resnet18", models.resnet18(num_classes=3))
