"""What is measured on a live frame does not depend on how the camera stored it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa.camera.look import SMALL_PX, Look, look
from edge_iqa.stream.buffer import Buffer


@pytest.fixture(scope="module")
def upright() -> NDArray[np.uint8]:
    """A sharp thing low on the left of a light ground, beside a soft one: the sharp one is where edges are measured."""
    rng = np.random.default_rng(0)
    picture = np.full((540, 960, 3), 235, np.uint8)
    picture[280:480, 120:420] = cv2.GaussianBlur(rng.integers(0, 200, (200, 300, 3), np.uint8), (0, 0), 1.2)
    return picture


def see(upright: NDArray[np.uint8], rotation_deg: int) -> Look:
    stored = np.ascontiguousarray(np.rot90(upright, rotation_deg // 90))
    buffer = Buffer(stored, "RGB", stored.shape[1], stored.shape[0], rotation_deg=rotation_deg)
    assert np.array_equal(buffer.to_rgb(), upright)
    return look(buffer, buffer.shrink(SMALL_PX), 1600)


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_a_turned_frame_has_the_same_box_and_edges(upright: NDArray[np.uint8], rotation_deg: int) -> None:
    known, seen = see(upright, 0), see(upright, rotation_deg)
    assert known.box == pytest.approx((120 / 960, 280 / 540, 300 / 960, 200 / 540), abs=0.02)
    assert seen.box == pytest.approx(known.box, abs=0.01)
    assert seen.fill == pytest.approx(known.fill, abs=0.01)
    assert known.blur_px is not None and known.blur_px < 5, "measured on the thing, not on the ground"
    assert seen.blur_px == pytest.approx(known.blur_px, rel=0.1)
    assert seen.placement.present == pytest.approx(known.placement.present, abs=0.05)


def test_yuv_says_what_rgb_says(upright: NDArray[np.uint8]) -> None:
    i420 = cv2.cvtColor(upright, cv2.COLOR_RGB2YUV_I420)
    buffer = Buffer(i420, "I420", 960, 540)
    known, seen = see(upright, 0), look(buffer, buffer.shrink(SMALL_PX), 1600)
    assert seen.box == pytest.approx(known.box, abs=0.01)
    assert seen.blur_px == pytest.approx(known.blur_px, rel=0.15)
    assert seen.highlight == pytest.approx(known.highlight, abs=0.02)


def test_more_blur_is_measured_as_more(upright: NDArray[np.uint8]) -> None:
    widths = [see(cv2.GaussianBlur(upright, (0, 0), sigma), 0).blur_px for sigma in (0.5, 2.0, 4.0)]
    assert widths == sorted(widths) and widths[-1] > 1.5 * widths[0]
