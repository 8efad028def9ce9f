"""The cost model: the time of each layer, and the least time that what it multiplies and moves takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from benchmarks import cost, roofline
from benchmarks.roofline import Peaks
from benchmarks.runtimes import Part, find_cuts, join, profile_tflite
from compression.cut import count_macs
from compression.models.yardstick import make_dense
from export import parity
from export.layers import Layer, list_tflite

if TYPE_CHECKING:
    from compression.artifacts import Artifacts

Views = list[np.ndarray]
PEAKS = Peaks(
    {"onnx": {"int8": 2e9, "fp32": 1e9}, "tflite": {"int8": 4e9, "fp32": 1e9}}, {1_000: 1e9, 1_000_000: 1e8}
)


@pytest.fixture(scope="module")
def views(make_views: Callable[..., Views]) -> np.ndarray:
    return make_views(1)[0]


def test_parts_of_a_model_add_up_to_the_whole(artifacts: Artifacts, views: np.ndarray) -> None:
    content = artifacts.files["model.int8.tflite"]
    whole, parts = list_tflite(content), list(profile_tflite(content, views, 2))
    assert 3 < len(parts) < len(whole) and all(part.ms is not None for part in parts)
    for field in ("macs", "weight_bytes", "activation_bytes"):
        assert sum(getattr(part, field) for part in parts) == sum(getattr(layer, field) for layer in whole)


def test_a_model_cut_off_nowhere_gives_what_it_gave(artifacts: Artifacts, views: np.ndarray) -> None:
    from ai_edge_litert.interpreter import Interpreter

    content = artifacts.files["model.int8.tflite"]
    part = Part(content)
    short = Interpreter(model_content=part.cut_off(3))
    short.allocate_tensors()
    interpreter = Interpreter(model_content=part.cut_off(len(list_tflite(content))))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], views)
    interpreter.invoke()
    found = {
        tuple(each["shape"]): interpreter.get_tensor(each["index"])[0]
        for each in interpreter.get_output_details()
    }
    expected = parity.from_file("model.int8.tflite", content)(views)
    np.testing.assert_array_equal(found[(1, *expected["embedding"].shape)], expected["embedding"])
    assert len(short._get_ops_details()) <= 4  # three, and perhaps one delegate


def test_cuts_leave_parts_of_about_the_same_work_and_never_split_a_padding_from_its_convolution() -> None:
    layers = [Layer(str(i), "PAD" if i % 2 == 0 else "CONV_2D", 1000, 0, 0, 0) for i in range(100)]
    cuts = find_cuts(layers, 10)
    assert cuts[-1] == 100 and len(cuts) <= 10 and all(cut % 2 == 0 for cut in cuts)
    assert np.diff([0, *cuts]).max() <= 12


def test_joined_layers_keep_all_their_work() -> None:
    joined = join(
        [
            Layer("a", "PAD", 0, 0, 10, 0),
            Layer("b", "CONV_2D", 7, 5, 20, 7),
            Layer("c", "CONV_2D", 3, 1, 1, 0),
        ]
    )
    assert (joined.name, joined.macs, joined.int8_macs, joined.moved_bytes) == ("b", 10, 7, 37)


@pytest.mark.parametrize(
    ("layer", "runtime", "ms"),
    [
        (Layer("", "Conv", 2_000_000, 0, 1_000, 2_000_000), "onnx", 1.0),
        (Layer("", "Conv", 2_000_000, 0, 1_000, 2_000_000), "tflite", 0.5),
        (Layer("", "Conv", 2_000_000, 0, 1_000, 0), "onnx", 2.0),
        (Layer("", "Conv", 2_000_000, 0, 1_000, 1_000_000), "tflite", 1.25),
        (Layer("", "Conv", 1_000, 400_000, 600_000, 1_000), "onnx", 10.0),
        (Layer("", "Reshape", 0, 0, 0, 0), "onnx", 0.0),
    ],
)
def test_the_roofline_is_the_longer_of_multiplying_and_moving(layer: Layer, runtime: str, ms: float) -> None:
    assert PEAKS.bound_ms(layer, runtime) == pytest.approx(ms)


def test_a_copy_of_a_size_between_two_is_as_fast_as_something_between() -> None:
    assert 1e8 < PEAKS.copy_rate(30_000) < 1e9
    assert PEAKS.copy_rate(10) == 1e9 and PEAKS.copy_rate(10**9) == 1e8


def test_copies_of_every_size_have_a_rate() -> None:
    rates = roofline.measure_copies()
    assert all(1e8 < rate < 1e13 for rate in rates.values()) and len(rates) == 7


def test_the_yardstick_of_multiplications_knows_how_many_it_has() -> None:
    torch.manual_seed(0)
    (short, few), (long, many) = make_dense(1), make_dense(3)
    assert count_macs(long) - count_macs(short) == pytest.approx(many - few, rel=0.02)


def test_what_is_told_of_a_model_adds_up(tmp_path: Path) -> None:
    layers = [
        Layer("a", "Conv", 2_000_000, 0, 1_000, 2_000_000, 1.5),
        Layer("b", "Conv", 1_000_000, 0, 1_000, 0, 1.25),
        Layer("c", "Div", 0, 0, 1_000_000, 0, 15.0),
    ]
    told = cost.describe(layers, PEAKS, "onnx", 18.0)
    assert (told["macs"], told["int8_macs"]) == (3_000_000, 2_000_000)
    assert told["roofline_ms"] == pytest.approx(1 + 1 + 10) and told["measured_over_roofline"] == 1.5
    assert told["beyond_roofline_ms"] == {"Div": pytest.approx(5.0), "Conv": pytest.approx(0.75)}
    assert list(told["beyond_roofline_ms"]) == ["Div", "Conv"], "the worst first"
    picture = cost.plot(tmp_path / "cost.png", {"onnx": told, "tflite": told}, "bundle")
    assert picture.read_bytes().startswith(b"\x89PNG")
