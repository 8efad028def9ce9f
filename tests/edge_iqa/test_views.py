"""Views: one global, some details, at viewing scale, where the photo has structure."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_iqa.frame import Frame
from edge_iqa.views import ViewSpec, cut

SPEC = ViewSpec(64, 2, 400)


def make_frame(pixels: np.ndarray) -> Frame:
    return Frame(pixels, pixels.shape[1], pixels.shape[0])


def make_noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@given(
    height=st.integers(32, 900),
    width=st.integers(32, 900),
    size=st.sampled_from([32, 64, 224]),
    detail=st.integers(0, 4),
)
@settings(max_examples=60)
def test_any_photo_gives_views_of_the_bundle_s_shape(height: int, width: int, size: int, detail: int) -> None:
    spec = ViewSpec(size, detail, 400)
    views = cut(make_frame(make_noise(height, width)), spec)
    assert views.shape == spec.shape == (1 + detail, size, size, 3)
    assert views.dtype == np.uint8


def test_details_of_a_small_photo_are_its_own_pixels() -> None:
    """Below viewing scale nothing is resized: every detail view stands in the photo to the last bit."""
    pixels = make_noise(200, 300)
    for view in cut(make_frame(pixels), SPEC)[1:]:
        match = cv2.matchTemplate(pixels, view, cv2.TM_SQDIFF)
        assert match.min() == 0


def test_the_global_view_is_the_whole_photo_averaged() -> None:
    """128 → 64 px is an exact 2x2 mean."""
    pixels = make_noise(128, 128)
    mean = pixels.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(cut(make_frame(pixels), SPEC)[0] - mean).max() <= 0.5


def test_a_photo_shrunk_by_any_factor_keeps_its_light() -> None:
    pixels = cv2.GaussianBlur(make_noise(1500, 2000), (0, 0), 3)
    view = cut(make_frame(pixels), SPEC)[0]
    assert view.mean((0, 1)) == pytest.approx(pixels.mean((0, 1)), abs=0.6)


def test_details_are_cut_at_viewing_scale() -> None:
    """Stripes of 8 px on a photo twice as large as the viewing scale are stripes of 4 px in the view."""
    stripes = np.tile(np.repeat([0, 255], 8), 50)[:800].astype(np.uint8)
    pixels = np.repeat(np.broadcast_to(stripes, (600, 800))[..., None], 3, 2).copy()
    view = cut(make_frame(pixels), SPEC)[1][32, :, 0].astype(float)
    spectrum = np.abs(np.fft.rfft(view - view.mean()))
    assert spectrum.argmax() == 64 // 8


def test_details_are_placed_on_the_thing_not_on_the_background() -> None:
    pixels = np.full((400, 400, 3), 255, np.uint8)
    pixels[260:390, 250:380] = make_noise(130, 130)
    for view in cut(make_frame(pixels), SPEC)[1:]:
        assert (view < 255).mean() > 0.7  # the two may not overlap, and stand on a grid of a quarter view


def test_details_of_one_photo_do_not_show_the_same_spot() -> None:
    first, second = cut(make_frame(make_noise(300, 300)), SPEC)[1:]
    assert not np.array_equal(first, second)


def test_a_flat_photo_is_judged_by_its_middle() -> None:
    pixels = np.full((200, 200, 3), 90, np.uint8)
    pixels[100, 100] = 91  # too little to be structure, enough to be found
    assert (cut(make_frame(pixels), ViewSpec(64, 1, 400))[1] == 91).any()


def test_a_photo_smaller_than_a_view_is_mirrored_not_enlarged() -> None:
    pixels = make_noise(40, 50)
    view = cut(make_frame(pixels), SPEC)[1]
    assert np.array_equal(view[:40, :50], pixels)
    assert np.array_equal(view[40:64, :50], pixels[15:39][::-1])  # row 40 mirrors row 38, and so on


def test_shifts_move_details_and_stop_at_the_border() -> None:
    frame = make_frame(make_noise(200, 200))
    corner = cut(frame, ViewSpec(64, 1, 400), np.array([[-999, -999]]))[1]
    assert np.array_equal(corner, frame.pixels[:64, :64])
    opposite = cut(frame, ViewSpec(64, 1, 400), np.array([[999, 999]]))[1]
    assert np.array_equal(opposite, frame.pixels[-64:, -64:])


def test_views_are_the_same_each_time_and_leave_the_photo_alone() -> None:
    frame = make_frame(make_noise(500, 700))
    before = frame.pixels.copy()
    assert np.array_equal(cut(frame, SPEC), cut(frame, SPEC))
    assert np.array_equal(frame.pixels, before)


@pytest.mark.parametrize(
    "bad", [{"size_px": 8}, {"size_px": 64.0}, {"detail": -1}, {"long_side_px": 10**6}, {"detail": True}]
)
def test_a_spec_that_cannot_be_is_refused_by_name(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        ViewSpec(**bad)  # type: ignore[arg-type]
