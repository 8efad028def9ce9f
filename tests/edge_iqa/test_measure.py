"""What is measured is what was drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_iqa.frame import Frame
from edge_iqa.mask import Mask
from edge_iqa.measure import Measurements, measure
from edge_iqa.measurement import MEASURES
from edge_iqa.measures.background import measure_background
from edge_iqa.measures.light import to_lab, to_uv
from edge_iqa.measures.study import Study
from tests.edge_iqa.drawn import draw_block, to_frame, turn


def _measure(pixels: np.ndarray) -> Measurements:
    return measure(to_frame(pixels))


def _value(pixels: np.ndarray, name: str) -> float:
    return _measure(pixels).values[name].value


# framing


@settings(max_examples=25, deadline=None)
@given(st.floats(0.02, 0.3), st.floats(0.02, 0.3), st.floats(0.3, 0.6), st.floats(0.3, 0.6))
def test_fill_center_and_box_are_those_of_the_block(
    left: float, top: float, wide: float, tall: float
) -> None:
    found = _measure(draw_block("white", (left, top, wide, tall))).values
    assert found["fill"].value == pytest.approx(max(wide, tall), abs=0.02)
    assert found["fill_area"].value == pytest.approx(wide * tall, abs=0.03)
    middle = np.hypot(left + wide / 2 - 0.5, top + tall / 2 - 0.5)
    assert found["off_center"].value == pytest.approx(middle, abs=0.02)
    assert found["products"].value == 1 and found["cut_off"].value == 0
    assert found["product"].box == pytest.approx((left, top, wide, tall), abs=0.02)


def test_a_block_that_leaves_the_photo_is_cut_off_by_its_share_of_the_edges() -> None:
    found = _measure(draw_block("gray", (-0.1, 0.3, 0.5, 0.4))).values["cut_off"]
    assert found.value == pytest.approx(0.4 * 600 / (2 * (600 + 800)), abs=0.01)
    assert found.box is not None and found.box[0] == 0 and found.box[1] == pytest.approx(0.3, abs=0.02)


def test_two_blocks_are_two_products() -> None:
    photo = draw_block("white", (0.1, 0.3, 0.3, 0.4))
    photo[:, 400:] = draw_block("white", (0.6, 0.3, 0.3, 0.4))[:, 400:]
    assert _value(photo, "products") == 2


@pytest.mark.parametrize("degrees", [-12.0, -5.0, 4.0, 9.0])
def test_a_block_leans_as_far_as_it_was_turned(degrees: float) -> None:
    photo = turn(draw_block("white", (0.3, 0.2, 0.4, 0.6), grain=2.0), degrees)
    assert _value(photo, "skew") == pytest.approx(degrees, abs=1.0)


def test_an_upright_block_does_not_lean() -> None:
    assert _value(draw_block("white", grain=2.0), "skew") == 0


# light


def test_light_is_that_of_the_product_and_not_of_the_white_around_it() -> None:
    found = _measure(draw_block("white", color=(60, 60, 60), grain=3.0)).values
    expected = float(to_lab(np.full((1, 3), 60, np.uint8))[0, 0])
    assert found["brightness"].value == pytest.approx(expected, abs=1.5)
    assert found["clipped_bright"].value < 0.01 and found["saturation"].value < 3
    assert found["background_white"].value == 1 and found["background_brightness"].value > 99


@pytest.mark.parametrize(("rim", "told"), [(120, {"background_white": (0.0, None)}), (255, {})])
def test_without_an_outline_the_rim_tells_that_a_background_is_not_white_and_never_that_it_is(
    rim: int, told: dict[str, object]
) -> None:
    photo = np.full((600, 800, 3), 90, np.uint8)
    photo[:40], photo[-40:], photo[:, :40], photo[:, -40:] = rim, rim, rim, rim
    study = Study.of(to_frame(photo))
    nothing = Mask(np.zeros_like(study.mask.product), "none", 0.0, 0.0)
    assert measure_background(replace(study, mask=nothing)) == told


def test_burnt_and_drowned_shares_are_those_that_were_drawn() -> None:
    photo = draw_block("gray", (0.2, 0.2, 0.6, 0.6), grain=0.0)
    photo[120:240, 160:640] = 255  # a third of the block
    assert _value(photo, "clipped_bright") == pytest.approx(1 / 3, abs=0.03)
    photo[120:240, 160:640] = 0
    assert _value(photo, "clipped_dark") == pytest.approx(1 / 3, abs=0.03)
    photo[120:240, 160:640] = (255, 120, 40)
    found = _measure(photo).values
    assert found["blown"].value == pytest.approx(1 / 3, abs=0.03) and found["clipped_bright"].value < 0.02


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_a_cast_is_the_distance_of_a_pale_background_from_gray(du: float, dv: float) -> None:
    """From u'v' back to sRGB by the formulas of CIE 15 and IEC 61966-2-1, written down here once more."""
    u, v, luminance = 0.19784 + du, 0.46834 + dv, 0.6
    x, z = luminance * 9 * u / (4 * v), luminance * (12 - 3 * u - 20 * v) / (4 * v)
    matrix = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    linear = np.linalg.solve(matrix, [x, luminance, z])
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)
    if (rgb < 0).any() or (rgb > 1).any():
        return
    pixels = draw_block("gray")
    pixels[(pixels == pixels[0, 0]).all(-1)] = np.round(rgb * 255).astype(np.uint8)
    assert _value(pixels, "cast") == pytest.approx(np.hypot(du, dv), abs=0.002)


def test_chromaticities_of_the_primaries_are_those_of_the_standard() -> None:
    """Table of IEC 61966-2-1: x, y of red, green and blue, turned to u'v' by 4x / (-2x + 12y + 3)."""
    xy = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
    expected = np.stack([4 * xy[:, 0], 9 * xy[:, 1]], 1) / (-2 * xy[:, :1] + 12 * xy[:, 1:] + 3)
    assert to_uv(np.eye(3, dtype=np.uint8) * 255) == pytest.approx(expected, abs=5e-4)


# sharpness, noise, resolution


@settings(max_examples=10, deadline=None)
@given(st.floats(2, 12))
def test_noise_is_the_deviation_that_was_added(sigma: float) -> None:
    ramp = np.linspace(90, 160, 900)[None, :, None] * np.ones((700, 1, 3))
    grain = np.random.default_rng(3).normal(0, sigma, (700, 900, 1))
    photo = np.clip(ramp + grain, 0, 255).astype(np.uint8)
    assert _value(photo, "noise") == pytest.approx(sigma, rel=0.25)


def test_blur_grows_with_the_blur_and_motion_tells_its_direction() -> None:
    import cv2

    rng = np.random.default_rng(0)
    sharp = cv2.resize(
        rng.integers(0, 256, (40, 40, 3), np.uint8), (800, 800), interpolation=cv2.INTER_NEAREST
    )
    widths = [_value(cv2.GaussianBlur(sharp, (0, 0), sigma), "blur") for sigma in (0.5, 1.5, 3.0)]
    assert widths == sorted(widths) and widths[2] > 1.8 * widths[0]
    moved = _measure(cv2.blur(sharp, (25, 1))).values
    round_ = _measure(cv2.GaussianBlur(sharp, (0, 0), 3.0)).values
    assert moved["motion"].value > 0.5 > round_["motion"].value
    assert moved["motion_direction"].value in (0.0, 180.0)


@pytest.mark.parametrize("method", ["INTER_CUBIC", "INTER_LANCZOS4"])
def test_an_enlarged_photo_is_told_from_its_original(method: str) -> None:
    import cv2

    rng = np.random.default_rng(5)
    spectrum = np.fft.rfft2(rng.normal(0, 1, (900, 900)))
    y, x = np.abs(np.fft.fftfreq(900))[:, None], np.fft.rfftfreq(900)[None]
    field = np.fft.irfft2(spectrum / np.maximum(np.hypot(x, y), 1 / 900) ** 1.2)
    luma = np.clip(128 + 45 * field / field.std(), 0, 255).astype(np.uint8)
    original = np.repeat(luma[..., None], 3, 2)
    assert _value(original, "upscaled") == 1
    grown = cv2.resize(original[:450, :450], (900, 900), interpolation=getattr(cv2, method))
    found = _measure(grown).values
    assert found["upscaled"].value == pytest.approx(2, rel=0.3)
    assert found["true_long_side_px"].value == pytest.approx(900 / found["upscaled"].value)


# what was added


@pytest.mark.parametrize("width", [12, 30, 48])
def test_a_frame_is_as_wide_as_it_was_drawn(width: int) -> None:
    photo = draw_block("gray")
    photo[:width] = photo[-width:] = photo[:, :width] = photo[:, -width:] = (200, 30, 40)
    found = _measure(photo).values["border"]
    assert found.value == pytest.approx(width / 600, abs=0.006)
    assert found.box == pytest.approx((width / 800, width / 600, 1 - width / 400, 1 - width / 300), abs=0.01)


def test_a_plain_photo_has_neither_frame_nor_panels_nor_screen() -> None:
    found = _measure(draw_block("gray")).values
    assert (found["border"].value, found["collage"].value, found["screenshot"].value) == (0, 1, 0)


def test_panels_are_counted() -> None:
    one, two, three, four = (
        draw_block(ground, seed=seed, height=300, width=400)
        for seed, ground in enumerate(("gray", "dark", "white", "gray"))
    )
    four = 255 - four
    grid = np.vstack([np.hstack([one, two]), np.hstack([three, four])])
    assert _value(grid, "collage") == 4
    assert _value(np.hstack([one, two]), "collage") == 2


# any photo


@settings(max_examples=30, deadline=None)
@given(
    st.integers(32, 900),
    st.integers(32, 900),
    st.integers(0, 2**31),
    st.sampled_from(("noise", "flat", "block")),
)
def test_any_photo_is_measured_in_the_units_and_ranges_of_the_table(
    height: int, width: int, seed: int, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    if kind == "block":
        pixels = draw_block("gray", height=height, width=width, seed=seed)
    else:
        pixels = rng.integers(0, 256, (height, width, 3) if kind == "noise" else (1, 1, 3), np.uint8)
        pixels = np.broadcast_to(pixels, (height, width, 3)).copy()
    found = measure(Frame(pixels, width, height), file_bytes=1234).values
    assert list(found) == [name for name in MEASURES if name in found]
    assert found["file_bytes"].value == 1234 and found["aspect_ratio"].value == width / height
    for name, measurement in found.items():
        assert measurement.unit == MEASURES[name].unit and np.isfinite(measurement.value), name
        if measurement.unit == "share":
            assert 0 <= measurement.value <= 1, name
        if measurement.box is not None:
            left, top, wide, tall = measurement.box
            assert min(measurement.box) >= 0 and left + wide <= 1 + 1e-9 and top + tall <= 1 + 1e-9, name


def test_a_jpeg_that_was_decoded_smaller_does_not_pretend_to_show_its_finest_detail() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    found = measure(Frame(pixels, 3200, 2400)).values
    assert "upscaled" not in found and found["long_side_px"].value == 3200
