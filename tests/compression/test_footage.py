"""Films: what they say of their frames is what the frames show."""

from __future__ import annotations

from functools import cache
from itertools import islice

import cv2
import numpy as np
import pytest

from compression.degradations.kernels import convolve, disk
from compression.footage import KINDS, MOVING_SHARE, TREMOR_SHARE, Film, Place, Truth, seeds
from compression.footage.path import Sensor, to_world
from compression.footage.truth import SOUND, allow, resolve

WIDTH, HEIGHT = 640, 360


@cache
def film(seed: int, kind: str, background: str | None = None, rotation_deg: int = 0) -> Film:
    return Film(seed, WIDTH, HEIGHT, (kind,), background, rotation_deg)


def to_linear(pixels: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, written down once more."""
    value = pixels / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def pick(drawn: Film, *states: str) -> list[Truth]:
    return [truth for truth in drawn.truths if truth.allowed == set(states)]


def test_a_seed_gives_the_same_film_and_another_seed_another() -> None:
    one, again, other = (Film(seed, 320, 180) for seed in (4, 4, 5))
    assert one.truths == again.truths and one.truths != other.truths
    assert np.array_equal(one.shoot(20).data, again.shoot(20).data)
    # a frame does not depend on those that were rendered before it
    streamed, truth = next(islice(one.frames(), 20, None))
    assert np.array_equal(streamed.data, again.shoot(20).data) and truth == again.truths[20]


def test_development_and_held_out_films_do_not_meet() -> None:
    assert not set(seeds("development")[::1000]) & set(seeds("held out")[::1000])
    ends = (seeds("development")[-1], seeds("held out")[0])
    assert ends[0] < ends[1]
    assert Film(ends[0], 320, 180).truths != Film(ends[1], 320, 180).truths


@pytest.mark.parametrize("seed", [1, 2])
def test_the_picture_moves_as_far_as_the_truth_says(seed: int) -> None:
    drawn = film(seed, "wander", "stone")
    window = cv2.createHanningWindow((WIDTH, HEIGHT), cv2.CV_32F)
    ratios, still = [], []
    before = None
    for truth in drawn.truths[20:]:
        luma = drawn.shoot(truth.index).luma().astype(np.float32)
        if before is not None:
            (x, y), _ = cv2.phaseCorrelate(before, luma, window)
            moved = np.hypot(x, y) / WIDTH
            if truth.shift_share > 2 * MOVING_SHARE:
                ratios.append(moved / truth.shift_share)
            elif truth.allowed == {"good"}:
                still.append(moved)
        before = luma
    # the farthest corner moves a little farther than the middle, as the hand turns too
    assert len(ratios) > 8 and 0.85 < np.median(ratios) < 1.02
    assert len(still) > 8 and max(still) < 0.0015


def test_a_hand_at_rest_trembles_within_its_bound_and_always() -> None:
    for kind in ("still", "dark", "cut off"):
        drawn = film(3, kind)
        sensor = drawn.sensor
        corners = np.array(
            [[-0.5, -0.5, 1], [WIDTH - 0.5, -0.5, 1], [-0.5, HEIGHT - 0.5, 1], [WIDTH - 0.5, HEIGHT - 0.5, 1]]
        )
        for truth in drawn.truths[1:]:
            if truth.allowed & {"moving"} or truth.ramp:
                continue
            then, now = (
                np.vstack((to_world(drawn.script.poses[at], *sensor.upright), (0, 0, 1)))
                for at in (truth.index - 1, truth.index)
            )
            seen = np.linalg.inv(now) @ then @ corners.T
            moved = np.hypot(*(seen[:2] - corners.T[:2])).max() / sensor.long_px
            assert 0 < moved <= TREMOR_SHARE
            assert moved == pytest.approx(truth.shift_share, abs=1e-6)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_outline_box_and_frame_tell_of_the_same_place(rotation_deg: int) -> None:
    for kind in ("far", "cut off"):
        drawn = film(6, kind, "white", rotation_deg)
        for truth in drawn.truths[:: len(drawn) // 6]:
            mask, twin = drawn.outline(truth.index), drawn.twin(truth.index)
            width, height = drawn.sensor.upright
            assert mask.shape == (height, width) and twin.shape == (height, width, 3)
            # rows that are read one after another lean what moves, which the place leaves out
            if not truth.allowed & {"moving"}:
                rows, columns = np.nonzero(mask > 127)
                fill = max((np.ptp(rows) + 1) / height, (np.ptp(columns) + 1) / width)
                assert truth.place.fill == pytest.approx(fill, abs=0.008)
                edges = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]) > 127
                assert truth.place.cut_off == pytest.approx(edges.mean(), abs=0.006)
                # what is colored is the product, in the frame as in its twin
                frame = drawn.shoot(truth.index).to_rgb()
                assert np.corrcoef(frame.ravel(), twin.ravel())[0, 1] > 0.9
                color = np.ptp(cv2.blur(frame, (5, 5)).astype(int), axis=2)
                outside = cv2.dilate(mask, np.ones((9, 9), np.uint8)) == 0
                assert np.quantile(color[outside], 0.95) < np.quantile(color[mask > 250], 0.95)


def test_stops_are_those_of_linear_light() -> None:
    drawn = film(7, "dark", "stone")
    dark = pick(drawn, "too_dark")
    assert len(dark) > 10
    for truth in dark[::8]:
        frame, twin = drawn.shoot(truth.index).to_rgb(), drawn.twin(truth.index)
        ratio = to_linear(cv2.blur(frame, (9, 9))).mean() / to_linear(cv2.blur(twin, (9, 9))).mean()
        assert np.log2(ratio) == pytest.approx(truth.stops, abs=0.2)
        assert truth.stops <= -2.5


def test_burnt_out_products_are_white_in_the_frame() -> None:
    seen = 0
    for seed in range(3):
        drawn = film(seed, "bright", "gray")
        for truth in pick(drawn, "too_bright")[::15]:
            frame, mask = drawn.shoot(truth.index).to_rgb(), drawn.outline(truth.index)
            white = (frame.min(2) >= 249)[mask > 250].mean()
            assert truth.burnt > 0.15 and white == pytest.approx(truth.burnt, abs=0.06)
            seen += 1
    assert seen >= 3


def test_no_rightly_exposed_product_is_burnt_out() -> None:
    for seed in (4, 56, 79):  # white products
        for truth in Film(seed, 320, 180).truths:
            if truth.allowed <= {"good", "steady", "cut_off", "too_far"} and not truth.ramp:
                assert truth.burnt <= 0.02 and abs(truth.stops) <= 0.5


def test_defocus_is_a_disk_of_that_radius_in_linear_light() -> None:
    drawn = film(8, "defocus", "table")
    blurry = pick(drawn, "blurry")
    assert len(blurry) > 10 and min(truth.focus_px for truth in blurry) >= 4
    truth = blurry[len(blurry) // 2]
    twin = drawn.twin(truth.index)
    known = convolve(twin.astype(np.float32) / 255, disk(truth.focus_px * WIDTH / 1600)) * 255
    frame = cv2.blur(drawn.shoot(truth.index).to_rgb(), (3, 3)).astype(float)
    gain = 2.0 ** (truth.stops / 2.2)
    wrong, unblurred = (
        np.abs(frame - cv2.blur(np.clip(each * gain, 0, 255), (3, 3))).mean()
        for each in (known, twin.astype(np.float32))
    )
    assert wrong < 3 and wrong < unblurred


def test_noise_has_the_deviation_of_shot_and_read() -> None:
    drawn = film(9, "noisy", "gray")
    deviations = {}
    for truth in drawn.truths[5::10]:
        luma, mask = drawn.shoot(truth.index).luma().astype(np.float32), drawn.outline(truth.index)
        flat = cv2.dilate(mask, np.ones((41, 41), np.uint8)) == 0
        rough = (luma - cv2.GaussianBlur(luma, (0, 0), 3))[flat]
        light = to_linear((np.median(luma[flat]) - 16) / 219 * 255)
        sigma = np.sqrt(0.02 * truth.noise * light + (0.04 * truth.noise) ** 2)
        slope = 1.055 / 2.4 * light ** (1 / 2.4 - 1)  # of the tone curve at that light
        expected = sigma * slope * 219 * 0.7
        deviations[truth.noise] = rough.std() / expected
    assert max(deviations) > 0.5 and min(deviations) < 0.05
    for noise, ratio in deviations.items():
        if noise > 0.05:  # below, rounding to levels counts for more
            assert 0.8 < ratio < 1.2


def test_long_exposures_smear_along_the_way() -> None:
    drawn = Film(15, 1280, 720, ("wander",), "stone", 0)
    truth = max(drawn.truths, key=lambda truth: truth.path_px)
    assert truth.path_px > 8
    velocity = drawn._velocities[truth.index, :2]
    frame = drawn.shoot(truth.index).luma().astype(np.float32)
    twin = cv2.cvtColor(drawn.twin(truth.index), cv2.COLOR_RGB2GRAY).astype(np.float32)

    def ratio(plane: np.ndarray) -> float:
        soft = cv2.GaussianBlur(plane, (0, 0), 1.2)
        x, y = cv2.Sobel(soft, -1, 1, 0), cv2.Sobel(soft, -1, 0, 1)
        along = velocity / np.linalg.norm(velocity)
        return float(np.abs(x * along[0] + y * along[1]).mean() / np.abs(-x * along[1] + y * along[0]).mean())

    assert ratio(frame) < 0.85 * ratio(twin)


def test_rows_are_read_one_after_another() -> None:
    drawn = film(2, "wander", "stone")
    fast = max(drawn.truths, key=lambda truth: abs(drawn._velocities[truth.index, 0]))
    sideways = drawn._velocities[fast.index, 0] / np.exp(drawn.script.poses[fast.index, 2])
    matrix = drawn._map(fast.index, 0.0)
    still = to_world(drawn.script.poses[fast.index], WIDTH, HEIGHT)
    lean = np.linalg.inv(still[:, :2]) @ (matrix @ (0, HEIGHT - 1, 1) - still @ (0, HEIGHT - 1, 1))
    assert lean[0] == pytest.approx(sideways * drawn.readout_share / 2, rel=0.02)
    assert 0.4 <= drawn.readout_share <= 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_named_holds_by_its_bound(kind: str) -> None:
    drawn = film(12, kind)
    bounds = {
        "moving": lambda t: t.shift_share > 0.005,
        "too_dark": lambda t: t.stops <= -2.5,
        "too_bright": lambda t: t.burnt > 0.15,
        "no_product": lambda t: t.place.box is None,
        "blurry": lambda t: t.focus_px >= 4,
        "cut_off": lambda t: t.place.cut_off > 0.04,
        "too_far": lambda t: t.place.fill < 0.3,
    }
    named = set()
    for truth in drawn.truths:
        if len(truth.allowed) == 1:
            (state,) = truth.allowed
            named.add(state)
            holding = [name for name, holds in bounds.items() if holds(truth)]
            if state in bounds:
                assert holding[0] == state, "who goes first is named"
            else:
                assert not holding and abs(truth.stops) <= 0.5 and truth.focus_px <= 0.8
                assert truth.place.margin >= 0.02 and 0.5 <= truth.place.fill <= 0.9
                assert truth.shift_share <= 0.0012
    expected = {
        "still": set(), "wander": {"moving"}, "background": {"moving", "no_product"}, "far": {"moving", "too_far"},
        "cut off": {"moving"}, "defocus": {"blurry"}, "dark": {"too_dark"}, "bright": set(), "flash": set(),
        "noisy": {"steady"}, "dark and far": {"too_dark", "too_far"}, "blurry and cut": {"blurry", "moving"},
        "dark in motion": {"too_dark", "moving"},
    }  # fmt: skip
    assert {"good", *expected[kind]} <= named


def test_drawn_films_last_five_to_ten_seconds_and_cover_all_states() -> None:
    named: set[str] = set()
    for seed in range(24):
        drawn = Film(seed, 320, 180)
        assert 150 <= len(drawn) <= 300
        named |= {state for truth in drawn.truths for state in truth.allowed if len(truth.allowed) == 1}
    assert named >= {
        "steady",
        "moving",
        "too_dark",
        "too_bright",
        "blurry",
        "too_far",
        "cut_off",
        "no_product",
        "good",
    }


def test_buffers_are_turned_and_padded_and_cannot_be_mistaken() -> None:
    kinds = {(one.sensor.rotation_deg, one.padded) for one in (Film(seed, 320, 180) for seed in range(16))}
    assert {True, False} <= {padded for _, padded in kinds} and {0, 90} <= {turn for turn, _ in kinds}
    drawn = next(each for each in (Film(seed, 320, 180) for seed in range(16)) if each.padded)
    buffer = drawn.shoot(0)
    assert buffer.stride_bytes > buffer.width_px and buffer.format == "NV12"
    assert buffer.upright_size == drawn.sensor.upright == drawn.twin(0).shape[1::-1]


def test_odd_and_tiny_films_are_refused() -> None:
    for width, height in ((321, 180), (320, 120)):
        with pytest.raises(ValueError, match="even sides"):
            Film(0, width, height)


# states of made-up values

SEEN = Place(1.0, (0.2, 0.2, 0.6, 0.6), 0.6, 0.0, 0.2)


@pytest.mark.parametrize(
    ("values", "states"),
    [
        ({}, {SOUND}),
        ({"shift_share": 0.003}, {"moving", SOUND}),
        ({"shift_share": 0.006, "stops": -4}, {"moving"}),
        ({"stops": -1}, {"too_dark", SOUND}),
        ({"stops": -3, "focus_px": 9}, {"too_dark"}),
        ({"stops": 2, "burnt": 0.3}, {"too_bright"}),
        ({"focus_px": 2, "place": Place(1.0, (0.4, 0.4, 0.2, 0.2), 0.2, 0.0, 0.4)}, {"blurry", "too_far"}),
        ({"place": Place()}, {"no_product"}),
        ({"place": Place(0.7, (0.0, 0.2, 0.2, 0.2), 0.2, 0.06, 0.0)}, {"cut_off"}),
    ],
)
def test_states_go_first_in_their_order(values: dict, states: set[str]) -> None:
    sound = {"shift_share": 0.001, "stops": 0.1, "burnt": 0.0, "focus_px": 0.3, "place": SEEN}
    assert resolve(**{**sound, **values}) == states


def test_steady_becomes_good_after_eight_frames_and_ramps_allow_both_ends() -> None:
    sound, dark = frozenset({SOUND}), frozenset({"too_dark"})
    resolved = [dark] * 2 + [sound] * 4 + [sound] * 12
    ramps = [0] * 2 + [1] * 4 + [0] * 12
    named = allow(resolved, ramps, [0.01] * len(resolved))
    assert named[:2] == [{"too_dark"}] * 2
    assert named[2:6] == [{"too_dark", "steady", "good"}] * 4
    assert named[6:13] == [{"steady"}] * 3 + [{"steady", "good"}] * 4 and named[13:] == [{"good"}] * 5
    assert allow([sound] * 9, [0] * 9, [0.0] * 9) == [{"steady"}] * 7 + [{"good"}] * 2
    assert allow([sound] * 9, [0] * 9, [0.9] * 9)[-1] == {"steady"}, "noise alone bars good"


def test_sensors_turn_pixels_as_rot90_does() -> None:
    stored = np.arange(12).reshape(3, 4)
    for rotation_deg in (0, 90, 180, 270):
        upright = np.rot90(stored, -rotation_deg // 90)
        for (y, x), value in np.ndenumerate(stored):
            column, row, _ = Sensor(4, 3, rotation_deg).to_upright() @ (x, y, 1)
            assert upright[int(row), int(column)] == value
