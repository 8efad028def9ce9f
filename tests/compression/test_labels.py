"""Labels: metrics as published, cached by content, one direction, one range."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compression.data import Photo, read_photos
from compression.degradations import FAULTS
from compression.labels import MetricCache, Metrics, label, measure, prepare
from compression.models import ATTRIBUTES
from compression.variants import Variant, draw
from edge_iqa.errors import PhotoError


def test_a_photo_is_like_itself(pixels: np.ndarray) -> None:
    """HaarPSI of equal images is 1, MDSI is 0, by their definitions."""
    same = measure(pixels, pixels)
    assert same.haarpsi == pytest.approx(1, abs=1e-4)
    assert same.mdsi == pytest.approx(0, abs=1e-4)


def test_both_metrics_get_worse_as_a_blur_grows(pixels: np.ndarray) -> None:
    values = [measure(pixels, cv2.GaussianBlur(pixels, (0, 0), sigma)) for sigma in (0.7, 1.5, 3.0)]
    assert [each.haarpsi for each in values] == sorted((each.haarpsi for each in values), reverse=True)
    assert [each.mdsi for each in values] == sorted(each.mdsi for each in values)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_lowers_overall_and_its_own_attribute_alone(fault: str) -> None:
    target = label(Metrics(0.7, 0.3), Variant(fault, 0.5), ATTRIBUTES)
    cause = 1 + ATTRIBUTES.index(FAULTS[fault].attribute)
    assert target[0] == target[cause] < 1
    assert np.delete(target, [0, cause]).tolist() == [1] * (len(ATTRIBUTES) - 1)


def test_worse_metrics_and_higher_severity_lower_the_label() -> None:
    def overall(haarpsi: float, mdsi: float, severity: float) -> float:
        return float(label(Metrics(haarpsi, mdsi), Variant("noise", severity), ATTRIBUTES)[0])

    assert (
        0
        <= overall(0.1, 0.9, 1)
        < overall(0.5, 0.4, 0.8)
        < overall(0.8, 0.3, 0.4)
        < overall(0.99, 0.1, 0)
        <= 1
    )


def test_a_persons_rating_caps_every_variant() -> None:
    rated = label(Metrics(0.8, 0.3), Variant("jpeg", 0.4), ATTRIBUTES, source=0.6)
    unrated = label(Metrics(0.8, 0.3), Variant("jpeg", 0.4), ATTRIBUTES)
    assert rated[0] == pytest.approx(0.6 * unrated[0])
    assert label(Metrics(1, 0), Variant(None, 0), ATTRIBUTES, source=0.6)[0] == pytest.approx(0.6)


def test_metrics_are_read_from_the_cache_and_labels_stay_the_same(photos_csv: Path, tmp_path: Path) -> None:
    photos = read_photos(photos_csv)[:1]
    first = next(iter(prepare(photos, ATTRIBUTES, tmp_path)))
    store = MetricCache(tmp_path / "metrics.sqlite")
    assert store.count() == len(first) == 1 + len(FAULTS)
    store.close()
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "variants").rglob("*.jpg")}
    second = next(iter(prepare(photos, ATTRIBUTES, tmp_path)))
    assert all((a.target == b.target).all() and a.path == b.path for a, b in zip(first, second, strict=True))
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "variants").rglob("*.jpg")}


def test_a_photo_that_cannot_be_read_yields_its_error_and_the_next_goes_on(
    photos_csv: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    photos = [Photo(broken, "train", "a"), read_photos(photos_csv)[0]]
    first, second = prepare(photos, ATTRIBUTES, tmp_path / "cache")
    assert isinstance(first, PhotoError) and "broken" in str(first)
    assert isinstance(second, list) and len(second) == 1 + len(FAULTS)


def test_variants_depend_on_content_alone() -> None:
    first, again, other = draw("ab" * 32), draw("ab" * 32), draw("cd" * 32)
    assert first == again != other
    assert first[0] == Variant(None, 0.0)
    assert {variant.fault for variant in first[1:]} == set(FAULTS)
