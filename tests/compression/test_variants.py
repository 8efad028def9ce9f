"""Variants: drawn from a photo's content alone, rendered once, named by what was done."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compression.data import Photo
from compression.degradations import FAULTS
from compression.variants import Variant, draw, render
from edge_iqa.errors import PhotoError

hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)


@pytest.fixture
def photo(pixels: np.ndarray, tmp_path: Path) -> Photo:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), pixels[..., ::-1])
    return Photo(path, "train", "a")


@given(sha256=hashes)
def test_variants_depend_on_content_alone(sha256: str) -> None:
    np.random.default_rng().random(3)
    assert draw(sha256) == draw(sha256)
    assert draw(sha256, every_fault=True) == draw(sha256, every_fault=True)


def test_other_contents_get_other_variants() -> None:
    assert draw("ab" * 32) != draw("cd" * 32)
    severities = {variant.severity for seed in range(20) for variant in draw(f"{seed:064x}"[::-1])[1:]}
    assert len(severities) > 100


@given(sha256=hashes, every_fault=st.booleans())
def test_clean_comes_first_grain_second_and_a_mixture_last(sha256: str, every_fault: bool) -> None:
    first, second, *singles, last = draw(sha256, every_fault)
    assert first == Variant() and second.fault == "grain"
    assert all(variant.fault for variant in singles)
    assert 2 <= len(last.steps) <= 3
    assert len(singles) == (len(FAULTS) - 1 if every_fault else 4)


@given(sha256=hashes, every_fault=st.booleans())
def test_a_mixture_is_the_first_single_fault_and_more(sha256: str, every_fault: bool) -> None:
    """So that the pair says: more faults are worse."""
    variants = draw(sha256, every_fault)
    mixture, first = variants[-1], variants[2]
    assert mixture.steps[0] == first.steps[0]
    names = [name for name, _ in mixture.steps]
    assert len(set(names)) == len(names) and set(names) <= set(FAULTS)


@given(sha256=hashes)
def test_for_evaluation_each_fault_comes_once(sha256: str) -> None:
    names = [variant.fault for variant in draw(sha256, every_fault=True) if variant.fault]
    assert Counter(names) == Counter(list(FAULTS))


@given(sha256=hashes)
def test_no_photo_gets_the_same_fault_twice_and_severities_are_ones_that_show(sha256: str) -> None:
    variants = draw(sha256)
    singles = [variant.fault for variant in variants if variant.fault]
    assert len(singles) == len(set(singles))
    assert all(0.04 <= severity <= 1 for variant in variants for _, severity in variant.steps)


def test_every_fault_is_drawn_about_as_often_as_any_other() -> None:
    counts: Counter[str | None] = Counter()
    for seed in range(600):
        sha256 = hashlib.sha256(str(seed).encode()).hexdigest()
        counts.update(variant.fault for variant in draw(sha256)[2:-1])
    assert counts.keys() == set(FAULTS) - {"grain"}
    assert min(counts.values()) > 100 and max(counts.values()) < 190  # 141 expected


def test_a_variant_says_what_it_is() -> None:
    clean, single = Variant(), Variant((("noise", 0.5),))
    mixed = Variant((("noise", 0.5), ("jpeg", 0.8)))
    assert [each.name for each in (clean, single, mixed)] == ["clean", "noise", "noise+jpeg"]
    assert [each.fault for each in (clean, single, mixed)] == [None, "noise", None]
    assert [each.severity for each in (clean, single, mixed)] == [0, 0.5, 0.8]


@given(first=st.floats(0, 1), second=st.floats(0, 1))
@settings(max_examples=50)
def test_keys_differ_with_photo_fault_and_severity(first: float, second: float) -> None:
    def key(name: str, severity: float, photo: str = "a" * 64) -> str:
        return Variant(((name, severity),)).key(photo)

    assert key("noise", first) == key("noise", first)
    assert key("noise", first) not in (
        key("grain", first),
        key("noise", first, "b" * 64),
        Variant().key("a" * 64),
    )
    assert (key("noise", first) == key("noise", second)) == (f"{first:.6f}" == f"{second:.6f}")


def test_renderings_are_made_once_and_in_the_order_asked_for(photo: Photo, tmp_path: Path) -> None:
    variants = [Variant(), Variant((("under_exposure", 0.9),)), Variant((("jpeg", 0.5),))]
    paths = render(photo, variants, tmp_path / "cache")
    stamps = [path.stat().st_mtime_ns for path in paths]
    assert render(photo, variants[::-1], tmp_path / "cache") == paths[::-1]
    assert [path.stat().st_mtime_ns for path in paths] == stamps
    means = [cv2.imread(str(path)).mean() for path in paths]
    assert means[1] < 0.5 * means[0]


def test_a_rendering_does_not_depend_on_what_else_is_rendered(photo: Photo, tmp_path: Path) -> None:
    wanted = Variant((("noise", 0.6), ("scaling", 0.3)))
    alone = render(photo, [wanted], tmp_path / "one")[0]
    among = render(photo, [Variant(), Variant((("haze", 0.4),)), wanted], tmp_path / "two")[2]
    assert alone.read_bytes() == among.read_bytes()


def test_a_photo_keeps_its_size(tmp_path: Path) -> None:
    """What is judged at viewing scale was spoiled in the camera's own pixels."""
    path = tmp_path / "wide.png"
    cv2.imwrite(str(path), np.full((40, 2600, 3), 128, np.uint8))
    rendered = render(Photo(path, "train", "a"), [Variant((("jpeg", 0.2),))], tmp_path)[0]
    assert cv2.imread(str(rendered)).shape == (40, 2600, 3)


def test_a_photo_that_cannot_be_read_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no photo")
    with pytest.raises(PhotoError, match="broken"):
        render(Photo(path, "train", "a"), [Variant()], tmp_path / "cache")
    assert not list(tmp_path.rglob("*/*.jpg"))
