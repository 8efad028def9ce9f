"""A gallery: what was seen is known again, as what it is, with a distance; what was not seen is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Gallery, Inspector, image
from edge_iqa.errors import GalleryError, PhotoError
from edge_iqa.gallery import Kind, Match
from tests.edge_iqa.fingerprints import draw_fingerprint

Pixels = NDArray[np.uint8]


def _encode(pixels: Pixels, quality: int = 90) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def _resize(pixels: Pixels, scale: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _brighten(pixels: Pixels, factor: float) -> Pixels:
    return np.clip(pixels * factor, 0, 255).astype(np.uint8)


def _crop(pixels: Pixels, top: float, left: float, kept: float) -> Pixels:
    height, width = pixels.shape[:2]
    first_row, first_column = round(top * height), round(left * width)
    return pixels[
        first_row : first_row + round(kept * height), first_column : first_column + round(kept * width)
    ]


COPIES: dict[str, Callable[[Pixels], bytes]] = {
    "quality 30": lambda pixels: _encode(pixels, 30),
    "a third of the size": lambda pixels: _encode(_resize(pixels, 0.33)),
    "darker by a quarter": lambda pixels: _encode(_brighten(pixels, 0.75)),
    "brighter by a fifth": lambda pixels: _encode(_brighten(pixels, 1.2)),
    "cropped at the top left": lambda pixels: _encode(_crop(pixels, 0.15, 0.15, 0.85)),
    "cropped at the bottom right": lambda pixels: _encode(_crop(pixels, 0, 0, 0.85)),
    "all at once": lambda pixels: _encode(_brighten(_resize(_crop(pixels, 0.05, 0.02, 0.92), 0.6), 0.9), 50),
}


@pytest.fixture(scope="module")
def sharp(photo_paths: list[Path]) -> Path:
    """A photo in which there is something to see."""
    return next(path for path in photo_paths if path.name == "coffee.jpg")


@pytest.fixture(scope="module")
def others(draw_photo: Callable[[np.random.Generator], Pixels]) -> list[Pixels]:
    rng = np.random.default_rng(7)
    return [draw_photo(rng) for _ in range(12)]


@pytest.fixture(scope="module")
def gallery(inspector: Inspector, sharp: Path, others: list[Pixels]) -> Gallery:
    """A photo among others; tests only look."""
    made = Gallery(inspector)
    made.add(sharp, "the photo")
    for number, pixels in enumerate(others):
        made.add(pixels, f"other {number}")
    return made


def _find(gallery: Gallery, photo: bytes | Pixels | Path, **options: bool) -> list[Match]:
    return gallery.find(photo, **options)


def test_the_same_file_is_exact_and_first(gallery: Gallery, sharp: Path) -> None:
    match = _find(gallery, sharp)[0]
    assert (match.name, match.kind, match.distance, match.likeness) == ("the photo", Kind.EXACT, 0, 1)


def test_the_same_pixels_in_another_file_are_exact(gallery: Gallery, sharp: Path) -> None:
    data = sharp.read_bytes()
    commented = data[:2] + b"\xff\xfe\x00\x08remark" + data[2:]  # a comment behind the first marker
    assert _find(gallery, commented)[0].kind is Kind.EXACT
    assert _find(gallery, image.read(sharp).pixels)[0].kind is Kind.EXACT


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_near_and_first(gallery: Gallery, sharp: Path, how: str) -> None:
    match = _find(gallery, COPIES[how](image.read(sharp).pixels))[0]
    assert (match.name, match.kind, match.mirrored) == ("the photo", Kind.NEAR, False)
    assert 0 < match.distance < 1


@pytest.mark.parametrize("how", COPIES)
def test_which_of_the_two_was_seen_first_does_not_matter(inspector: Inspector, sharp: Path, how: str) -> None:
    gallery = Gallery(inspector)
    gallery.add(COPIES[how](image.read(sharp).pixels), "the copy")
    assert [match.kind for match in _find(gallery, sharp)] == [Kind.NEAR]


def test_a_mirrored_copy_is_one_only_where_asked(gallery: Gallery, sharp: Path) -> None:
    turned = _encode(np.ascontiguousarray(image.read(sharp).pixels[:, ::-1]))
    assert all(match.kind is Kind.SAME_PRODUCT for match in _find(gallery, turned))
    match = _find(gallery, turned, mirrored=True)[0]
    assert (match.name, match.kind, match.mirrored) == ("the photo", Kind.NEAR, True)


def test_another_photo_is_no_copy(
    gallery: Gallery, draw_photo: Callable[[np.random.Generator], Pixels]
) -> None:
    rng = np.random.default_rng(99)
    for _ in range(5):
        photo = draw_photo(rng)
        assert len(gallery.gather(gallery.fingerprint(photo))) == len(gallery), "all are compared"
        assert all(match.kind is Kind.SAME_PRODUCT for match in _find(gallery, photo))


def test_a_flat_photo_is_a_copy_of_none_but_itself(inspector: Inspector) -> None:
    gallery = Gallery(inspector)
    gallery.add(np.full((100, 100, 3), 255, np.uint8), "white")
    assert [match.kind for match in _find(gallery, np.full((100, 100, 3), 255, np.uint8))] == [Kind.EXACT]
    almost = np.full((90, 90, 3), 254, np.uint8)
    assert len(gallery.gather(gallery.fingerprint(almost))) == 1, "it is compared"
    assert all(match.kind is Kind.SAME_PRODUCT for match in _find(gallery, almost))


def test_less_sure_matches_come_last_and_say_how_sure(
    inspector: Inspector, sharp: Path, others: list[Pixels]
) -> None:
    gallery = Gallery(inspector)
    asked = gallery.fingerprint(sharp)
    rng = np.random.default_rng(0)
    for name, pixels, reach in (
        ("far", others[0], 0.8),
        ("view", others[1], 0.4),
        ("nearer view", others[2], 0.2),
    ):
        noise = rng.standard_normal(asked.embedding.shape)
        moved = asked.embedding + reach * noise / np.linalg.norm(noise)
        embedding = (moved / np.linalg.norm(moved)).astype(np.float32)
        gallery.add(dataclasses.replace(gallery.fingerprint(pixels), embedding=embedding), name)
    gallery.add(COPIES["all at once"](image.read(sharp).pixels), "copy")
    gallery.add(sharp, "the photo")
    found = gallery.find(sharp)
    assert [match.name for match in found] == ["the photo", "copy", "nearer view", "view"]
    assert [match.kind for match in found] == [Kind.EXACT, Kind.NEAR, Kind.SAME_PRODUCT, Kind.SAME_PRODUCT]
    assert 1 > found[2].chance > found[3].chance >= 0.5
    assert 0 < found[2].distance < found[3].distance


def test_k_limits_what_is_given(gallery: Gallery, others: list[Pixels]) -> None:
    assert len(gallery.find(others[0], 1)) == 1
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="whole number"):
            gallery.find(others[0], wrong)  # type: ignore[arg-type]


def test_the_distance_is_that_of_the_reports_embeddings(
    gallery: Gallery, inspector: Inspector, sharp: Path
) -> None:
    copy = COPIES["quality 30"](image.read(sharp).pixels)
    one, two = inspector.inspect(sharp), inspector.inspect(copy)
    expected = 1 - float(one.embedding @ two.embedding)
    assert _find(gallery, copy)[0].distance == pytest.approx(expected, abs=1e-5)
    assert gallery.get("the photo").score == pytest.approx(one.score, abs=1e-3)


def test_a_removed_photo_is_not_found(inspector: Inspector, sharp: Path) -> None:
    gallery = Gallery(inspector)
    name = gallery.add(sharp)
    assert name == str(sharp) and name in gallery and list(gallery) == [name]
    gallery.remove(name)
    assert name not in gallery and len(gallery) == 0 and gallery.find(sharp) == []


def test_an_empty_gallery_finds_nothing_and_can_be_saved(
    inspector: Inspector, sharp: Path, tmp_path: Path
) -> None:
    gallery = Gallery(inspector)
    assert gallery.find(sharp) == []
    assert len(Gallery.open(gallery.save(tmp_path / "empty.gallery"), inspector)) == 0


def test_a_saved_gallery_gives_the_same_answers(
    gallery: Gallery, inspector: Inspector, sharp: Path, tmp_path: Path
) -> None:
    path = gallery.save(tmp_path / "a" / "listing.gallery")
    opened = Gallery.open(path, inspector)
    assert list(opened) == list(gallery)
    for how in ("quality 30", "all at once"):
        copy = COPIES[how](image.read(sharp).pixels)
        assert opened.find(copy) == gallery.find(copy)


def test_names_are_taken_once_and_missing_ones_are_told(inspector: Inspector, sharp: Path) -> None:
    gallery = Gallery(inspector)
    gallery.add(sharp, "a")
    with pytest.raises(GalleryError, match="has a photo of this name"):
        gallery.add(sharp, "a")
    with pytest.raises(GalleryError, match="no photo of this name"):
        gallery.remove("b")
    with pytest.raises(GalleryError, match="expected a text"):
        gallery.add(sharp.read_bytes())


def test_several_threads_may_add_and_look(inspector: Inspector) -> None:
    gallery = Gallery(inspector)

    def work(thread: int) -> list[Kind]:
        kinds = []
        for turn in range(20):
            photo = draw_fingerprint(100 * thread + turn)
            gallery.add(photo, f"{thread} {turn}")
            kinds += [match.kind for match in gallery.find(photo)]
        return kinds

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [[Kind.EXACT] * 20] * 4
    assert len(gallery) == 80


def test_an_unreadable_photo_is_told_by_its_name_and_changes_nothing(
    inspector: Inspector, tmp_path: Path
) -> None:
    gallery, broken = Gallery(inspector), tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PhotoError, match=r"broken\.jpg"):
        gallery.add(broken)
    assert len(gallery) == 0


def test_a_gallery_of_another_model_is_refused(
    gallery: Gallery, edit_manifest: Callable[..., Path], tmp_path: Path, inspector: Inspector
) -> None:
    path = gallery.save(tmp_path / "listing.gallery")
    folder = edit_manifest(lambda manifest: manifest["views"].update(long_side_px=1200))
    with Inspector.open(folder) as another, pytest.raises(GalleryError, match="cannot be compared"):
        Gallery.open(path, another)
    assert len(Gallery.open(path, inspector)) == len(gallery)


def test_other_bounds_of_verdicts_are_no_other_model(
    gallery: Gallery, edit_manifest: Callable[..., Path], tmp_path: Path
) -> None:
    path = gallery.save(tmp_path / "listing.gallery")
    folder = edit_manifest(lambda manifest: manifest["thresholds"].update(accept=0.99))
    with Inspector.open(folder) as another:
        assert len(Gallery.open(path, another)) == len(gallery)


def _draw_shape(side_px: int, is_round: bool, gray: int = 120) -> Pixels:
    """A gray thing on white: no color tells it from another."""
    pixels = np.full((300, 400, 3), 255, np.uint8)
    if is_round:
        cv2.circle(pixels, (200, 150), side_px // 2, (gray,) * 3, -1)
    else:
        half = side_px // 2
        cv2.rectangle(pixels, (200 - half, 150 - half), (200 + half, 150 + half), (gray,) * 3, -1)
    return pixels


def _draw_wall(seed: int, fall: float, noise: float) -> Pixels:
    """White, darker to its corners, with noise: nothing to be known by."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:300j, -1:1:400j]
    light = 220 * (1 - fall * ((x - rng.uniform(-0.3, 0.3)) ** 2 + (y - rng.uniform(-0.3, 0.3)) ** 2) / 2)
    gray = np.clip(light + rng.normal(0, noise, light.shape), 0, 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, 2)


def test_gray_photos_of_different_things_are_no_copies(inspector: Inspector) -> None:
    gallery = Gallery(inspector)
    circle = _draw_shape(200, is_round=True)
    gallery.add(circle, "circle")
    for other in (_draw_shape(200, is_round=False), _draw_shape(170, is_round=False)):
        assert len(gallery.gather(gallery.fingerprint(other))) == 1, "it is compared"
        assert all(match.kind is Kind.SAME_PRODUCT for match in gallery.find(other))
    assert [match.kind for match in gallery.find(_encode(circle, 40))] == [Kind.NEAR]


@pytest.mark.parametrize(("fall", "noise"), [(0.2, 0), (0.2, 10), (0.4, 3), (0.7, 0)])
def test_blank_walls_are_no_copies_of_each_other(inspector: Inspector, fall: float, noise: float) -> None:
    gallery = Gallery(inspector)
    wall = _draw_wall(0, fall, noise)
    gallery.add(wall, "wall")
    assert [match.kind for match in gallery.find(wall)] == [Kind.EXACT]
    assert all(match.kind is Kind.SAME_PRODUCT for match in gallery.find(_draw_wall(1, 0.8 * fall, noise)))


@pytest.mark.parametrize("length", [0.5, 0.0, float("nan"), float("inf")])
def test_an_embedding_that_is_not_of_unit_length_is_refused(inspector: Inspector, length: float) -> None:
    gallery, photo = Gallery(inspector), draw_fingerprint(0)
    wrong = dataclasses.replace(photo, embedding=(photo.embedding * length).astype(np.float32))
    with pytest.raises(GalleryError, match="unit length"):
        gallery.add(wrong, "a")
    assert len(gallery) == 0


def test_a_file_of_more_than_4_gib_can_be_kept_in_mind(inspector: Inspector) -> None:
    gallery = Gallery(inspector)
    gallery.add(dataclasses.replace(draw_fingerprint(0), file_bytes=5 << 30), "a")
    assert gallery.get("a").file_bytes == (1 << 32) - 1
