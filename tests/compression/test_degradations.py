"""Faults do what their names say, in physical terms, and leave no other trace."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compression.degradations import FAULTS, degrade
from compression.degradations.light import to_linear, to_srgb


def spoil(pixels: np.ndarray, fault: str | None, severity: float, seed: int = 0) -> np.ndarray:
    """Degrade and decode; float RGB, 0-255."""
    encoded = degrade(pixels, fault, severity, np.random.default_rng(seed))
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(float)


def fine_energy(pixels: np.ndarray) -> float:
    """Variance of the Laplacian: falls with blur, rises with noise."""
    return float(cv2.Laplacian(pixels.astype(np.float32).mean(2), cv2.CV_32F).var())


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_same_generator_state_gives_same_bytes(pixels: np.ndarray, fault: str | None) -> None:
    first, second = (degrade(pixels, fault, 0.5, np.random.default_rng(7)) for _ in range(2))
    assert first == second
    assert first != degrade(pixels, fault, 0.5, np.random.default_rng(8))


@pytest.mark.parametrize("fault", FAULTS)
def test_more_severe_is_further_from_the_source(pixels: np.ndarray, fault: str) -> None:
    errors = [np.square(spoil(pixels, fault, severity) - pixels).mean() for severity in (0.1, 0.4, 0.7, 1.0)]
    assert errors == sorted(errors)
    clean = np.square(spoil(pixels, None, 0) - pixels).mean()
    assert errors[0] > clean


@pytest.mark.parametrize("fault", ["defocus", "motion"])
def test_blur_removes_fine_structure_and_keeps_light(pixels: np.ndarray, fault: str) -> None:
    sharp, blurred = spoil(pixels, None, 0), spoil(pixels, fault, 0.6)
    assert fine_energy(blurred) < 0.5 * fine_energy(sharp)
    light = [to_linear((each / 255).astype(np.float32)).mean() for each in (sharp, blurred)]
    assert light[1] == pytest.approx(light[0], rel=0.02)


def test_motion_blurs_along_its_path_only() -> None:
    """Of all directions of an edge, one is blurred far less than another."""
    spot = np.zeros((201, 201, 3), np.uint8)
    spot[98:103, 98:103] = 255
    spread = spoil(spot, "motion", 0.8, seed=1)[..., 1]
    rows, columns = np.nonzero(spread > 40)
    axes = np.linalg.eigvalsh(np.cov(rows, columns))
    assert axes[1] > 4 * axes[0]


def test_noise_follows_the_poisson_gaussian_law() -> None:
    """In linear light, variance of a flat patch grows linearly with its light (Foi et al. 2008)."""
    variances = []
    lights = np.array([0.1, 0.3, 0.5])
    for light in lights:
        flat = np.full((256, 256, 3), to_srgb(np.float32(light)) * 255).round().astype(np.uint8)
        noisy = to_linear((spoil(flat, "noise", 0.5) / 255).astype(np.float32))
        variances.append(noisy[..., 1].var())
    slope, offset = np.polyfit(lights, variances, 1)
    assert slope > 0 and offset > -0.2 * variances[0]
    assert np.allclose(np.polyval((slope, offset), lights), variances, rtol=0.15)


def test_exposure_scales_linear_light_by_whole_stops() -> None:
    ramp = np.repeat(np.linspace(20, 120, 64).astype(np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    before = to_linear(ramp.astype(np.float32) / 255)
    for fault, stops in (("under_exposure", -(0.4 + 4.1 * 0.3)), ("over_exposure", 0.3 + 2.7 * 0.3)):
        after = to_linear((spoil(ramp, fault, 0.3) / 255).astype(np.float32))
        assert np.median(after / before) == pytest.approx(2.0**stops, rel=0.05)


def test_over_exposure_clips_for_good(pixels: np.ndarray) -> None:
    assert (spoil(pixels, "over_exposure", 1.0) >= 253).mean() > (pixels >= 253).mean() + 0.2


@given(value=st.floats(0, 1, width=32))
@settings(max_examples=200)
def test_linear_light_round_trips(value: float) -> None:
    image = np.array([[[value] * 3]], np.float32)
    assert to_srgb(to_linear(image)) == pytest.approx(image, abs=1e-5)


def test_linear_light_matches_the_standard() -> None:
    """Values from IEC 61966-2-1: 18 % gray is code 118, half of full light code 188."""
    codes = to_srgb(np.array([0.18, 0.5], np.float32)) * 255
    assert codes.round().tolist() == [118, 188]


@pytest.mark.parametrize("bad", [("fog", 0.5), ("noise", 1.5), ("noise", -0.1), ("noise", float("nan"))])
def test_unknown_fault_or_severity_is_refused(pixels: np.ndarray, bad: tuple[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        degrade(pixels, *bad, np.random.default_rng(0))
