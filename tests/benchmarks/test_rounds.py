"""Rounds of a photo that drifted or never settled are measured again, as often as may be, and it is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import rounds, yardstick
from benchmarks.drift import FEWEST
from benchmarks.photos import Photo
from benchmarks.progress import Progress
from benchmarks.rounds import Effort, Rounds
from edge_iqa import timing

STILL = np.full(40, 10.0) + np.random.default_rng(0).normal(0, 0.05, 40)
SLOWER = STILL * np.linspace(1, 1.1, 40)


def measure(
    monkeypatch: pytest.MonkeyPatch, tries: int, script: list[tuple[np.ndarray, bool]]
) -> tuple[Rounds, int]:
    """Rounds of one model, of which each try takes as long as the script says; and how many tries there were."""
    left = list(script)

    def play(tasks: dict[str, Any], repeats: int, **_: Any) -> dict[str, timing.Recording]:
        whole_ms, steady = left.pop(0)
        assert set(tasks) == {"onnx int8", yardstick.NAME}
        return {name: timing.Recording(whole_ms[:repeats], {}, np.ones(60), steady) for name in tasks}

    monkeypatch.setattr(timing, "measure_interleaved", play)
    variant: Any = SimpleNamespace(name="onnx int8", inspector=SimpleNamespace(inspect=len))
    sampler: Any = SimpleNamespace(on_round=lambda done: None)
    found = rounds.measure_rounds(
        Photo("mug.jpg", b""), [variant], Effort(len(script[0][0]), tries), sampler, Progress, "mug.jpg"
    )
    return found, len(script) - len(left)


def test_rounds_that_hold_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found, tried = measure(monkeypatch, 3, [(STILL, True), (STILL, True)])
    assert tried == 1 and found.set_aside == () and not found.drift.told and found.unsteady is None
    assert set(found.recorded) == {"onnx int8"}, "the yardstick is no variant"


def test_rounds_that_drift_or_never_settle_are_set_aside_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = [(SLOWER, True), (STILL, False), (STILL + 1, True), (STILL, True)]
    found, tried = measure(monkeypatch, 4, script)
    drifted, unsteady = found.set_aside
    assert tried == 3 and unsteady == "was not steady after 60 rounds"
    share = float(drifted.removeprefix("drifted by ").removesuffix("%")) / 100
    assert share == pytest.approx(0.1 / 1.05, abs=0.005)
    np.testing.assert_array_equal(found.recorded["onnx int8"].whole_ms, STILL + 1)


@pytest.mark.parametrize("tries", [1, 2])
def test_the_last_try_is_kept_and_still_said_to_drift(monkeypatch: pytest.MonkeyPatch, tries: int) -> None:
    found, tried = measure(monkeypatch, tries, [(SLOWER, True), (SLOWER, False), (STILL, True)])
    assert tried == tries and len(found.set_aside) == tries - 1
    assert found.drift.told and (found.unsteady is None) == (tries == 1)


def test_too_few_rounds_to_tell_a_drift_are_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    few = STILL[: FEWEST - 1]
    assert measure(monkeypatch, 3, [(few, False), (few, True)])[1] == 1
