"""The search tries ways to find ranges, then leaves the layers in float that measuring says are worst."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pytest
from PIL import Image

from compression import sensitivity
from compression.artifacts import make_quantizer
from compression.convolutions import Convolution
from compression.search import METHODS, compare_outputs, run_all, search
from compression.sensitivity import Sensitivity

RUNTIMES = ("onnx", "tflite")


VIEWS = [np.zeros(1, np.uint8)] * 4


def take_first(contents: Sequence[bytes]) -> int:
    return 0


class Spoiling:
    """A quantizer of the real one's kind that spoils the scores where some layers are int8.

    Its "models" are the float one with noise for each bad layer in int8: which are bad is known here.
    """

    methods = ("coarse", "fine")

    def __init__(self, costs: dict[int, float], large: Collection[int] = ()) -> None:
        self.costs = costs
        self.layers = tuple(
            Convolution(1, 1, 8, 80 if place in large else 8, depthwise=False) for place in range(12)
        )

    def quantize(self, method: str, float_layers: Collection[int] = ()) -> bytes:
        cost = sum(value for layer, value in self.costs.items() if layer not in float_layers)
        return str(cost * (2 if method == "coarse" else 1)).encode()


@pytest.fixture
def fake_runs(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Scores of a spoiled model are off by what its content says."""
    exact = [{"scores": np.full(2, 0.5), "embedding": np.ones(3)} for _ in range(4)]

    def run(name: str, content: bytes, views: list) -> list[dict]:
        return [{**each, "scores": each["scores"] + float(content)} for each in exact[: len(views)]]

    monkeypatch.setattr("compression.search.run_all", run)
    return exact


def test_the_worst_layers_stay_float_wherever_they_stand(fake_runs: list[dict]) -> None:
    quantizer = Spoiling({9: 0.05, 4: 0.03, 0: 0.004, 1: 0.003})
    found = search(quantizer, "onnx", fake_runs, VIEWS, take_first, ("coarse", "fine"), 0.0135)
    assert found.chosen.float_layers == (4, 9) and found.chosen.p99 == pytest.approx(0.007)
    assert found.content == quantizer.quantize("fine", (4, 9))
    tried = [(trial.method, trial.float_layers) for trial in found.trials]
    assert tried[:5] == [("coarse", ()), ("fine", ()), ("fine", (9,)), ("fine", (4, 9)), ("fine", (4,))]
    by_cost = sorted(found.sensitivity, key=lambda each: -each.mean)[:4]
    assert [each.layer for each in by_cost] == [9, 4, 0, 1]
    assert [each.p99 for each in by_cost] == pytest.approx([0.05, 0.03, 0.004, 0.003])


def test_of_the_worst_layers_and_the_first_in_a_row_the_faster_set_is_taken(fake_runs: list[dict]) -> None:
    quantizer = Spoiling({2: 0.05, 4: 0.03})
    asked: list[list[bytes]] = []

    def take_last(contents: list[bytes]) -> int:
        asked.append(list(contents))
        return len(contents) - 1

    found = search(quantizer, "onnx", fake_runs, VIEWS, take_last, ("fine",), 0.0135)
    assert found.chosen.float_layers == (0, 1, 2, 3, 4)
    assert asked == [[quantizer.quantize("fine", (2, 4)), quantizer.quantize("fine", range(5))]]
    slow = search(quantizer, "onnx", fake_runs, VIEWS, take_first, ("fine",), 0.0135)
    assert slow.chosen.float_layers == (2, 4)


def test_a_float_layer_that_is_not_needed_is_given_back(fake_runs: list[dict]) -> None:
    costs = {9: 0.05, 4: 0.012, 5: 0.011}
    found = search(Spoiling(costs), "onnx", fake_runs, VIEWS, take_first, ("fine",), 0.0135, (1, 3))
    assert found.chosen.float_layers == (4, 9) and found.chosen.p99 == pytest.approx(0.011)
    assert found.content == Spoiling(costs).quantize("fine", (4, 9))


def test_of_two_layers_that_lose_as_much_the_smaller_is_float_first(fake_runs: list[dict]) -> None:
    quantizer = Spoiling({3: 0.02, 9: 0.02, 11: 0.01}, large=(3,))
    found = search(quantizer, "onnx", fake_runs, VIEWS, take_first, ("fine",), 0.035)
    assert found.chosen.float_layers == (9,)


def test_a_layer_that_would_make_the_file_too_large_stays_int8_and_later_ones_are_tried(
    fake_runs: list[dict],
) -> None:
    quantizer = Spoiling({3: 0.5, 9: 0.03, 11: 0.02}, large=(3,))
    start, large = len(quantizer.quantize("fine")), 3 * 8 * 80
    room = start + large + 3 * 8 * 8
    wide = search(quantizer, "onnx", fake_runs, VIEWS, take_first, ("fine",), 0.021, most_bytes=room)
    assert wide.chosen.float_layers == (3, 9)
    room = start + large - 1
    narrow = search(quantizer, "onnx", fake_runs, VIEWS, take_first, ("fine",), 0.021, most_bytes=room)
    assert all(3 not in trial.float_layers for trial in narrow.trials)
    assert {9, 11} <= set(narrow.chosen.float_layers)
    none = search(quantizer, "onnx", fake_runs, VIEWS, take_first, ("fine",), 0.021, most_bytes=0)
    assert none.chosen.float_layers == () and len(none.trials) == 1


def test_a_model_that_loses_little_as_it_is_keeps_no_float(fake_runs: list[dict]) -> None:
    found = search(Spoiling({3: 0.01}), "onnx", fake_runs, VIEWS, take_first, ("fine",), 0.0135)
    assert found.chosen.float_layers == () and len(found.trials) == 1 and len(found.sensitivity) == 12


def test_where_nothing_meets_the_target_the_nearest_is_taken(fake_runs: list[dict]) -> None:
    costs = dict.fromkeys(range(12), 0.1)
    found = search(Spoiling(costs), "onnx", fake_runs, VIEWS, take_first, ("fine",), 0.0135, (1, 3, 99))
    assert {len(trial.float_layers) for trial in found.trials} == {0, 1, 3}  # there are not 99
    assert len(found.chosen.float_layers) == 3


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_measured_layer_is_the_loss_of_a_model_in_which_it_alone_is_int8(
    artifacts, make_views, tmp_path, runtime
) -> None:
    name = f"model.fp32.{runtime}"
    check = make_views(6, seed=3)
    reference = run_all(name, artifacts.files[name], check)
    quantizer = make_quantizer(runtime, artifacts.files[name], make_views(8), tmp_path)

    def lose(layers: Collection[int]):
        content = quantizer.quantize("min_max", layers)
        return compare_outputs("min_max", layers, reference, run_all(name, content, check))

    measured = sensitivity.measure_layers([each.name for each in quantizer.layers], lose)
    assert [each.layer for each in measured] == list(range(13))
    again = lose([place for place in range(13) if place != 5])
    assert (measured[5].mean, measured[5].p99) == (again.mean, again.p99)
    assert all(each.mean > 0 for each in measured)
    assert max(each.mean for each in measured) < lose(()).mean * 1.5


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_way_to_find_ranges_makes_a_model_of_its_own(artifacts, make_views, tmp_path, runtime) -> None:
    """Entropy with the library's default of 128 bins would be min_max to the byte."""
    source = artifacts.files[f"model.fp32.{runtime}"]
    quantizer = make_quantizer(runtime, source, make_views(8), tmp_path)
    assert set(METHODS) < set(quantizer.methods) and "entropy" in quantizer.methods
    made = {method: quantizer.quantize(method) for method in quantizer.methods}
    assert len(set(made.values())) == len(made)


def test_the_plot_shows_every_layer_and_the_ones_that_stayed_float(tmp_path) -> None:
    layers = [Sensitivity(place, f"1x1 {place}", 0.001 * place, 0.002 * place) for place in range(20)]
    path = sensitivity.plot(tmp_path / "new" / "plot.png", {"onnx": layers}, {"onnx": (19, 18)})
    with Image.open(path) as image:
        colors = {color for _, color in image.convert("RGB").getcolors(1 << 20)}
    assert {(31, 119, 180), (255, 127, 14)} <= colors
