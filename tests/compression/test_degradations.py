"""What every fault keeps, in which order a camera makes them, and how every photo ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compression import scenes
from compression.degradations import FAULTS, apply, degrade
from compression.models import ATTRIBUTES
from tests.compression.spoiling import decode, flat, spoil

SEVERITIES = (0, 0.25, 0.5, 0.75, 1)


# what every fault keeps


def test_every_fault_lowers_an_attribute_that_models_have() -> None:
    assert len(FAULTS) == 18
    assert {fault.attribute for fault in FAULTS.values()} == set(ATTRIBUTES)
    assert all(0 < fault.worst < 1 for fault in FAULTS.values())


@pytest.mark.parametrize("fault", FAULTS)
def test_same_generator_state_gives_the_same_photo(three_photos: list[np.ndarray], fault: str) -> None:
    step = [(fault, 0.5)]
    first, second = (degrade(three_photos[0], step, np.random.default_rng(7)) for _ in range(2))
    assert first == second != degrade(three_photos[0], step, np.random.default_rng(8))
    assert np.array_equal(spoil(three_photos[1], fault, 0.5, 7), spoil(three_photos[1], fault, 0.5, 7))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("shape", [(97, 64), (64, 131)])
def test_output_is_an_image_of_the_same_size(fault: str, shape: tuple[int, int]) -> None:
    source = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    for severity in (0.0, 0.5, 1.0):
        for seed in range(3):
            image = spoil(source, fault, severity, seed)
            assert image.dtype == np.float32 and image.shape == source.shape
            assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1


@pytest.mark.parametrize("fault", FAULTS)
def test_the_source_is_left_as_it_was(three_photos: list[np.ndarray], fault: str) -> None:
    before = three_photos[2].copy()
    spoil(three_photos[2], fault, 1.0)
    assert np.array_equal(three_photos[2], before)


@pytest.mark.parametrize("fault", FAULTS)
def test_more_severe_is_further_from_the_source(three_photos: list[np.ndarray], fault: str) -> None:
    def distance(severity: float) -> float:
        return float(
            np.mean(
                [
                    np.abs(spoil(photo, fault, severity, seed) * 255 - photo).mean()
                    for photo in three_photos
                    for seed in range(3)
                ]
            )
        )

    distances = [distance(severity) for severity in SEVERITIES]
    assert distances == sorted(distances) and distances[0] < distances[1]
    # barely: no more than a step of the darkest fault, a third of a stop
    assert distances[0] < (20 if fault.endswith("exposure") else 6)


# names, severities, order


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([("fog", 0.5)], "'fog'"),
        ([("noise", 0.5), ("clean", 0.5)], "'clean'"),
        ([("noise", 1.5)], "noise.*1.5"),
        ([("jpeg", 0.2), ("noise", -0.1)], "noise.*-0.1"),
        ([("noise", float("nan"))], "noise.*nan"),
        ([("noise", 0.5), ("jpeg", 0.1), ("noise", 0.7)], r"at most once.*\['noise', 'jpeg', 'noise'\]"),
    ],
)
def test_steps_that_cannot_be_applied_are_refused_by_name(steps: list[tuple[str, float]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        degrade(flat(100), steps, np.random.default_rng(0))


@given(names=st.permutations(("jpeg", "grain", "defocus", "under_exposure", "haze")))
@settings(max_examples=10, deadline=None)
def test_a_mixture_is_applied_as_a_camera_would_whatever_the_order_given(names: list[str]) -> None:
    source = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    image, rng = source.astype(np.float32) / 255, np.random.default_rng(3)
    for name in ("haze", "defocus", "under_exposure", "grain", "jpeg"):
        image = FAULTS[name].apply(image, 0.4, rng)
    mixed = apply(source, [(name, 0.4) for name in names], np.random.default_rng(3))
    assert np.array_equal(mixed, image)


def test_light_comes_before_lens_before_sensor_before_apps() -> None:
    order = list(FAULTS)
    chain = ("haze", "defocus", "under_exposure", "noise", "smear", "saturation", "halo", "scaling", "jpeg")
    assert [order.index(name) for name in chain] == sorted(order.index(name) for name in chain)


# the closing pass


def empty_bins(image: np.ndarray) -> float:
    """Share of empty bins between the darkest and the brightest value, mean over the channels."""
    shares = []
    for channel in image.reshape(-1, 3).T:
        counts = np.bincount(channel, minlength=256)
        levels = np.flatnonzero(counts)
        shares.append((counts[levels[0] : levels[-1] + 1] == 0).mean())
    return float(np.mean(shares))


def tell_apart(clean: list[float], spoiled: list[float]) -> float:
    """Share of pairs that the values put in one order, 0.5-1; ties count half."""
    pairs = np.subtract.outer(spoiled, clean)
    more = float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())
    return max(more, 1 - more)


def test_gaps_in_the_histogram_do_not_tell_degraded_photos_from_clean_ones() -> None:
    """Brightening 8 bits leaves gaps; a model that reads them learns the tooling, not the fault."""
    clean, spoiled = [], []
    for seed in range(24):
        photo, rng = scenes.draw(seed, 240, 320).pixels, np.random.default_rng(seed)
        clean.append(empty_bins(decode(degrade(photo, (), rng))))
        spoiled += [empty_bins(decode(degrade(photo, [(name, rng.uniform())], rng))) for name in FAULTS]
    assert tell_apart(clean, spoiled) <= 0.60


@pytest.mark.parametrize("fault", ["over_exposure", "high_contrast"])
def test_the_closing_pass_fills_the_gaps_that_stretching_leaves(fault: str) -> None:
    """The control of the test before: without the pass, gaps would tell nearly every one."""
    values: dict[str, list[float]] = {"clean": [], "spoiled": [], "raw clean": [], "raw": []}
    for seed in range(12):
        photo, step = scenes.draw(seed, 160, 200).pixels, [(fault, 0.2 + 0.06 * seed)]
        rng = np.random.default_rng(seed)
        values["raw clean"].append(empty_bins(photo))
        values["raw"].append(empty_bins(np.round(apply(photo, step, rng) * 255).astype(np.uint8)))
        values["clean"].append(empty_bins(decode(degrade(photo, (), rng))))
        values["spoiled"].append(empty_bins(decode(degrade(photo, step, rng))))
    assert tell_apart(values["raw clean"], values["raw"]) > 0.9
    assert np.mean(values["spoiled"]) < np.mean(values["clean"]) + 0.05 < np.mean(values["raw"])


def test_every_photo_ends_in_a_jpeg_that_keeps_what_it_got(three_photos: list[np.ndarray]) -> None:
    for photo in three_photos:
        encoded = degrade(photo, (), np.random.default_rng(0))
        assert encoded.startswith(b"\xff\xd8\xff")
        assert np.abs(decode(encoded).astype(float) - photo).mean() < 4
