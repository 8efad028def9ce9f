"""What a layer multiplies and moves, counted by others too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from compression.cut import count_macs
from compression.equalize import equalize
from compression.quantize_weights import make_variants
from edge_iqa.manifest import RUNTIMES
from export.layers import count_loops, list_layers, list_tflite, sum_work

if TYPE_CHECKING:
    from compression.artifacts import Artifacts
    from compression.models.heads import QualityNet

Views = list[np.ndarray]


@pytest.fixture(scope="module")
def views(make_views: Callable[..., Views]) -> np.ndarray:
    return make_views(1)[0]


def count_products(net: QualityNet, views: np.ndarray) -> int:
    """Each output of a convolution or a linear layer is a sum of as many products as it has weights."""
    total = 0

    def note(layer: nn.Module, _: object, out: torch.Tensor) -> None:
        nonlocal total
        total += out.numel() * layer.weight[0].numel()  # type: ignore[operator, index]

    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(note) for layer in layers]
    net(torch.from_numpy(views)[None])
    for handle in handles:
        handle.remove()
    return total


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_multiplications_are_those_of_the_torch_model(
    precision: str, artifacts: Artifacts, views: np.ndarray, tiny_net: QualityNet
) -> None:
    tflite = list_layers("model.tflite", artifacts.files[f"model.{precision}.tflite"], views)
    onnx = list_layers("model.onnx", artifacts.files[f"model.{precision}.onnx"], views)
    total = sum(layer.macs for layer in tflite)
    assert total == count_products(tiny_net, views)
    assert total == sum(layer.macs for layer in onnx)
    # torch-pruning counts biases and activations too
    assert total < count_macs(equalize(tiny_net, [views])) < 1.1 * total


def test_convolutions_are_8_bit_in_the_int8_file_alone(artifacts: Artifacts, views: np.ndarray) -> None:
    for precision in ("int8", "fp32"):
        for layers in (
            list_layers("model.tflite", artifacts.files[f"model.{precision}.tflite"], views),
            list_layers("model.onnx", artifacts.files[f"model.{precision}.onnx"], views),
        ):
            shares = {layer.int8_macs / layer.macs for layer in layers if "CONV" in layer.kind.upper()}
            assert (1.0 in shares) == (precision == "int8") and shares <= {0.0, 1.0}


def test_bytes_of_weights_are_those_of_the_parameters(artifacts: Artifacts, tiny_net: QualityNet) -> None:
    layers = list_tflite(artifacts.files["model.fp32.tflite"])
    told = sum(layer.weight_bytes for layer in layers if "CONV" in layer.kind)
    convolutions = [layer for layer in tiny_net.modules() if isinstance(layer, nn.Conv2d)]
    # batch norm leaves a bias for each channel
    expected = 4 * sum(layer.weight.numel() + layer.out_channels for layer in convolutions)
    assert told == expected


def test_weights_that_are_unpacked_when_a_file_is_loaded_cost_a_photo_what_float_ones_do(
    artifacts: Artifacts, views: np.ndarray
) -> None:
    """fp16 and w8 compute in float; dynamic multiplies in 8 bits, with weights of 8 bits but for depthwise layers."""
    floats = {runtime: artifacts.files[f"model.fp32.{runtime}"] for runtime in RUNTIMES}
    made = make_variants(["fp16", "w8", "dynamic"], floats, floats)
    work = {name: sum_work(list_layers(name, content, views)) for name, content in made.items()}
    for runtime in RUNTIMES:
        exact = sum_work(list_layers(f"model.fp32.{runtime}", floats[runtime], views))
        for precision in ("fp16", "w8"):
            assert work[f"model.{precision}.{runtime}"] == exact
    dynamic = work["model.dynamic.tflite"]
    assert dynamic["macs"] == exact["macs"] > dynamic["int8_macs"] > 0.8 * exact["macs"]
    assert dynamic["activation_bytes"] == exact["activation_bytes"]
    assert dynamic["weight_bytes"] < exact["weight_bytes"] / 3


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_convolution_has_the_form_that_torch_gave_it(
    runtime: str, artifacts: Artifacts, views: np.ndarray, tiny_net: QualityNet
) -> None:
    layers = list_layers(f"model.{runtime}", artifacts.files[f"model.fp32.{runtime}"], views)
    found = [
        (each.form.inputs, each.form.outputs, each.form.window, each.form.groups)
        for each in layers
        if each.form
    ]
    made = [each for each in tiny_net.backbone.modules() if isinstance(each, nn.Conv2d)]
    groups = {each.groups for each in made}
    assert 1 in groups and len(groups) > 1, "dense and depthwise ones"
    for each in made:
        form = each.in_channels // each.groups, each.out_channels, each.weight[0, 0].numel(), each.groups
        assert found.count(form) >= 1, form
    assert all(each.macs % each.form.each == 0 for each in layers if each.form)
    assert not any(each.form for each in layers if not each.macs)


@pytest.mark.parametrize(
    ("operands", "loops"),
    [
        ([(3, 8, 8, 3), (1, 1, 1, 3)], 3 * 64),  # a row of three for each pixel
        ([(3, 8, 8, 3), (3,)], 3 * 64),
        ([(3, 3, 8, 8), (1, 3, 1, 1)], 3 * 3),  # one value for each map
        ([(2, 8, 8, 16), (2, 1, 1, 16)], 2 * 64),
        ([(2, 8, 8, 16), (1, 8, 8, 16)], 2),
        ([(2, 1, 1, 16), (2, 8, 8, 16)], 2 * 64),
        ([(2, 8, 8, 16), (2, 8, 8, 16)], 0),
        ([(2, 8, 8, 16), ()], 0),
        ([(2, 8), (1, 1)], 0),
    ],
)
def test_a_broadcast_begins_a_loop_wherever_the_smaller_operand_is_left(
    operands: list[tuple[int, ...]], loops: int
) -> None:
    assert count_loops(operands, np.broadcast_shapes(*operands)) == loops
