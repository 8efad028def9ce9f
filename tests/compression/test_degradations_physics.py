"""Faults do what their names say, in physical terms, and leave no other trace."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compression.degradations.color import BOOST
from compression.degradations.contrast import FLATTEN, STEEPEN
from compression.degradations.exposure import OVER_EV, UNDER_EV
from compression.degradations.grain import SIGMA
from compression.degradations.kernels import disk, gaussian
from compression.degradations.light import strength, to_linear, to_srgb, viewing_scale
from compression.degradations.scaling import FACTOR
from tests.compression.spoiling import flat, spoil

SEVERITIES = (0, 0.25, 0.5, 0.75, 1)
BT709 = np.array((0.2126, 0.7152, 0.0722), np.float32)


def luma(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) @ BT709


def variance(kernel: np.ndarray, axis: int) -> float:
    """Second moment of a spread of light around its own center, along one axis, in px squared."""
    share = kernel.sum(1 - axis) / kernel.sum()
    at = np.arange(share.size)
    return float((share * (at - (share * at).sum()) ** 2).sum())


# sRGB


@given(value=st.floats(0, 1, width=32))
@settings(max_examples=200)
def test_linear_light_round_trips(value: float) -> None:
    image = np.array([[[value] * 3]], np.float32)
    assert to_srgb(to_linear(image)) == pytest.approx(image, abs=1e-5)


def test_linear_light_matches_the_standard() -> None:
    """Values from IEC 61966-2-1: 18 % gray is code 118, half of full light code 188."""
    codes = to_srgb(np.array([0.18, 0.5], np.float32)) * 255
    assert codes.round().tolist() == [118, 188]


# blur


@pytest.mark.parametrize("radius", [1.0, 1.5, 2.2, 3.4, 6.5, 13.0])
def test_a_disk_has_a_quarter_of_its_radius_squared_as_variance(radius: float) -> None:
    """And 1/12 more for the pixels that it is averaged over (Sheppard's correction)."""
    kernel = disk(radius)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    for axis in (0, 1):
        assert variance(kernel, axis) == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.2)
    if radius > 2:
        assert variance(kernel, 0) == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.05)


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1.1, 3.25, 6.5])
def test_a_gaussian_sums_to_one_and_has_the_deviation_asked_for(sigma: float) -> None:
    kernel = gaussian(sigma)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    if sigma >= 0.5:
        assert variance(kernel, 0) == pytest.approx(sigma**2, rel=0.15)


@pytest.mark.parametrize("radius", [0.6, 0.8])
def test_the_mildest_disk_is_a_blur(radius: float) -> None:
    assert variance(disk(radius), 0) > 0.02


@pytest.mark.parametrize("fault", ["defocus", "motion"])
def test_blur_removes_fine_structure_and_keeps_light(three_photos: list[np.ndarray], fault: str) -> None:
    for photo in three_photos:
        blurred = spoil(photo, fault, 0.6)
        fine = [cv2.Laplacian(luma(each), cv2.CV_32F).var() for each in (photo / np.float32(255), blurred)]
        assert fine[1] < 0.5 * fine[0]
        light = [to_linear(each).mean() for each in (photo.astype(np.float32) / 255, blurred)]
        assert light[1] == pytest.approx(light[0], rel=0.02)


def test_motion_spreads_along_its_path_only() -> None:
    """Of all directions, a point is spread far less along one than along another."""
    point = np.zeros((61, 61, 3), np.uint8)
    point[29:32, 29:32] = 255
    ratios = []
    for seed in range(5):
        spread = to_linear(spoil(point, "motion", 0.7, seed))[..., 1]
        rows, columns = np.mgrid[:61, :61]
        axes = np.linalg.eigvalsh(np.cov(rows.ravel(), columns.ravel(), aweights=spread.ravel()))
        ratios.append(axes[1] / axes[0])
    assert np.median(ratios) > 4


@pytest.mark.parametrize("fault", ["defocus", "motion"])
def test_a_photo_twice_as_large_as_what_is_looked_at_is_blurred_by_twice_the_pixels(fault: str) -> None:
    deviations = []
    for width in (1600, 3200):
        point = np.zeros((65, width, 3), np.uint8)
        point[32, width // 2] = 255
        spread = to_linear(spoil(point, fault, 0.7, seed=3))[..., 1]
        # the pixel's own width belongs to neither
        deviations.append(np.sqrt(sum(variance(spread, axis) - 1 / 12 for axis in (0, 1))))
    assert deviations[1] == pytest.approx(2 * deviations[0], rel=0.06)


def test_viewing_scale_begins_above_what_is_looked_at() -> None:
    shapes = ((100, 160), (1600, 900), (100, 3200), (4000, 3000))
    assert [viewing_scale(np.empty((*shape, 3), np.float32)) for shape in shapes] == [1, 1, 2, 2.5]


# light


def test_exposure_scales_linear_light_by_stops() -> None:
    ramp = np.repeat(np.linspace(60, 120, 64).astype(np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    before = to_linear(ramp.astype(np.float32) / 255)
    for severity in (0.1, 0.3):
        for fault, stops in (
            ("under_exposure", -strength(severity, UNDER_EV)),
            ("over_exposure", strength(severity, OVER_EV)),
        ):
            after = to_linear(spoil(ramp, fault, severity, seed=1))
            assert np.median(after / before) == pytest.approx(2.0**stops, rel=0.03)


def test_over_exposure_clips_for_good(three_photos: list[np.ndarray]) -> None:
    for photo in three_photos:
        burnt = spoil(photo, "over_exposure", 1.0)
        assert (burnt > 0.9999)[photo < 255].mean() > 0.1
    # two tones above the well's brim become one
    bright = np.hstack([flat(210), flat(240)])
    assert spoil(bright, "over_exposure", 0.8).std() == 0


def test_under_exposure_drowns_shadows_in_noise_that_stays() -> None:
    """The signal falls by 16, the read noise does not: its share of the signal grows."""
    shares = []
    for severity in (0.2, 1.0):
        light = to_linear(spoil(flat(120, 128, 128), "under_exposure", severity, seed=1))
        shares.append(light.std() / light.mean())
    assert shares[1] > 8 * shares[0] > 0


def test_haze_is_a_mixture_of_the_scene_and_a_veil(three_photos: list[np.ndarray]) -> None:
    """Koschmieder's law: the darkest pixel is lifted, and differences of light shrink."""
    for photo in three_photos:
        clear = to_linear(photo.astype(np.float32) / 255)
        hazy = to_linear(spoil(photo, "haze", 0.6))
        assert hazy.min() > clear.min() + 0.02
        assert hazy.std() < clear.std()
        assert (hazy >= np.minimum(clear, 0.45)).all() and (hazy <= np.maximum(clear, 1.0)).all()


def test_flare_only_adds_light_and_most_near_an_edge() -> None:
    for seed in range(4):
        added = spoil(flat(60, 120, 160), "flare", 0.4, seed) - np.float32(60 / 255)
        assert added.min() >= -1e-6
        row, column = np.unravel_index(added.sum(2).argmax(), (120, 160))
        assert min(row, column, 119 - row, 159 - column) <= 24


# sensor


def test_noise_follows_the_poisson_gaussian_law() -> None:
    """In linear light, variance of a flat patch grows linearly with its light (Foi et al. 2008)."""
    lights, variances = np.array([0.1, 0.3, 0.5]), []
    for light in lights:
        source = flat(int(np.round(to_srgb(np.float32(light)) * 255)), 256, 256)
        variances.append(to_linear(spoil(source, "noise", 0.4))[..., 1].var())
    slope, offset = np.polyfit(lights, variances, 1)
    assert slope > 0 and offset > -0.2 * variances[0]
    assert np.allclose(np.polyval((slope, offset), lights), variances, rtol=0.15)


def test_noise_leaves_the_picture_as_sharp_as_it_was(three_photos: list[np.ndarray]) -> None:
    """Averaged over many exposures, the noise is gone and the picture is there."""
    photo = three_photos[0]
    mean = np.mean([to_linear(spoil(photo, "noise", 0.4, seed)) for seed in range(48)], 0)
    fine = [
        cv2.Laplacian(luma(each), cv2.CV_32F) for each in (to_linear(photo.astype(np.float32) / 255), mean)
    ]
    assert np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1] > 0.97
    assert np.polyfit(fine[0].ravel(), fine[1].ravel(), 1)[0] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("severity", [0.0, 0.2, 0.5, 1.0])
def test_grain_has_the_deviation_that_it_claims(severity: float) -> None:
    """Fine or blotchy, gray or colored: as measured on a flat gray."""
    for seed in range(8):
        measured = 255 * spoil(flat(128, 200, 200), "grain", severity, seed).std((0, 1))
        assert measured == pytest.approx(np.full(3, strength(severity, SIGMA)), rel=0.1)


def test_smear_wipes_texture_and_keeps_outlines() -> None:
    rng = np.random.default_rng(0)
    texture = rng.normal(0, 6, (96, 96, 1))
    source = np.clip(np.repeat(np.where(np.arange(96) < 48, 60, 200)[None, :, None], 96, 0) + texture, 0, 255)
    source = np.round(source).astype(np.uint8).repeat(3, 2)
    smeared = luma(spoil(source, "smear", 0.6)) * 255
    before = luma(source)
    assert smeared[8:-8, 8:40].std() < 0.6 * before[8:-8, 8:40].std()
    step = np.abs(np.diff(smeared.mean(0))).max()
    assert step > 0.6 * np.abs(np.diff(before.mean(0))).max()


# color and contrast


@pytest.mark.parametrize("fault", ["cast", "mixed_light"])
def test_a_cast_colors_gray_and_leaves_its_luminance(fault: str) -> None:
    gray = flat(90)
    before = float(to_linear(np.float32(90 / 255)))
    for severity in SEVERITIES:
        for seed in range(3):
            light = to_linear(spoil(gray, fault, severity, seed))
            np.testing.assert_allclose(luma(light), before, rtol=1e-3)
            assert np.ptp(light.mean((0, 1)) if fault == "cast" else light, axis=-1).max() > 0.1 * before


def test_mixed_light_differs_from_side_to_side() -> None:
    for seed in range(4):
        image = spoil(flat(90), "mixed_light", 0.5, seed)
        corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
        tints = corners / corners.mean(1, keepdims=True)
        assert np.ptp(tints, axis=0).max() > 0.15


def test_saturation_keeps_luma_and_scales_color() -> None:
    """BT.709 luma of the encoded values; muted colors, so that nothing clips."""
    rng = np.random.default_rng(0)
    source = np.clip(128 + rng.normal(0, 4, (64, 64, 3)), 112, 144).round().astype(np.uint8)
    before = source.astype(np.float32) / 255
    factors = []
    for seed in range(6):
        after = spoil(source, "saturation", 0.8, seed)
        np.testing.assert_allclose(luma(after), luma(before), atol=1e-4)
        color = [each - luma(each)[..., None] for each in (before, after)]
        factors.append(float((color[0] * color[1]).sum() / np.square(color[0]).sum()))
    assert min(factors) < 0.5 and max(factors) == pytest.approx(strength(0.8, BOOST), rel=0.02)


def test_low_contrast_keeps_the_order_of_tones_and_squeezes_their_range() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)
    for severity in SEVERITIES:
        tones = spoil(ramp, "low_contrast", severity)[0, :, 0]
        assert (np.diff(tones) > 0).all()
        assert np.ptp(tones) == pytest.approx(1 - strength(severity, FLATTEN), abs=0.01)


def test_high_contrast_is_steep_in_the_middle_and_clips_at_both_ends() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)
    tones = spoil(ramp, "high_contrast", 0.7)[0, :, 0]
    assert (np.diff(tones) >= 0).all() and tones[0] == 0 and tones[-1] == 1
    assert np.diff(tones).max() * 255 == pytest.approx(strength(0.7, STEEPEN), rel=0.05)


# apps


def test_halo_draws_a_bright_and_a_dark_line_beside_an_edge_and_leaves_flat_areas() -> None:
    edge = (
        np.repeat(np.where(np.arange(64) < 32, 90, 160)[None, :, None], 64, 0).repeat(3, 2).astype(np.uint8)
    )
    image = spoil(edge, "halo", 0.4)
    assert image.max() > 175 / 255 and image.min() < 75 / 255
    np.testing.assert_allclose(image[:, :12], 90 / 255, atol=1e-3)


@pytest.mark.parametrize("severity", [0.4, 0.6, 0.8])
def test_scaling_removes_what_a_small_photo_cannot_hold(severity: float) -> None:
    """Of white noise, hardly any power is left above the small photo's Nyquist frequency."""
    source = np.clip(np.random.default_rng(0).normal(128, 30, (160, 160, 3)), 0, 255).astype(np.uint8)
    frequency = np.hypot(np.fft.fftfreq(160)[:, None], np.fft.fftfreq(160)[None])
    lost = frequency > 1.5 * 0.5 / strength(severity, FACTOR)
    for seed in range(6):
        power = [
            np.square(np.abs(np.fft.fft2(luma(each) - luma(each).mean())))
            for each in (source.astype(np.float32) / 255, spoil(source, "scaling", severity, seed))
        ]
        assert power[1][lost].mean() < 0.08 * power[0][lost].mean()


def test_coding_while_small_costs_blue_more_than_red() -> None:
    """JPEG knows which channel is which: of the luma that it keeps, blue is a ninth and red three (BT.601)."""
    kept = []
    for channel in (0, 2):
        source = np.full((128, 128, 3), 128, np.uint8)
        noise = np.random.default_rng(0).normal(128, 30, source.shape[:2])
        source[..., channel] = np.clip(noise, 0, 255).astype(np.uint8)
        spoiled = [spoil(source, "scaling", 0.1, seed)[..., channel] for seed in range(12)]
        kept.append(np.mean([image.std() for image in spoiled]))
    assert kept[0] > 1.04 * kept[1]  # half of the copies are coded while small, and mildly


def blockiness(image: np.ndarray, at: int) -> float:
    """Steps between columns where `column % 8 == at`, against all other steps."""
    steps = np.abs(np.diff(luma(image), axis=1)).mean(0)
    column = (np.arange(steps.size) + 1) % 8 == at
    return float(steps[column].mean() / steps[~column].mean())


def test_jpeg_shows_its_grid_of_8_pixels(three_photos: list[np.ndarray]) -> None:
    for photo in three_photos:
        assert blockiness(spoil(photo, "jpeg", 0.9), 0) > 1.3
        assert blockiness(spoil(photo, "jpeg", 0.9), 0) > 1.2 * blockiness(photo, 0)


def test_recompression_lays_its_grids_anywhere(three_photos: list[np.ndarray]) -> None:
    found = [
        [blockiness(spoil(three_photos[1], "recompression", 1.0, seed), at) for at in range(8)]
        for seed in range(8)
    ]
    assert len({int(np.argmax(each)) for each in found}) >= 4
