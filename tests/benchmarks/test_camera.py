"""Scores of watched films: what counts as right, as a change that was needed, as a good choice, as in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import camera_cases
from benchmarks.camera import judge_choices, judge_load, judge_memory
from benchmarks.camera_cases import Case, Choice
from benchmarks.camera_load import Load, Memory, play
from benchmarks.camera_states import (
    Watched,
    confuse,
    count_needless,
    find_counted,
    judge_hints,
    judge_states,
    list_confusions,
)
from compression.footage import Film
from edge_iqa import Inspector
from edge_iqa.camera.names import STATES
from edge_iqa.stream.buffer import Buffer
from tests.benchmarks.found import one, value


def frame(allowed: str, state: str | None = None, hint: str | None = None, **other: Any) -> Watched:
    """A frame whose right states are in `allowed`, split by |; said is the first of them unless told."""
    states = allowed.split("|")
    values = {"film": "a", "kind": "still", "noise": 0.01, "score": None, "time_ms": 1.0, **other}
    return Watched(allowed=frozenset(states), state=state or states[0], hint=hint, **values)


def hints(allowed: str, *shown: str | None) -> list[Watched]:
    return [frame(allowed, hint=hint) for hint in shown]


def test_frames_near_a_change_and_at_the_beginning_are_not_counted() -> None:
    frames = [frame("good")] * 10 + [frame("moving")] * 10
    assert np.flatnonzero(find_counted(frames)).tolist() == [3, 4, 5, 6, 13, 14, 15, 16, 17, 18, 19]


def test_states_are_right_where_allowed() -> None:
    frames = [frame("good")] * 8 + [frame("good", "blurry")] + [frame("good|steady", "steady", film="a")] * 10
    found = judge_states([frames])
    # counted: 3, 4 of the first (the change at 9 takes 6, 7 and 8), and 12 to 18
    assert value(found, "state right") == 1
    wrong = [*frames[:5], frame("good", "blurry"), *[frame("good")] * 4]
    assert value(judge_states([wrong]), "state right: good") == pytest.approx(6 / 7)
    assert one(judge_states([wrong]), "state right").bound == 0.95


def test_confusions_name_what_was_mistaken() -> None:
    frames = [frame("good|steady", "blurry", kind="dark")] * 7 + [frame("good|steady", kind="dark")] * 3
    table = confuse([frames])
    assert table == {"dark": {"good|steady": {"blurry": 4, "good": 3}}}
    assert list_confusions(table) == [("dark", "good|steady", "blurry", 4)]


def test_a_change_that_the_truth_asks_for_is_needed() -> None:
    frames = [
        *hints("moving", None, None, *["moving"] * 8),  # the first hint
        *hints("good", *["moving"] * 4, *[None] * 6),
        *hints("blurry", *["blurry"] * 10),
    ]
    assert count_needless(frames) == 0


def test_a_flicker_and_a_wrong_hint_are_not_needed() -> None:
    still = hints("good", *[None] * 5, "blurry", *[None] * 5)
    assert count_needless(still) == 2
    wrong = [*hints("good", *[None] * 10), *hints("moving", *[None] * 3, "blurry", *["moving"] * 6)]
    assert count_needless(wrong) == 1
    back = [*hints("moving", *["moving"] * 5, *[None] * 5, *["moving"] * 5), *hints("good", *[None] * 5)]
    assert count_needless(back) == 2


def test_frames_that_allow_several_hints_ask_for_no_change() -> None:
    ramp = [
        *hints("good", *[None] * 10),
        *hints("good|too_dark", *[None] * 10),
        *hints("too_dark", *["too_dark"] * 10),
    ]
    assert count_needless(ramp) == 0
    # dark for ever, or good for ever: in a ramp either holds, but not both in turn
    turns = hints("good|too_dark", None, "too_dark", None, "too_dark")
    assert count_needless(turns) == 3


def test_a_change_a_little_early_is_paid_by_the_change_that_it_foresees() -> None:
    early = [*hints("moving", *["moving"] * 8, None, None), *hints("good", *[None] * 10)]
    assert count_needless(early) == 0
    far_too_early = [*hints("moving", *["moving"] * 4, *[None] * 6), *hints("good", *[None] * 10)]
    assert count_needless(far_too_early) == 1


def test_strong_noise_has_to_be_told_and_weak_noise_may_be() -> None:
    strong, weak = ([frame("steady", hint="noise", noise=noise) for _ in range(10)] for noise in (0.8, 0.1))
    quiet = [frame("good", hint=None) for _ in range(10)]
    assert count_needless([*quiet, *strong, *quiet]) == 0
    assert count_needless([*quiet, *weak, *quiet]) == 2
    assert "noise" in strong[0].wanted and None not in strong[0].wanted
    assert {"noise", None} <= weak[0].wanted and "noise" not in frame("steady").wanted


def test_rates_are_in_ten_seconds() -> None:
    flicker = hints("good", *[None] * 149, "blurry", *[None] * 150)
    found = judge_hints([flicker], 30.0)
    assert value(found, "hint changes not needed, in 10 s") == pytest.approx(2)
    assert one(found, "hint changes not needed, in 10 s").held is False


def choice(film: str, chosen: float, best: float, *allowed: str) -> Choice:
    return Choice(film, 3, chosen, best, frozenset(allowed), {3: chosen})


def test_a_choice_is_held_to_the_best_label() -> None:
    choices = [
        choice("a", 0.9, 0.92, "good"),
        choice("b", 0.8, 0.9, "moving"),
        choice("c", 0.9, 0.9, "steady"),
    ]
    found = judge_choices(choices)
    assert value(found, "best frame within 0.03 of the best label") == pytest.approx(2 / 3)
    assert value(found, "best frame is still and has no fault") == pytest.approx(2 / 3)
    assert value(found, "label lost by the choice, mean") == pytest.approx(0.04)


def test_frames_that_were_dropped_were_not_answered_in_time() -> None:
    load = Load(100, 90, 10, [5.0] * 85 + [40.0] * 5, [4.0] * 90, 1.0, 1.0, 90.0, 0.2, {}, {})
    found = judge_load(load)
    assert value(found, "1080p at 30 fps: frames answered within 33 ms") == pytest.approx(0.85)
    assert one(found, "1080p at 30 fps: CPU, cores").held is True
    assert value(found, "1080p at 30 fps: time_ms, p99, ms") == 4


def test_memory_that_grows_is_a_trend_and_a_step_is_none() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 50_000, 100)
    grows = Memory(1000, (10**8 + 100_000 * np.arange(100) + noise).tolist(), 100_000, 1.0)
    step = Memory(1000, (10**8 + noise + (np.arange(100) > 3) * 1_000_000).tolist(), 100_000, 1.0)
    assert one(judge_memory(grows), "trend of memory, MB in 100,000 frames").held is False
    assert one(judge_memory(grows), "memory added over 100,000 frames, MB").held is False
    assert [figure.held for figure in judge_memory(step)] == [True, True]


def test_frames_are_played_to_and_fro_on_a_clock() -> None:
    buffers = [Buffer(bytes(64), "GRAY", 8, 8, time_s=float(at)) for at in range(3)]
    played = [buffer for buffer, _ in zip(play(buffers), range(9), strict=False)]
    assert [next(i for i, b in enumerate(buffers) if b.data is p.data) for p in played] == [
        0,
        1,
        2,
        1,
        0,
        1,
        2,
        1,
        0,
    ]
    assert [p.time_s for p in played] == pytest.approx(np.arange(9) / 30)


def test_a_case_survives_its_file() -> None:
    case = Case(
        "7", "white", [frame("good|steady", hint="noise", score=71.5)], choice("7", 0.9, 0.95, "good")
    )
    assert Case.from_dict(case.to_dict()) == case


def test_a_watched_film_tells_of_every_frame_and_of_its_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_cases, "Film", lambda seed, *size: Film(seed, *size, ("still",), "white", 0))
    monkeypatch.setattr(camera_cases, "_EVERY", 1000)
    with Inspector.open(threads=1) as inspector:
        case = camera_cases.watch_film(camera_cases.Task(3, 320, 180, True), inspector)
    film = Film(3, 320, 180, ("still",), "white", 0)
    assert [row.allowed for row in case.frames] == [truth.allowed for truth in film.truths]
    assert {row.state for row in case.frames} <= set(STATES)
    assert case.choice is not None and case.choice.chosen == case.choice.labels[case.choice.index]
    assert case.choice.best == max(case.choice.labels.values()) and 0.8 < case.choice.best <= 1
