"""A student that learns in int8 steps: what it computes, how it comes back, and that int8 costs it less."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compression import training
from compression.artifacts import make_quantizer
from compression.batches import Batch
from compression.equalize import equalize
from compression.fake_int8 import FakeInt8, put_back
from compression.models.heads import Outputs, QualityNet
from compression.objective import Weights
from compression.search import Trial, compare_outputs, run_all
from compression.train_config import TrainConfig
from export import parity
from export.contract import ModelInfo
from export.onnx import export_onnx

pytestmark = pytest.mark.usefixtures("one_thread")

ONLY_SCORES = Weights(score=1, rank=0, difference=0, feature=0, category=0, copy=0, embedding=0, label=0)


@pytest.fixture
def make_net(tiny_net: QualityNet) -> Callable[[], QualityNet]:
    return lambda: copy.deepcopy(tiny_net)


def spoil(net: QualityNet, factor: float) -> QualityNet:
    """The same function, but three channels that evening out cannot reach take nearly all int8 steps."""
    norm, after = net.backbone[3].conv[-1], net.backbone[4][0]
    with torch.no_grad():
        norm.weight[:3] *= factor
        norm.bias[:3] *= factor
        after.weight[:, :3] /= factor
    return net


def test_before_it_learns_it_is_the_student_back_in_ordinary_layers(make_net, make_views) -> None:
    net, views = make_net(), make_views(8)
    batch = torch.from_numpy(np.stack(views))
    with torch.inference_mode():
        expected = net(batch)
        fake = FakeInt8(net, views)
        rounded, plain = net(batch), fake.to_plain()(batch)
    assert 1e-4 < (rounded.scores - expected.scores).abs().max() < 0.05, "rounded, and not much"
    for ours, theirs in zip(plain, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=0)


def test_what_it_learned_comes_back_with_the_names_of_an_ordinary_student(make_net, make_views) -> None:
    net, views = make_net(), make_views(4)
    names = {name: value.shape for name, value in net.state_dict().items()}
    fake = FakeInt8(net, views)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(1.25)
    plain = fake.to_plain()
    assert {name: value.shape for name, value in plain.state_dict().items()} == names
    evened = equalize(make_net(), views).backbone.get_submodule("0.0")
    torch.testing.assert_close(plain.backbone[0][0].weight, 1.25 * evened.weight)
    torch.testing.assert_close(plain.embedding_head.weight, 1.25 * make_net().embedding_head.weight)
    torch.testing.assert_close(plain.tones.first.weight, 1.25 * make_net().tones.first.weight)


def test_ranges_start_from_the_extremes_of_all_photos(make_net, make_views) -> None:
    """The input's own, known here from the pixels; a moving average would hang on the first photo's."""
    net, views = make_net(), make_views(6)
    fake = FakeInt8(net, views)
    with fake.fixed_ranges():
        net.look(torch.from_numpy(views[0])[None])
    pixels = torch.from_numpy(np.stack(views)).permute(0, 1, 4, 2, 3).float()
    inputs = (pixels - net.mean) / net.std
    first = net.backbone.graph.activation_post_process_0
    for bound, expected in (("min_val", inputs.min()), ("max_val", inputs.max())):
        torch.testing.assert_close(getattr(first.activation_post_process, bound), expected)
    steps = first.scale * (torch.tensor([0.0, 255.0]) - first.zero_point)
    torch.testing.assert_close(steps, torch.stack([inputs.min(), inputs.max()]), atol=0.03, rtol=0)


def test_photos_of_val_move_no_range(make_net, make_views) -> None:
    net = make_net()
    fake = FakeInt8(net, make_views(4))
    before = [value.clone() for value in list_ranges(net)]
    with fake.fixed_ranges(), torch.inference_mode():
        net(torch.from_numpy(np.stack(make_views(4, seed=9))))
    assert all(torch.equal(now, then) for now, then in zip(list_ranges(net), before, strict=True))
    net(torch.from_numpy(np.stack(make_views(4, seed=9))))
    assert any(not torch.equal(now, then) for now, then in zip(list_ranges(net), before, strict=True))


def list_ranges(net: QualityNet) -> list[Tensor]:
    return [value for name, value in net.named_buffers() if name.endswith(("min_val", "max_val"))]


def test_a_checkpoint_carries_the_ranges_to_a_resumed_run(make_net, make_views) -> None:
    views = make_views(4)
    net, other = make_net(), make_net()
    FakeInt8(net, views), FakeInt8(other, make_views(2, seed=9))
    other.load_state_dict(net.state_dict())
    batch = torch.from_numpy(np.stack(views))
    with torch.inference_mode():
        assert torch.equal(other(batch).scores, net(batch).scores)


def test_one_small_view_computes_too(make_net, make_views) -> None:
    """Early epochs see smaller views, and the last batch of an epoch may be one photo."""
    net = make_net()
    FakeInt8(net, make_views(2))
    small = torch.from_numpy(make_views(1)[0])[None, :1, :48, :48]
    assert net.look(small).shape == (1, 1, 32 + 64)


def test_a_convolution_with_a_bias_of_its_own_keeps_it() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    nn.init.uniform_(module[1].running_var, 0.5, 2)
    weight, bias = torch.randn(4, 3, 3, 3), torch.randn(4)
    pixels = torch.randn(2, 3, 8, 8)
    put_back(module, {"0.weight": weight, "0.bias": bias})
    expected = nn.functional.conv2d(pixels, weight, bias)
    torch.testing.assert_close(module(pixels), expected, atol=1e-5, rtol=1e-5)


def test_learning_in_int8_steps_takes_a_good_part_of_what_int8_costs_away(
    make_net, make_views, tmp_path: Path
) -> None:
    """Measured in ONNX Runtime, against the scores of the float student from before."""
    teacher, net = make_net(), spoil(make_net(), 150)
    views = make_views(48)
    before = lose(net, teacher, views, make_views(24, seed=5), tmp_path / "before")
    fake = FakeInt8(net, views[:24])
    teach(net, teacher, views, tmp_path)
    after = lose(fake.to_plain(), teacher, views, make_views(24, seed=5), tmp_path / "after")
    assert before.mean > 0.03
    assert after.mean < 0.7 * before.mean and after.p99 < 0.7 * before.p99


def teach(net: QualityNet, teacher: QualityNet, views: list[np.ndarray], folder: Path) -> None:
    steps, size = 60, 8

    def batches(epoch: int, first: int) -> Iterator[Batch]:
        rng = np.random.default_rng(epoch)
        for _ in range(first, steps):
            at = rng.choice(len(views), size, replace=False)
            cut = torch.from_numpy(np.stack([views[place] for place in at]))
            nothing = torch.zeros(size, 1 + len(net.attributes)), torch.full((size,), -1)
            yield Batch(cut, nothing[0], torch.from_numpy(at), nothing[1])

    def loss(batch: Batch, out: Outputs) -> Tensor:
        with torch.no_grad():
            aim = teacher(batch.views)
        return ONLY_SCORES.total(batch, out, aim)

    job = training.Job(net, loss, batches, steps, lambda: {"objective": 0.0}, lambda scores: None)
    config = TrainConfig(epochs=1, learning_rate=1e-3, frozen=0, weight_decay=0.0)
    training.fit(job, config, folder)


def lose(net: QualityNet, teacher: QualityNet, views: list, check: list, folder: Path) -> Trial:
    """What the int8 model of a student is away from the scores of a float one."""
    folder.mkdir()
    info = ModelInfo(net.spec, net.attributes, net.embedding, "", net.categories)
    evened = export_onnx(equalize(net, views[:24]), info, folder / "model.onnx").read_bytes()
    small = make_quantizer("onnx", evened, views[:24], folder).quantize("min_max")
    run = parity.from_torch(teacher)
    return compare_outputs("", (), [run(each) for each in check], run_all("model.onnx", small, check))
