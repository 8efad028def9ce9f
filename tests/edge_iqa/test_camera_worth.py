"""Which of several sound frames is the better photo."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from edge_iqa.camera.shortlist import Shortlist
from edge_iqa.camera.worth import measure_softness, weigh
from edge_iqa.stream.buffer import Buffer

SOUND = {"overall": 0.8, "sharpness": 0.9, "exposure": 0.99, "noise": 0.95, "detail": 0.98}


def test_what_a_new_photo_mends_and_edges_count_and_contrast_does_not() -> None:
    worth = weigh(SOUND, 2.0)
    for name in ("exposure", "noise", "detail", "sharpness"):
        assert weigh({**SOUND, name: 0.7}, 2.0) < worth
    assert weigh({**SOUND, "contrast": 0.1, "color": 0.1}, 2.0) == worth
    assert weigh(SOUND, 2.5) < worth
    # a few hundredths of sharpness are less than a third of a pixel of the edges
    assert weigh({**SOUND, "sharpness": 0.94}, 2.3) < worth
    assert weigh({**SOUND, "noise": 0.99}, 2.3) > worth - 0.03
    assert weigh({}, 2.0) > weigh({}, 3.0), "without scores softness decides"


def test_motion_and_missing_edges_are_soft() -> None:
    assert measure_softness(2.0, 0.0) == 2.0 < measure_softness(2.0, 0.001) < measure_softness(None, 0.0)


@given(st.lists(st.floats(0, 1), min_size=31, max_size=150), st.integers(1, 12))
def test_the_best_frame_of_every_stretch_is_kept_whatever_comes_around_it(
    worth: list[float], most: int
) -> None:
    shortlist = Shortlist(most, 0.5)
    buffer = Buffer(np.zeros((32, 32), np.uint8), "GRAY", 32, 32)
    for index, value in enumerate(worth):
        shortlist.offer(buffer, (value, -float(index)), index / 30, index)
    stretches: dict[float, list[int]] = {}
    for index in range(len(worth)):
        stretches.setdefault(index / 30 // 0.5, []).append(index)
    winners = [max(each, key=lambda at: (worth[at], -at)) for each in stretches.values()]
    expected = sorted(winners, key=lambda at: (worth[at], -at), reverse=True)[:most]
    assert [kept.index for kept in shortlist.kept] == expected


def test_frames_that_slowly_get_better_leave_one_of_every_stretch() -> None:
    shortlist = Shortlist(12, 0.5)
    buffer = Buffer(np.zeros((32, 32), np.uint8), "GRAY", 32, 32)
    for index in range(300):
        shortlist.offer(buffer, (float(index),), index / 30, index)
    assert len(shortlist.kept) == 12 and shortlist.kept[0].index == 299
