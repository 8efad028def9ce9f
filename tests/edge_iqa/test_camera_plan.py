"""The plan keeps to its budget, and the shortlist to its memory."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from edge_iqa.camera.plan import Plan
from edge_iqa.camera.shortlist import Shortlist
from edge_iqa.stream.buffer import Buffer


def spend(
    plan: Plan, motion_ms: float, measure_ms: float, model_ms: float, frames: int = 600
) -> tuple[float, int]:
    """Run a plan on a device with these costs, on a still picture at 30 fps: mean ms a frame, times scored."""
    total, scored = 0.0, 0
    for index in range(frames):
        total += motion_ms
        plan.record("motion", motion_ms)
        if plan.takes_measure():
            total += measure_ms
            plan.record("measure", measure_ms)
        if plan.takes_score(index / 30, index, scored > 0):
            scored += 1
            total += model_ms
            plan.record("model", model_ms)
    return total / frames, scored


@given(st.floats(0.1, 8), st.floats(1, 60), st.floats(1, 300))
def test_frames_take_little_more_than_half_of_the_budget(
    motion_ms: float, measure_ms: float, model_ms: float
) -> None:
    mean_ms, scored = spend(Plan(33.0), motion_ms, measure_ms, model_ms)
    # measurements: half; scores: an eighth of a core, and the first ones, which nobody could foretell
    assert mean_ms <= 16.5 + 0.12 * 33.4 + (motion_ms + measure_ms + 2 * model_ms) / 600 + 1.0
    assert scored >= 1


def test_a_quick_device_measures_every_frame() -> None:
    plan = Plan(33.0)
    for _ in range(100):
        plan.record("motion", 2.0)
        assert plan.takes_measure()
        plan.record("measure", 7.0)


def test_the_model_waits_until_the_phone_is_still() -> None:
    plan = Plan(33.0)
    assert not any(plan.takes_score(index / 30, 0, False) for index in range(100))
    assert plan.takes_score(4.0, 2, False)


def test_a_scored_picture_is_scored_again_twice_a_second_at_most() -> None:
    plan = Plan(33.0)
    times = [index / 30 for index in range(300) if plan.takes_score(index / 30, 10 + index, index > 0)]
    assert np.diff(times).min() >= 0.5


def make_buffer(level: int, time_s: float) -> Buffer:
    return Buffer(np.full((8, 8), level, np.uint8), "GRAY", 8, 8, time_s=time_s)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=60), st.integers(1, 5))
def test_the_best_frame_of_all_is_always_kept(levels: list[int], most: int) -> None:
    shortlist = Shortlist(most, apart_s=0.5)
    for index, level in enumerate(levels):
        shortlist.offer(make_buffer(level, index / 10), (float(level),), index / 10, index)
    kept = shortlist.kept
    assert kept[0].rank == (max(levels),)
    assert len(kept) <= most
    assert [each.rank for each in kept] == sorted((each.rank for each in kept), reverse=True)
    stretches = [each.time_s // 0.5 for each in kept]
    assert len(set(stretches)) == len(stretches), "one of each stretch"
    for each in kept:  # memory that was taken over holds the frame that it says
        assert set(np.unique(each.buffer.data)) == {int(each.rank[0])}


def test_a_kept_frame_survives_the_camera_taking_its_memory_back() -> None:
    memory = np.full((8, 8), 9, np.uint8)
    shortlist = Shortlist(1, apart_s=0.5)
    shortlist.offer(Buffer(memory, "GRAY", 8, 8), (1.0,), 0.0, 0)
    memory[:] = 0
    assert set(np.unique(shortlist.kept[0].buffer.to_rgb())) == {9}


def test_memory_is_taken_once() -> None:
    shortlist, seen = Shortlist(3, apart_s=0.5), set()
    for index in range(200):
        shortlist.offer(make_buffer(index % 250, float(index)), (float(index),), float(index), index)
        seen |= {
            kept.buffer.data.ctypes.data
            for kept in shortlist.kept
            if isinstance(kept.buffer.data, np.ndarray)
        }
    assert len(seen) == 3


@pytest.mark.parametrize(
    "data", [bytes(64), bytearray(64), memoryview(bytes(64)), np.zeros((8, 8), np.uint8)]
)
def test_frames_of_any_kind_of_memory_are_kept(data: object) -> None:
    shortlist = Shortlist(1, apart_s=0.5)
    assert shortlist.offer(Buffer(data, "GRAY", 8, 8), (0.0,), 0.0, 0)
    assert not shortlist.kept[0].buffer.to_rgb().any()


def test_one_slow_frame_does_not_starve_measuring() -> None:
    plan = Plan(33.0)
    measured = []
    for index in range(120):
        plan.record("motion", 2.0)
        measured.append(plan.takes_measure())
        if measured[-1]:
            plan.record("measure", 1500.0 if index in (0, 40) else 8.0)
    assert all(measured[1:40]) and sum(measured[41:]) > 60 and all(measured[-30:])


def test_of_a_large_memory_only_the_frame_is_kept() -> None:
    shortlist = Shortlist(3, apart_s=0.5)
    shortlist.offer(Buffer(np.zeros(10_000_000, np.uint8), "GRAY", 100, 100), (1.0,), 0.0, 0)
    assert np.asarray(shortlist.kept[0].buffer.data).nbytes == 10_000
