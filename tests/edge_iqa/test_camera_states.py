"""States and hints: what is said follows the picture, and does not flicker."""

from __future__ import annotations

import random
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from edge_iqa.camera.hints import Hints, choose_hint
from edge_iqa.camera.look import Look
from edge_iqa.camera.names import FAULTS, HINTS, STATES
from edge_iqa.camera.placement import Placement
from edge_iqa.camera.states import CALM_FRAMES, Seen, StateMachine
from edge_iqa.manifest import Thresholds

GOOD = Look(
    product=0.95, fill=0.7, placement=Placement(0.99, 0.7), cut_off=0.0,
    box=(0.2, 0.2, 0.6, 0.7), brightness=50.0,
    clipped=0.0, highlight=0.95, burnt=0.5, blur_px=2.0,
)  # fmt: skip
STILL = Seen(0.0005, GOOD, {"overall": 0.8, "exposure": 0.95})
NO_PRODUCT = replace(
    GOOD, product=0.0, placement=Placement(0.01, 0.5), fill=None, cut_off=None, box=None, blur_px=None
)
CASES = {
    "moving": replace(STILL, speed=0.02),
    "too_dark": replace(STILL, look=replace(GOOD, highlight=0.2, brightness=10.0, burnt=0.0)),
    "too_bright": replace(STILL, look=replace(GOOD, clipped=0.6, highlight=1.0, burnt=0.9)),
    "no_product": replace(STILL, look=NO_PRODUCT),
    "blurry": replace(STILL, look=replace(GOOD, blur_px=12.0)),
    "cut_off": replace(STILL, look=replace(GOOD, cut_off=0.1)),
    "too_far": replace(STILL, look=replace(GOOD, fill=0.15)),
}
"""A frame of each fault, far beyond its bound."""


def make_machine() -> StateMachine:
    return StateMachine(fill_at_least=0.4, reject=0.5)


def run(machine: StateMachine, frames: list[Seen]) -> list[str]:
    return [machine.update(frame) for frame in frames]


def test_every_fault_has_a_case() -> None:
    assert set(CASES) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_was_always_there_is_said_within_three_frames(fault: str) -> None:
    assert run(make_machine(), [CASES[fault]] * 3)[-1] == fault


@pytest.mark.parametrize("fault", FAULTS)
def test_a_still_and_sound_picture_is_good_after_so_many_frames_and_not_before(fault: str) -> None:
    states = run(make_machine(), [CASES[fault]] * 20 + [STILL] * 60)[20:]
    first = states.index("good")
    assert first >= CALM_FRAMES and set(states[first:]) == {"good"}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_odd_frame_changes_nothing(fault: str) -> None:
    machine = make_machine()
    run(machine, [STILL] * 30)
    assert run(machine, [CASES[fault], *[STILL] * 20]) == ["good"] * 21


def test_a_poor_score_keeps_a_picture_from_being_good() -> None:
    assert set(run(make_machine(), [replace(STILL, scores={"overall": 0.3})] * 30)) == {"steady"}


def test_noise_alone_keeps_a_picture_from_being_good_and_is_the_hint() -> None:
    drowned = {"overall": 0.6, "sharpness": 0.98, "exposure": 0.99, "detail": 0.99, "noise": 0.63}
    thresholds = Thresholds(0.6, 0.5, dict.fromkeys(("noise", "sharpness"), 0.85), 0.4)
    assert set(run(make_machine(), [replace(STILL, scores=drowned)] * 30)) == {"steady"}
    assert choose_hint("steady", drowned, thresholds) == "noise"
    # of the same product of scores, none of them bad
    even = {**drowned, "sharpness": 0.8, "noise": 0.8}
    assert run(make_machine(), [replace(STILL, scores=even)] * 30)[-1] == "good"
    assert choose_hint("steady", even, thresholds) is None


def test_a_burnt_part_that_hides_in_a_white_ground_is_told_by_what_exposure_lacks() -> None:
    partly = replace(GOOD, clipped=0.13, highlight=1.0, burnt=0.85, brightness=90.0)
    for exposure, state in ((0.84, "too_bright"), (0.97, "good")):
        frame = replace(STILL, look=partly, scores={"overall": 0.8, "exposure": exposure})
        assert run(make_machine(), [frame] * 30)[-1] == state
    # a dim picture that lacks exposure lacks light
    dim = replace(STILL, look=replace(partly, highlight=0.6), scores={"overall": 0.8, "exposure": 0.5})
    assert run(make_machine(), [dim] * 30)[-1] == "good"


def test_a_product_that_goes_with_its_ground_while_nothing_moves_has_too_much_light() -> None:
    sound = replace(STILL, look=replace(GOOD, burnt=0.1))
    gone = replace(STILL, look=replace(NO_PRODUCT, burnt=0.9, highlight=1.0), scores={})
    moved = replace(gone, speed=0.02)
    assert run(make_machine(), [sound] * 20 + [gone] * 30)[-1] == "too_bright"
    assert run(make_machine(), [sound] * 20 + [moved] * 5 + [gone] * 30)[-1] == "no_product", "a white wall"
    assert run(make_machine(), [gone] * 30)[-1] == "no_product"
    white = replace(STILL, look=replace(GOOD, burnt=0.8))
    assert run(make_machine(), [white] * 20 + [gone] * 30)[-1] == "no_product", "it was as white before"


def test_without_a_score_measurements_decide() -> None:
    assert run(make_machine(), [replace(STILL, scores={})] * 30)[-1] == "good"


def test_a_product_without_one_edge_is_out_of_focus_whatever_its_scores() -> None:
    blank = replace(STILL, look=replace(GOOD, blur_px=None))
    assert run(make_machine(), [blank] * 30)[-1] == "blurry"


def test_what_goes_first_is_said_where_several_hold() -> None:
    both = replace(CASES["too_dark"], speed=0.02)
    assert run(make_machine(), [both] * 5)[-1] == "moving"


@given(st.floats(0.25, 0.55), st.integers(0, 2**32 - 1))
def test_a_value_that_trembles_about_its_bound_does_not_flicker(fill: float, seed: int) -> None:
    rng = random.Random(seed)
    frames = [replace(STILL, look=replace(GOOD, fill=fill + rng.uniform(-0.01, 0.01))) for _ in range(120)]
    states = run(make_machine(), frames)
    far = ["too_far" if state == "too_far" else "near" for state in states[5:]]
    assert sum(far[at] != far[at - 1] for at in range(1, len(far))) <= 1


SEEN = st.builds(
    Seen,
    speed=st.floats(0, 1),
    look=st.builds(
        Look,
        product=st.floats(0, 1),
        placement=st.builds(Placement, st.floats(0, 1), st.floats(0, 1)),
        fill=st.none() | st.floats(0, 1),
        cut_off=st.none() | st.floats(0, 1),
        box=st.none(),
        brightness=st.floats(0, 100),
        clipped=st.floats(0, 1),
        highlight=st.floats(0, 1),
        burnt=st.floats(0, 1),
        blur_px=st.none() | st.floats(0.1, 100),
    ),
    scores=st.fixed_dictionaries({}, optional={"overall": st.floats(0, 1), "exposure": st.floats(0, 1)}),
)


@given(st.lists(SEEN, max_size=40))
def test_any_stream_has_a_known_state_and_good_is_never_sudden(frames: list[Seen]) -> None:
    states = run(make_machine(), frames)
    assert set(states) <= set(STATES)
    for at, state in enumerate(states):
        if state == "good":
            assert at >= CALM_FRAMES
            assert set(states[at - CALM_FRAMES + 1 : at]) <= {"steady", "good"}


@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=100))
def test_a_hint_stays_for_as_long_as_one_needs_to_see_it(states: list[str]) -> None:
    hints = Hints()
    shown = [hints.update(state if state in FAULTS else None) for state in states]
    assert set(shown) <= {None, *HINTS}
    changes = [at for at in range(1, len(shown)) if shown[at] != shown[at - 1]]
    assert all(changes[at] - changes[at - 1] >= 6 for at in range(1, len(changes)))


def test_a_poor_still_picture_gets_the_hint_of_its_worst_score() -> None:
    thresholds = Thresholds(0.6, 0.5, dict.fromkeys(("noise", "contrast", "sharpness"), 0.85), 0.4)
    scores = {
        "overall": 0.1,
        "noise": 0.4,
        "sharpness": 0.8,
        "contrast": 0.2,
    }  # contrast is the device's to repair
    assert choose_hint("steady", scores, thresholds) == "noise"
    assert choose_hint("steady", {**scores, "noise": 0.9}, thresholds) is None
    assert choose_hint("steady", {}, thresholds) is None and choose_hint("good", scores, thresholds) is None
