"""Labels: one scale, a cause for every loss, people's word where they gave it, read again from the cache."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compression import scenes
from compression.data import Photo, read_photos
from compression.degradations import FAULTS
from compression.fidelity import FidelityCache
from compression.labels import label, prepare
from compression.models import ATTRIBUTES
from compression.sources import SourceQuality
from compression.variants import Variant
from edge_iqa.errors import PhotoError

FLAWLESS = SourceQuality()
shares = st.floats(0, 1)
severities = st.floats(0.04, 1)
sources = st.builds(
    SourceQuality,
    sharpness=st.floats(0.2, 1),
    noise=st.floats(0.65, 1),
    exposure=st.floats(0.2, 1),
    contrast=st.floats(0.3, 1),
    detail=st.floats(0.15, 1),
)
steps = st.lists(st.tuples(st.sampled_from(list(FAULTS)), severities), max_size=3, unique_by=lambda s: s[0])


def overall(impairment: float, *steps: tuple[str, float], source: SourceQuality = FLAWLESS) -> float:
    return float(label(impairment, Variant(steps), ATTRIBUTES, source)[0])


@given(impairment=shares, steps=steps, source=sources)
def test_overall_is_the_product_of_the_attributes(
    impairment: float, steps: list[tuple[str, float]], source: SourceQuality
) -> None:
    """So that a low label always has a cause."""
    target = label(impairment, Variant(tuple(steps)), ATTRIBUTES, source)
    assert target.dtype == np.float32 and target.shape == (1 + len(ATTRIBUTES),)
    assert (target >= 0).all() and (target <= 1).all()
    assert target[0] == pytest.approx(np.prod(target[1:].astype(float)), abs=1e-5)


@given(impairment=shares, source=sources, rating=st.floats(0, 1), steps=steps)
def test_labels_stay_in_range_whatever_people_say(
    impairment: float, source: SourceQuality, rating: float, steps: list[tuple[str, float]]
) -> None:
    for bounds in ((rating, rating), (0.7, 1.0), (0.0, 0.5)):
        target = label(impairment, Variant(tuple(steps)), ATTRIBUTES, source, bounds)
        assert np.isfinite(target).all() and (target >= 0).all() and (target <= 1).all()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_lowers_overall_and_its_own_attribute_alone(fault: str) -> None:
    target = label(0.5, Variant(((fault, 0.5),)), ATTRIBUTES, FLAWLESS)
    cause = 1 + ATTRIBUTES.index(FAULTS[fault].attribute)
    assert target[0] == pytest.approx(target[cause]) and target[0] < 1
    assert np.delete(target, [0, cause]).tolist() == [1] * (len(ATTRIBUTES) - 1)


def test_mild_grain_costs_little_and_useless_faults_nearly_everything() -> None:
    assert overall(0.2, ("grain", 0.1)) > 0.85
    for fault in FAULTS:
        if fault != "grain" and FAULTS[fault].attribute != "color":
            assert overall(1.0, (fault, 1.0)) < 0.1
        # where the metrics see nothing of what was there, half of the loss is theirs and half the severity's
        assert overall(1.0, (fault, 1.0)) == pytest.approx((1 - FAULTS[fault].worst) / 2)


@given(fault=st.sampled_from(list(FAULTS)), impairment=shares, pair=st.tuples(shares, shares).map(sorted))
def test_more_severity_never_raises_the_label(fault: str, impairment: float, pair: list[float]) -> None:
    target = [label(impairment, Variant(((fault, s),)), ATTRIBUTES, FLAWLESS) for s in pair]
    assert (target[1] <= target[0] + 1e-6).all()


@given(fault=st.sampled_from(list(FAULTS)), severity=severities, pair=st.tuples(shares, shares).map(sorted))
def test_more_impairment_never_raises_the_label(fault: str, severity: float, pair: list[float]) -> None:
    assert overall(pair[1], (fault, severity)) <= overall(pair[0], (fault, severity))


@given(mixture=steps.filter(lambda s: len(s) > 1), impairment=shares, less=shares, source=sources)
def test_a_mixture_is_worth_no_more_than_any_of_its_parts(
    mixture: list[tuple[str, float]], impairment: float, less: float, source: SourceQuality
) -> None:
    mixed = overall(impairment, *mixture, source=source)
    for step in mixture:
        assert mixed <= overall(impairment * less, step, source=source) + 1e-6


@pytest.mark.parametrize("fault", ["saturation", "cast", "jpeg"])
def test_a_fault_that_no_metric_sees_costs_nothing(fault: str) -> None:
    """A gray photo is none the worse for being faded."""
    assert overall(0.0, (fault, 1.0)) == 1


@given(severity=st.floats(0.05, 1), less=st.floats(0, 1), more=st.floats(0, 1))
def test_the_more_is_seen_the_lower_the_label(severity: float, less: float, more: float) -> None:
    less, more = sorted((less, more))
    assert overall(more, ("jpeg", severity)) <= overall(less, ("jpeg", severity)) + 1e-6


# what people say


def test_a_clean_copy_is_worth_what_its_source_is() -> None:
    source = SourceQuality(0.8, 0.9, 1.0)
    assert overall(0.05, source=source) == pytest.approx(0.72)
    assert overall(0.0) == overall(0.1) == 1


@pytest.mark.parametrize("rating", [0.0, 0.3, 0.6, 1.0])
def test_a_rating_is_the_label_of_a_clean_copy_and_caps_every_variant(rating: float) -> None:
    for source in (FLAWLESS, SourceQuality(0.5, 0.9, 1.0)):
        clean, spoiled = (
            label(0.4, Variant(steps), ATTRIBUTES, source, (rating, rating))
            for steps in ((), (("jpeg", 0.4),))
        )
        assert clean[0] == pytest.approx(rating)
        assert spoiled[0] == pytest.approx(rating * overall(0.4, ("jpeg", 0.4)))


def test_accepted_and_rejected_photos_keep_to_their_side() -> None:
    poor, good = SourceQuality(0.4, 1, 1), FLAWLESS
    accepted, rejected = (
        Photo(Path("x"), "train", "a", accepted=True),
        Photo(Path("x"), "train", "a", accepted=False),
    )
    assert label(0, Variant(), ATTRIBUTES, poor, accepted.bounds)[0] == pytest.approx(0.7)
    assert label(0, Variant(), ATTRIBUTES, good, accepted.bounds)[0] == 1
    assert label(0, Variant(), ATTRIBUTES, good, rejected.bounds)[0] == pytest.approx(0.5)
    assert label(0, Variant(), ATTRIBUTES, poor, rejected.bounds)[0] == pytest.approx(0.4)


@given(source=sources.filter(lambda s: s.overall < 0.9), rating=st.floats(0.05, 1))
def test_what_people_say_is_shared_out_among_the_causes_that_were_measured(
    source: SourceQuality, rating: float
) -> None:
    target = label(0, Variant(), ATTRIBUTES, source, (rating, rating))
    assert np.prod(target[1:].astype(float)) == pytest.approx(rating, abs=1e-4)
    measured = np.array([getattr(source, name, 1.0) for name in ATTRIBUTES])
    order = np.argsort(measured)
    assert (np.diff(target[1:][order]) >= -1e-6).all(), "the more it took, the more it is blamed"
    if rating >= source.overall:
        assert (target[1:] >= measured - 1e-6).all() and target[1 + ATTRIBUTES.index("color")] == 1


@given(rating=st.floats(0.05, 1))
def test_a_trace_of_noise_does_not_take_the_blame_for_a_bad_rating(rating: float) -> None:
    flawless, nearly = (
        label(0, Variant(), ATTRIBUTES, source, (rating, rating))
        for source in (FLAWLESS, SourceQuality(noise=0.9999))
    )
    assert nearly == pytest.approx(flawless, abs=0.01)
    assert flawless[1:] == pytest.approx(rating ** (1 / len(ATTRIBUTES)))


# from photos to samples


def test_a_clean_sharp_drawn_photo_is_worth_everything(tmp_path: Path) -> None:
    """A phone's sharp photo of a mug on white: nothing is taken off for being drawn."""
    path = tmp_path / "mug.png"
    cv2.imwrite(str(path), scenes.draw(3, 240, 320).pixels[..., ::-1])
    clean = next(iter(prepare([Photo(path, "train", "a")], ATTRIBUTES, tmp_path)))[0]
    assert clean.variant == Variant() and clean.target.tolist() == [1] * (1 + len(ATTRIBUTES))


def test_metrics_are_read_from_the_cache_and_labels_stay_the_same(photos_csv: Path, tmp_path: Path) -> None:
    photos = read_photos(photos_csv)[:1]
    first = next(iter(prepare(photos, ATTRIBUTES, tmp_path)))
    store = FidelityCache(tmp_path / "fidelity.sqlite")
    assert store.count() == len(first) == 7
    store.close()
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "variants").rglob("*.jpg")}
    second = next(iter(prepare(photos, ATTRIBUTES, tmp_path)))
    assert all((a.target == b.target).all() and a.path == b.path for a, b in zip(first, second, strict=True))
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "variants").rglob("*.jpg")}


def test_samples_know_photo_and_category(photos_csv: Path, tmp_path: Path) -> None:
    path = read_photos(photos_csv)[0].path
    photos = [Photo(path, "train", "a", category="shoe"), Photo(path, "train", "a", category="hat")]
    made = list(prepare(photos, ATTRIBUTES, tmp_path, categories=("bag", "shoe"), labelled=False))
    assert [{sample.category for sample in samples} for samples in made] == [{1}, {-1}]
    assert [{sample.photo for sample in samples} for samples in made] == [{0}, {1}]


def test_without_labels_nothing_is_measured(photos_csv: Path, tmp_path: Path) -> None:
    samples = next(iter(prepare(read_photos(photos_csv)[:1], ATTRIBUTES, tmp_path, labelled=False)))
    assert all(np.isnan(sample.target).all() for sample in samples)
    assert not (tmp_path / "fidelity.sqlite").exists()


def test_a_photo_that_cannot_be_read_yields_its_error_and_the_next_goes_on(
    photos_csv: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    photos = [Photo(broken, "train", "a"), read_photos(photos_csv)[0]]
    first, second = prepare(photos, ATTRIBUTES, tmp_path / "cache", labelled=False)
    assert isinstance(first, PhotoError) and "broken" in str(first)
    assert isinstance(second, list) and len(second) == 7


@pytest.mark.parametrize(("size", "mask_size"), [((40, 40), None), ((240, 320), (120, 160))])
def test_a_photo_that_cannot_be_judged_stops_no_run(
    tmp_path: Path, size: tuple[int, int], mask_size: tuple[int, int] | None
) -> None:
    """A thumbnail, or a mask of another size: labelled, or an error that names the file; not a crash."""
    path, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8))
    if mask_size:
        cv2.imwrite(str(mask), np.full(mask_size, 255, np.uint8))
    photo = Photo(path, "train", "a", mask=mask if mask_size else None)
    result = next(iter(prepare([photo], ATTRIBUTES, tmp_path / "cache")))
    assert isinstance(result, list) if mask_size is None else "mask.png" in str(result)
