"""What the device computes is what was trained, in fewer steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from compression.equalize import equalize
from compression.models import build
from compression.models.device_form import DeviceForm
from compression.models.heads import QualityNet
from edge_iqa.views import ViewSpec

pytestmark = pytest.mark.usefixtures("one_thread")


def make(architecture: str, spec: ViewSpec, fusion: str = "split") -> QualityNet:
    """A student whose batch norm is not identity, and which therefore reacts to what it sees."""
    torch.manual_seed(0)
    net = build(architecture, ("color", "noise"), 8, spec, ("shoe", "mug"), 0.35, fusion).eval()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.bias, 0.5, 0.5)
            nn.init.normal_(layer.running_mean, 0, 0.1)
            nn.init.uniform_(layer.running_var, 0.1, 0.5)
    return net


def draw(spec: ViewSpec, batch: int = 2) -> torch.Tensor:
    """Views with edges and colors, so that a swapped channel or row would show."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (batch, spec.count, 5, 7, 3), np.uint8)
    rows, columns = (np.arange(spec.size_px) * count // spec.size_px for count in (5, 7))
    return torch.from_numpy(coarse[:, :, rows][:, :, :, columns])


@pytest.mark.parametrize("size_px", [32, 96, 50])  # patches of 4 px leave a rest of 50
@pytest.mark.parametrize("architecture", ["patchnet", "mobilenet_v2", "mobilenet_v3_small_relu6"])
def test_outputs_stay_what_they_were(architecture: str, size_px: int) -> None:
    spec = ViewSpec(size_px, 2, 256)
    net, views = make(architecture, spec), draw(spec)
    with torch.no_grad():
        ours, theirs = DeviceForm(net)(views), net(views)
        moved = net(views.flip(4))
    for name, a, b, other in zip(theirs._fields, ours, theirs, moved, strict=True):
        torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4, msg=name)
        swapped = (other - b).abs().max()
        assert swapped > 5e-5 and swapped > 20 * (a - b).abs().max(), "red and blue swapped must be seen"


def test_an_equalized_student_and_one_without_details_have_a_device_form() -> None:
    spec = ViewSpec(32, 0, 256)
    net, views = make("patchnet", spec, "whole"), draw(spec)
    evened = equalize(net, [views[0].numpy()])
    with torch.no_grad():
        torch.testing.assert_close(
            DeviceForm(evened)(views).scores, evened(views).scores, atol=2e-5, rtol=1e-4
        )


def test_the_trained_student_is_left_as_it_is() -> None:
    net = make("patchnet", ViewSpec(32, 1, 256))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    DeviceForm(net)
    for key, value in net.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


@pytest.mark.parametrize(("architecture", "passes"), [("patchnet", 0), ("mobilenet_v2", 2)])
def test_no_pixel_is_touched_before_the_first_convolution_of_a_stem_of_patches(
    architecture: str, passes: int
) -> None:
    spec = ViewSpec(32, 1, 256)
    program = torch.export.export(DeviceForm(make(architecture, spec)), (draw(spec, 1),))
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    pixels = spec.count * spec.size_px**2 * 3
    touched = [
        node
        for node in calls
        if str(node.target).split(".")[1] in ("sub", "div", "mul") and node.meta["val"].numel() == pixels
    ]
    assert len(touched) == passes
    assert not any("gather" in str(node.target) for node in calls), "phones' delegates lack it"
