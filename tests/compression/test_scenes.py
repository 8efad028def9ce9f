"""Drawn scenes: the same for a seed, different between seeds, with true masks, sharp and well lit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compression import scenes
from compression.scenes import BACKGROUNDS, Scene, stock
from compression.scenes.things import THINGS

SEEDS = range(8)


@pytest.fixture(scope="module")
def drawn() -> list[Scene]:
    return [scenes.draw(seed, 240, 320) for seed in SEEDS]


def luma(photo: np.ndarray) -> np.ndarray:
    return photo @ np.array((0.299, 0.587, 0.114))


def away_from(mask: np.ndarray, margin_px: int) -> np.ndarray:
    return cv2.dilate(mask, np.ones((2 * margin_px + 1,) * 2, np.uint8)) == 0


def test_a_seed_gives_the_same_scene_whatever_was_drawn_before(drawn: list[Scene]) -> None:
    np.random.default_rng().random(7)
    again = scenes.draw(3, 240, 320)
    assert np.array_equal(again.pixels, drawn[3].pixels) and np.array_equal(again.mask, drawn[3].mask)
    assert again.background == drawn[3].background


def test_a_scene_has_the_size_asked_for_in_rgb_bytes() -> None:
    for height, width in ((64, 64), (97, 201), (300, 128)):
        scene = scenes.draw(1, height, width)
        assert scene.pixels.shape == (height, width, 3) and scene.mask.shape == (height, width)
        assert scene.pixels.dtype == scene.mask.dtype == np.uint8


def test_seeds_differ_in_more_than_grain(drawn: list[Scene]) -> None:
    for index, one in enumerate(drawn):
        for other in drawn[index + 1 :]:
            assert np.abs(one.pixels.astype(int) - other.pixels).mean() > 8


def test_scenes_are_well_lit(drawn: list[Scene]) -> None:
    for scene in drawn:
        assert 70 < scene.pixels.mean() < 250
        assert (scene.pixels.max(axis=2) < 8).mean() < 0.05, "large black areas"
        blown = (scene.pixels.min(axis=2) > 253) & (scene.mask == 255)
        assert blown.sum() < 0.1 * (scene.mask == 255).sum(), "products without structure"


def test_textured_scenes_have_detail_down_to_the_pixel() -> None:
    """A 3x3 mean takes most of what neighboring pixels differ by, which it could not if they were soft."""
    for seed, background in enumerate(("table", "cloth", "stone", "room")):
        plane = luma(scenes.draw(seed, 240, 320, background).pixels)
        soft = cv2.blur(plane, (3, 3))
        sharp_step, soft_step = (np.abs(np.diff(each, axis=1)).mean() for each in (plane, soft))
        assert sharp_step > 1.5 and sharp_step / soft_step > 1.3


def test_a_seed_is_the_same_scene_at_every_size() -> None:
    for seed in (0, 4, 16):
        small, large = (scenes.draw(seed, *size).pixels for size in ((192, 256), (384, 512)))
        coarse = [photo.reshape(12, -1, 16, photo.shape[1] // 16, 3).mean((1, 3)) for photo in (small, large)]
        assert np.abs(coarse[0] - coarse[1]).mean() < 10


def test_a_large_scene_is_not_an_enlarged_small_one() -> None:
    """Detail per pixel stays: at twice the size neighbors still differ by more than half as much."""
    small, large = (luma(scenes.draw(4, side, side).pixels) for side in (256, 512))
    assert np.abs(np.diff(large)).mean() > 0.5 * np.abs(np.diff(small)).mean()


def test_a_size_too_small_to_draw_is_refused_with_the_size() -> None:
    with pytest.raises(ValueError, match="64x64 px, got 40x300"):
        scenes.draw(0, 300, 40)


def test_a_background_that_nobody_has_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match=r"white.*room.*'moon'"):
        scenes.draw(0, 100, 100, background="moon")


# masks and backgrounds


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_things_stand_on_any_background(seed: int) -> None:
    on = {name: scenes.draw(seed, 160, 200, name) for name in BACKGROUNDS}
    for name, scene in on.items():
        assert scene.background == name
        assert np.array_equal(scene.mask, on["white"].mask)
    inside = on["white"].mask == 255
    assert inside.any()
    gap = on["white"].pixels[inside].astype(int) - on["gray"].pixels[inside]
    assert np.abs(gap).max() <= 1  # where the cover is a hair below full


def test_pure_white_is_white_outside_things_and_their_shadows() -> None:
    bare = 0
    for seed in range(12):
        scene = scenes.draw(seed, 240, 320, "white")
        assert (scene.pixels[away_from(scene.mask, 90)] == 255).all()
        outside = scene.pixels[scene.mask == 0]
        bare += bool((outside == 255).all())
        assert np.ptp(outside, axis=1).max() <= 1, "a shadow has no color"
    assert 2 <= bare <= 10, "some throw a shadow, some were cleared by an editor"


def test_plain_gray_is_one_color_outside_things_and_their_shadows() -> None:
    for seed in range(6):
        scene = scenes.draw(seed, 240, 320, "gray", fill=0.4)
        assert np.ptp(scene.pixels[away_from(scene.mask, 80)], axis=0).max() == 0


def test_masks_cover_what_differs_from_the_ground() -> None:
    """Without a shadow, a pixel that is not ground belongs to a thing."""
    checked = 0
    for seed in range(16):
        scene = scenes.draw(seed, 160, 200, "gray")
        ground = scene.pixels[away_from(scene.mask, 1)]
        tone = np.median(ground, axis=0)
        if np.ptp(ground, axis=0).max() > 0:
            continue  # throws a shadow
        checked += 1
        differs = np.abs(scene.pixels - tone).max(2) > 3
        assert (scene.mask[differs] > 0).all()
        assert differs[scene.mask == 255].mean() > 0.8
    assert checked >= 4


def test_fill_is_the_share_of_the_shorter_side() -> None:
    for fill in (0.15, 0.5, 0.9):
        for seed in range(4):
            rows, columns = np.nonzero(scenes.draw(seed, 240, 320, "white", fill=fill).mask > 127)
            side = max(np.ptp(rows), np.ptp(columns)) + 1
            assert 0.5 * fill * 240 < side <= fill * 240 + 2


@pytest.mark.parametrize("thing", THINGS)
def test_every_thing_is_painted_in_its_rectangle(thing) -> None:
    for seed in range(3):
        rgb, cover = thing(np.random.default_rng(seed), 90, 70, -0.5)
        assert rgb.shape == (90, 70, 3) and cover.shape == (90, 70)
        assert cover.min() >= 0 and cover.mean() > 0.15 and cover.max() <= 1
        assert np.isfinite(rgb).all()


# cut-outs laid out


def make_cutout(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rgb = np.random.default_rng(seed).uniform(0.1, 0.8, (height, width, 3)).astype(np.float32)
    return rgb, np.ones((height, width), np.float32)


def test_cutouts_are_never_enlarged() -> None:
    cutout = make_cutout(50, 60)
    for seed in range(6):
        scene = scenes.draw(seed, 400, 400, "white", [cutout])
        rows, columns = np.nonzero(scene.mask == 255)
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (50, 60)
        found = scene.pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        original = np.round(cutout[0] * 255)
        assert min(np.abs(found - each).max() for each in (original, original[:, ::-1])) <= 1


def test_cutouts_too_large_are_shrunk_into_the_photo_and_many_stand_apart() -> None:
    for count in (1, 3, 6, 12):
        many = [make_cutout(300, 200, seed) for seed in range(count)]
        mask = scenes.draw(count, 240, 320, "white", many).mask
        assert cv2.connectedComponents((mask > 127).astype(np.uint8))[0] - 1 == count
        assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()


# files of a data set


@pytest.fixture
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock, "WEB", ((120, 160), (160, 120)))
    monkeypatch.setattr(stock, "PHONE", ((80, 1700),))
    monkeypatch.setattr(stock, "_PHONE_SHARE", 0.4)


@pytest.mark.usefixtures("small_sizes")
def test_a_second_making_reads_the_same_files(tmp_path: Path) -> None:
    first = list(stock.make("val", 10, (), tmp_path))
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    assert len(stamps) == 20 and {path.suffix for path in stamps} == {".png", ".jpg"}
    assert list(stock.make("val", 10, (), tmp_path)) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == stamps
    elsewhere = list(stock.make("val", 10, (), tmp_path / "elsewhere"))
    for one, other in zip(first, elsewhere, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()


@pytest.mark.usefixtures("small_sizes")
def test_other_cutouts_give_other_scenes_from_the_same_cache(tmp_path: Path) -> None:
    """Products of `test` must not come out of the cache of a run that had them in `train`."""
    first, second = (
        [photo for photo in stock.make("train", 16, [make_cutout(*size)], tmp_path) if photo.label is None]
        for size in ((60, 50), (40, 55))
    )
    assert first and not {photo.path for photo in first} & {photo.path for photo in second}
    for one, other in zip(first, second, strict=True):
        assert one.group == other.group and one.path.read_bytes() != other.path.read_bytes()


@pytest.mark.usefixtures("small_sizes")
def test_a_scene_whose_mask_was_not_written_before_a_kill_is_made_again(tmp_path: Path) -> None:
    photo = next(iter(stock.make("train", 1, (), tmp_path)))
    before = photo.path.read_bytes(), photo.mask.read_bytes()
    photo.mask.unlink()
    next(iter(stock.make("train", 1, (), tmp_path)))
    assert (photo.path.read_bytes(), photo.mask.read_bytes()) == before


@pytest.mark.usefixtures("small_sizes")
def test_scenes_say_what_they_are(tmp_path: Path) -> None:
    photos = list(stock.make("test", 12, (), tmp_path))
    assert len({photo.group for photo in photos}) == 12
    assert {photo.split for photo in photos} == {"test"} and {photo.label for photo in photos} == {1.0}
    for photo in photos:
        pixels, mask = cv2.imread(str(photo.path)), cv2.imread(str(photo.mask), cv2.IMREAD_UNCHANGED)
        assert mask.shape == pixels.shape[:2] and mask.max() == 255
        if stock.background_of(photo) == "white":
            assert (pixels[mask == 0] > 253).any()
    assert {stock.background_of(photo) for photo in photos} <= set(BACKGROUNDS)


@pytest.mark.usefixtures("small_sizes")
@pytest.mark.parametrize("cutout", [False, True])
def test_a_pair_is_one_thing_on_white_and_on_gray(tmp_path: Path, cutout: bool) -> None:
    made = list(stock.make_pairs("val", 6, [make_cutout(60, 50)] if cutout else (), tmp_path))
    for white, gray in zip(made[::2], made[1::2], strict=True):
        assert white.group == gray.group and white.path != gray.path
        photos = [cv2.imread(str(photo.path)).astype(int) for photo in (white, gray)]
        masks = [cv2.imread(str(photo.mask), cv2.IMREAD_UNCHANGED) for photo in (white, gray)]
        assert np.array_equal(*masks)
        assert np.abs(photos[0] - photos[1])[masks[0] == 255].max() <= 1, "the thing itself is the same"
        ground = away_from(masks[0], 12)
        assert np.quantile(photos[0][ground], 0.9) > 250 > 240 > np.quantile(photos[1][ground], 0.9)
    assert len({photo.group for photo in made}) == 6
    assert not {photo.group for photo in made} & {photo.group for photo in stock.make("val", 6, (), tmp_path)}


@pytest.mark.usefixtures("small_sizes")
def test_scenes_of_cutouts_are_worth_what_is_measured_and_splits_share_none(tmp_path: Path) -> None:
    photos = list(stock.make("train", 16, [make_cutout(60, 50)], tmp_path))
    with_cutouts = [photo for photo in photos if photo.label is None]
    assert 3 <= len(with_cutouts) <= 13
    val = list(stock.make("val", 16, (), tmp_path))
    assert not {photo.group for photo in photos} & {photo.group for photo in val}
    assert not {photo.path for photo in photos} & {photo.path for photo in val}
