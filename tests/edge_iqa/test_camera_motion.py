"""How far a picture moved: against pictures that were moved by a known warp."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_iqa.camera.motion import FARTHEST, Motion
from edge_iqa.camera.states import MOVING

HEIGHT, WIDTH = 144, 256


def make_picture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A textured thing on a plain ground, sharp enough to be seen moving by a tenth of a pixel."""
    rng = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (height, width, 3)).astype(np.float32), (0, 0), 2.0)
    texture = (texture - texture.mean()) * 4 + 110
    picture = np.full((height, width, 3), 200, np.float32)
    inside = np.s_[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4]
    picture[inside] = texture[inside]
    return np.clip(picture, 0, 255).astype(np.uint8)


def make_warp(across: float, down: float, zoom: float = 0.0, roll: float = 0.0) -> np.ndarray:
    middle = np.array((WIDTH / 2, HEIGHT / 2))
    turn = np.array(((1 + zoom, -roll), (roll, 1 + zoom)))
    return np.hstack([turn, (middle - turn @ middle + (across, down))[:, None]])


def move(picture: np.ndarray, warp: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(
        picture, warp, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def find_true(warp: np.ndarray) -> float:
    corners = np.array(((0, 0, 1), (WIDTH, 0, 1), (0, HEIGHT, 1), (WIDTH, HEIGHT, 1)), float)
    return float(np.linalg.norm(corners @ warp.T - corners[:, :2], axis=1).max()) / WIDTH


def measure(before: np.ndarray, after: np.ndarray) -> float:
    motion = Motion()
    motion.measure(before)
    return motion.measure(after)


@pytest.mark.parametrize(
    "warp",
    [
        make_warp(0.3, 0), make_warp(0, -0.5), make_warp(2, 1), make_warp(-6, 4), make_warp(30, -10),
        make_warp(0, 0, zoom=0.01), make_warp(0, 0, zoom=-0.03), make_warp(0, 0, roll=0.01),
        make_warp(4, 0, 0.01, 0.01),
    ],
)  # fmt: skip
def test_a_known_shift_zoom_or_roll_is_found(warp: np.ndarray) -> None:
    picture = make_picture()
    true = find_true(warp)
    assert measure(picture, move(picture, warp)) == pytest.approx(true, abs=0.0005 + 0.15 * true)


def test_the_first_frame_and_one_of_another_shape_have_not_moved() -> None:
    motion = Motion()
    assert motion.measure(make_picture()) == 0
    assert motion.measure(make_picture(height=256, width=144)) == 0
    assert motion.measure(make_picture(height=256, width=144)) == pytest.approx(0, abs=1e-9)


def test_measuring_leaves_no_trace_in_what_comes_next() -> None:
    motion, picture = Motion(), make_picture()
    assert [motion.measure(picture) for _ in range(5)] == pytest.approx([0.0] * 5, abs=1e-9)


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.25])
def test_light_that_changes_is_no_motion(gain: float) -> None:
    picture = make_picture()
    brighter = np.clip(picture.astype(np.float32) * gain, 0, 255).astype(np.uint8)
    assert measure(picture, brighter) < 0.0015


def test_noise_is_no_motion() -> None:
    rng = np.random.default_rng(1)
    picture = make_picture().astype(np.float32)
    noisy = [np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8) for _ in range(10)]
    motion = Motion()
    assert max(motion.measure(each) for each in noisy) < 0.0012


@pytest.mark.parametrize("seed", range(5))
def test_another_scene_counts_as_motion(seed: int) -> None:
    one, two = make_picture(seed), np.roll(make_picture(seed + 10), 40, axis=1)
    assert measure(one, two) > 2 * MOVING.enter


@pytest.mark.parametrize("level", [0, 127, 255])
def test_flat_pictures_stand_still(level: int) -> None:
    flat = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    assert measure(flat, flat) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shape", [(1, 256, 3), (256, 1, 3), (32, 32, 3), (3, 256, 3)])
def test_any_shape_gets_a_number(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    one, two = (rng.integers(0, 256, shape, np.uint8) for _ in range(2))
    assert 0 <= measure(one, two) <= FARTHEST


def test_a_lamp_that_burns_half_of_the_picture_out_is_no_motion() -> None:
    picture = make_picture().astype(np.float32)
    steps = [np.clip(picture * gain, 0, 255).astype(np.uint8) for gain in (1.0, 1.8, 1.5, 1.3, 1.1, 1.0)]
    motion = Motion()
    assert max(motion.measure(each) for each in steps) < MOVING.enter


def test_noise_on_an_empty_wall_is_no_motion() -> None:
    rng = np.random.default_rng(2)
    wall = [np.clip(250 + rng.normal(0, 0.6, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8) for _ in range(30)]
    motion = Motion()
    assert np.quantile([motion.measure(each) for each in wall], 0.9) < MOVING.enter
