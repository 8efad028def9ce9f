"""Pruning takes out what matters least, keeps the contract, and what is left goes through a checkpoint."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from compression.cut import count_macs, cut
from compression.distill_options import REFERENCE
from compression.models import build, with_outputs
from compression.models.heads import QualityNet
from compression.models.weights import FORMAT, load, save
from edge_iqa.errors import CheckpointError
from edge_iqa.views import ViewSpec

pytestmark = pytest.mark.usefixtures("one_thread", "few_steps")

SPEC = ViewSpec(32, 1, 256)


@pytest.fixture
def net() -> QualityNet:
    torch.manual_seed(0)
    return build("mobilenet_v2", spec=SPEC, categories=("box", "mug"), width=0.35).eval()


def views(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (2, *SPEC.shape), dtype=torch.uint8, generator=generator)


def give_gradients(net: QualityNet) -> None:
    net.requires_grad_(True)
    out = net(views())
    (out.scores.square().sum() + out.embedding[:, ::2].sum() + out.category[:, 0].sum()).backward()


def silence_half_of_the_hidden_channels(net: QualityNet) -> dict[str, int]:
    """Zero every second hidden channel of each block; returns how many are left, by layer."""
    left = {}
    for name, block in net.backbone.named_children():
        if not hasattr(block, "conv") or len(block.conv) != 4:
            continue
        expand, depthwise, project = block.conv[0], block.conv[1], block.conv[2]
        with torch.no_grad():
            for layer in (expand[0], expand[1], depthwise[0], depthwise[1]):
                layer.weight[::2] = 0
            for norm in (expand[1], depthwise[1]):
                norm.bias[::2] = 0
            project.weight[:, ::2] = 0
        left[name] = expand[0].out_channels // 2
    return left


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("importance", ["magnitude", "taylor"])
def test_a_cut_model_is_as_small_as_asked_and_keeps_the_contract(
    net: QualityNet, importance: str, scope: str
) -> None:
    shapes = [each.shape for each in net(views())]
    whole = count_macs(net)
    give_gradients(net)
    left = cut(net, 0.6, importance, scope)
    assert left == pytest.approx(count_macs(net) / whole) and 0.4 < left <= 0.6
    assert [each.shape for each in net(views())] == shapes
    widths = {layer.out_channels for layer in net.backbone.modules() if isinstance(layer, nn.Conv2d)}
    assert all(width % 8 == 0 for width in widths)


@pytest.mark.parametrize(("importance", "most"), [("magnitude", 1e-4), ("taylor", 0.01)])
def test_channels_that_do_nothing_go_first_and_little_is_lost(importance: str, most: float) -> None:
    """Taylor also takes channels that were silent on the photos it saw, and may not be on others."""
    net, _ = load(REFERENCE / "student.safetensors")  # a trained one: random ones hardly react to anything
    net.spec = SPEC
    left = silence_half_of_the_hidden_channels(net)
    before = net(views(1)).scores
    give_gradients(net)
    cut(net, 0.8, importance, "global")
    widths = {name: net.backbone.get_submodule(name).conv[0][0].out_channels for name in left}
    assert all(widths[name] <= left[name] for name in left)
    assert (net(views(1)).scores - before).abs().max() < most


def test_a_cut_model_comes_back_from_its_checkpoint(net: QualityNet, tmp_path: Path) -> None:
    cut(net, 0.5, "magnitude", "layer")
    again, _ = load(save(net, tmp_path / "net.safetensors"))
    for now, then in zip(again(views()), net(views()), strict=True):
        torch.testing.assert_close(now, then)
    other = with_outputs(again, ("shoe", "hat", "lamp")).eval()
    assert other(views()).category.shape == (2, 3)
    torch.testing.assert_close(other(views()).scores, net(views()).scores)


def test_a_share_of_the_whole_is_told_as_one_and_what_is_small_enough_stays(net: QualityNet) -> None:
    whole = count_macs(net)
    cut(net, 0.85, "magnitude", "layer")
    narrow = cut(net, 0.7, "magnitude", "layer", whole=whole)
    assert narrow == pytest.approx(count_macs(net) / whole) and 0.6 < narrow <= 0.7
    assert cut(net, narrow + 0.05, "magnitude", "layer", whole=whole) == narrow
    assert count_macs(net) / whole == pytest.approx(narrow)


def test_a_cut_for_size_counts_weights_and_lets_the_first_blocks_be(net: QualityNet) -> None:
    whole = deepcopy(net)
    left = cut(net, 0.6, "magnitude", "layer", of="parameters", first_block=11)
    counts = [sum(each.numel() for each in model.parameters()) for model in (net, whole)]
    assert left == pytest.approx(counts[0] / counts[1]) and 0.5 < left <= 0.6
    before, after = ([*model.backbone.children()] for model in (whole, net))
    for old, new in zip(before[:11], after[:11], strict=True):
        for one, other in zip(old.parameters(), new.parameters(), strict=True):
            assert torch.equal(one, other)
    assert sum(p.numel() for p in after[17].parameters()) < sum(p.numel() for p in before[17].parameters())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"share": 1.0}, "between 0 and 1"),
        (
            {"share": 0.01},
            r"asked for 0.01 of .* whole student, where 0\.[1-4]\d is the least; .* smaller",
        ),
        ({"importance": "luck"}, "expected one of magnitude, taylor"),
        ({"importance": "taylor"}, "no gradients"),
        ({"scope": "block"}, "expected one of global, layer"),
        ({"of": "bytes"}, "expected one of macs, parameters"),
    ],
)
def test_a_cut_that_cannot_be_says_what_was_expected(net: QualityNet, change: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cut(net, **{"share": 0.5, **change})


@pytest.mark.parametrize(
    ("key", "shape", "says"),
    [
        ("backbone.2.conv.0.0.weight", (9999, 8, 1, 1), "at most"),
        ("backbone.2.conv.0.0.weight", (8, 8, 1, 1), "do not fit each other"),
        ("backbone.2.conv.0.0.weight", (8, 8, 3, 3), "at most"),
        ("rest_head.first.weight", (0, 4), "at most"),
        ("embedding_head.weight", None, "missing"),
    ],
)
def test_a_checkpoint_whose_layers_make_no_model_is_refused(
    net: QualityNet, tmp_path: Path, key: str, shape: tuple[int, ...] | None, says: str
) -> None:
    path = save(net, tmp_path / "net.safetensors")
    with safetensors.safe_open(path, "pt") as stream:
        header = stream.metadata()
        state = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
    if shape is None:
        del state[key]
    else:
        state[key] = torch.zeros(shape)
    assert header["format"] == FORMAT
    safetensors.torch.save_file(state, path, header)
    with pytest.raises(CheckpointError, match=says):
        load(path)
