"""`python benchmarks/speedup.py`: what is divided by what, when a bound holds, and whose float models are taken."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from benchmarks import speedup
from benchmarks.float_files import read_models
from compression.data import hash_file
from compression.models.yardstick import Yardstick
from edge_iqa import machine
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from compression.artifacts import Artifacts

OPTIONS = argparse.Namespace(repeats=20, clock="cpu")
QUIET = machine.Usage(0.0, 1.0, 0.0)


def describe(**ms: list[float]) -> dict[str, dict]:
    """The ratios of these times, by name; `large`, and runtime and precision, name the models."""
    names = {
        "large": speedup.LARGE,
        **{f"{p}_{r}": f"model.{p}.{r}" for p in ("int8", "fp32") for r in ("onnx", "tflite")},
    }
    recorded = {names[key]: values for key, values in ms.items()}
    told = speedup.describe(recorded, Bundle.open(), OPTIONS, QUIET)
    return {each["what"]: each for each in told["ratios"]}


@pytest.mark.parametrize(("fast_ms", "held"), [(4.0, True), (4.9, True), (5.1, False)])
def test_sixty_times_faster_is_held_from_a_sixtieth_of_the_time_down(fast_ms: float, held: bool) -> None:
    ratios = describe(
        large=[300.0] * 20,
        int8_tflite=[fast_ms] * 20,
        fp32_tflite=[10.0] * 20,
        int8_onnx=[7.0] * 20,
        fp32_onnx=[10.0] * 20,
    )
    first = ratios["ResNet-50 fp32 (onnx) / int8 (tflite)"]
    assert first["held"] is held and first["estimate"]["value"] == pytest.approx(300 / fast_ms)
    assert ratios["int8 / float (tflite)"]["held"] and ratios["int8 / float (onnx)"]["held"]
    assert ratios["ResNet-50 fp32 (onnx) / int8 (onnx)"]["held"] is None


def test_a_bound_holds_for_the_worse_end() -> None:
    wide = [5.0, 9.0] * 10
    ratios = describe(
        large=[600.0] * 20, int8_tflite=wide, fp32_tflite=[10.0] * 20, int8_onnx=wide, fp32_onnx=[10.0] * 20
    )
    told = ratios["int8 / float (tflite)"]
    assert told["held"] is False and told["estimate"]["low"] < 0.6 < told["estimate"]["high"]


def test_too_few_rounds_hold_nothing() -> None:
    few = [1.0] * 3
    ratios = describe(large=[600.0] * 3, int8_tflite=few, fp32_tflite=few, int8_onnx=few, fp32_onnx=few)
    assert all(each["held"] in (None, False) and each["estimate"] is None for each in ratios.values())


def test_every_model_is_timed_once_a_round_by_the_clock_asked_for(
    artifacts: Artifacts, make_views: Callable[..., list[np.ndarray]]
) -> None:
    ticks = itertools.count(0, 2_000_000)
    recorded = speedup.record(artifacts.files, make_views(2), 8, lambda: next(ticks))
    assert set(recorded) == set(artifacts.files)
    assert all(samples == [2.0] * 8 for samples in recorded.values()), "one clock, two ticks a call"


def test_the_yardstick_is_torchvisions_resnet_50_on_normalized_views() -> None:
    torch.manual_seed(0)
    net = Yardstick().eval()
    batch = torch.randint(0, 256, (1, 2, 32, 32, 3), dtype=torch.uint8)
    mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    with torch.no_grad():
        logits = net.net(((batch[0] / 255 - mean) / std).permute(0, 3, 1, 2))
        torch.testing.assert_close(net(batch)[1][0], logits.mean(0), rtol=1e-3, atol=1e-4)
    assert sum(each.numel() for each in net.parameters()) == 25_557_032  # as torchvision's table has it


def test_float_models_of_another_student_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "student.safetensors"
    other.write_bytes(b"other")
    bundle = Bundle.open()
    with pytest.raises(
        DataError, match=f"was made from the student {bundle.manifest.lineage.student_sha256}"
    ):
        read_models(bundle, other)


def test_the_student_at_hand_is_the_one_that_the_shipped_bundle_was_made_from() -> None:
    assert hash_file(speedup.SHIPPED) == Bundle.open().manifest.lineage.student_sha256
