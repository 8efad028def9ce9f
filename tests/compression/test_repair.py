"""After a cut: layers that lost inputs give what they gave, as far as what is left tells it."""

from __future__ import annotations

import copy

import torch
from torch import nn

from compression.cut import cut
from compression.models import build
from compression.repair import repair
from edge_iqa.views import ViewSpec


def make_twins() -> tuple[nn.Sequential, nn.Sequential]:
    """A network whose last hidden channel is twice the one before, and the same without that channel."""
    torch.manual_seed(0)
    whole = nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False), nn.ReLU(), nn.Conv2d(6, 4, 1, bias=False), nn.BatchNorm2d(4)
    ).eval()
    whole[0].weight.data[5] = 2 * whole[0].weight.data[4]
    narrow = copy.deepcopy(whole)
    narrow[0] = nn.Conv2d(3, 5, 3, bias=False)
    narrow[0].weight.data = whole[0].weight.data[:5].clone()
    narrow[2] = nn.Conv2d(5, 4, 1, bias=False)
    narrow[2].weight.data = whole[2].weight.data[:, :5].clone()
    return whole, narrow.eval()


def test_a_channel_that_another_can_stand_for_is_not_missed() -> None:
    whole, narrow = make_twins()
    shown = [torch.randn(4, 3, 12, 12) for _ in range(2)]
    unseen = torch.randn(4, 3, 12, 12)
    with torch.no_grad():
        missing = (narrow(unseen) - whole(unseen)).square().mean()
        assert repair(narrow, whole, shown) == ["2"]
        assert (narrow(unseen) - whole(unseen)).square().mean() < 1e-3 * missing


def test_a_constant_that_was_lost_comes_back() -> None:
    """A channel that is the same everywhere becomes a shift of the batch norm behind it."""
    whole, narrow = make_twins()
    with torch.no_grad():
        whole[0].weight[5] = 0
        whole.insert(1, nn.BatchNorm2d(6).eval())
        whole[1].bias[5] = 3.0
        narrow.insert(1, nn.BatchNorm2d(5).eval())
        unseen = torch.randn(4, 3, 12, 12)
        repair(narrow, whole, [torch.randn(4, 3, 12, 12) for _ in range(2)])
        torch.testing.assert_close(narrow(unseen), whole(unseen), rtol=0, atol=2e-3)


def test_few_rows_leave_weights_near_what_they_were() -> None:
    """One photo cannot tell five inputs apart: whatever it does not speak of stays."""
    whole, narrow = make_twins()
    before = narrow[2].weight.detach().clone()
    flat = torch.ones(1, 3, 12, 12)
    repair(narrow, whole, [flat])
    torch.testing.assert_close(narrow[2].weight, before)
    with torch.no_grad():
        torch.testing.assert_close(narrow(flat), whole(flat), rtol=0, atol=1e-4)


def test_layers_of_a_student_that_lost_inputs_are_fitted_and_no_others() -> None:
    torch.manual_seed(0)
    net = build("mobilenet_v2", spec=ViewSpec(64, 1, 128), width=0.35).eval()
    whole = copy.deepcopy(net)
    cut(net, 0.8, "magnitude", "layer")
    shapes = {name: value.shape for name, value in net.state_dict().items()}
    fitted = repair(net, whole, [torch.randint(0, 256, (2, 2, 64, 64, 3), dtype=torch.uint8)])
    assert {name: value.shape for name, value in net.state_dict().items()} == shapes
    wide = dict(whole.named_modules())
    for name, layer in net.named_modules():
        if isinstance(layer, nn.Linear):
            assert (name in fitted) == (layer.in_features < wide[name].in_features)
    assert fitted and not any(name.startswith("tones") for name in fitted)
