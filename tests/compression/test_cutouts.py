"""Cut-outs: what was drawn onto a board comes off it again, and nothing comes off a table."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compression import scenes
from compression.data import Photo
from compression.scenes import cut_out, stock
from compression.scenes.things import THINGS

TOP, LEFT, SIDE = 45, 85, 150


def lay_on_board(thing: tuple[np.ndarray, np.ndarray], shadow: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A photo 240x320 of a thing on a light board that is a little darker at one side, and its mask."""
    rgb, cover = thing
    y, x = np.mgrid[-1:1:240j, -1:1:320j].astype(np.float32)
    photo = np.ones((240, 320, 3), np.float32) * 0.88 * (1 - 0.03 * x - 0.02 * y)[..., None]
    mask = np.zeros((240, 320), np.float32)
    mask[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = cover
    photo *= (1 - shadow * np.roll(cv2.GaussianBlur(mask, (0, 0), 12), (4, 6), (0, 1)))[..., None]
    inner = photo[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    inner += (rgb - inner) * cover[..., None]
    photo += np.random.default_rng(0).normal(0, 0.8 / 255, photo.shape)
    return np.clip(photo * 255 + 0.5, 0, 255).astype(np.uint8), mask > 0.5


def overlap(found: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union, where the two fit best: a cut-out does not say where it was."""
    common = cv2.matchTemplate(mask.astype(np.float32), found.astype(np.float32), cv2.TM_CCORR).max()
    return float(common / (found.sum() + mask.sum() - common))


@pytest.mark.parametrize("shadow", [0.0, 0.15])
@pytest.mark.parametrize("thing", THINGS)
def test_a_drawn_thing_comes_off_its_board_whole(thing, shadow: float) -> None:
    for seed in range(5):
        photo, mask = lay_on_board(thing(np.random.default_rng(seed), SIDE, SIDE, 0.3), shadow)
        found = cut_out(photo)
        assert found is not None
        assert overlap(found[1] > 0.5, mask) >= 0.85  # the hole of a handle comes along


def test_a_cutout_has_the_photos_own_pixels_at_their_own_scale() -> None:
    photo, _ = lay_on_board(THINGS[0](np.random.default_rng(1), SIDE, SIDE, 0.3))
    rgb, cover = cut_out(photo)
    assert rgb.dtype == cover.dtype == np.float32 and rgb.shape[:2] == cover.shape
    assert cover.min() >= 0 and cover.max() <= 1
    found = cv2.matchTemplate(photo, np.round(rgb * 255).astype(np.uint8), cv2.TM_SQDIFF)
    assert found.min() == pytest.approx(0, abs=1)


def test_a_cutout_carries_no_rim_of_its_board() -> None:
    """Laid on black, no light line runs around it."""
    dark = np.full((SIDE, SIDE, 3), 0.15, np.float32)
    disk = cv2.circle(np.zeros((SIDE, SIDE), np.float32), (75, 75), 60, 1.0, -1, cv2.LINE_AA)
    rgb, cover = cut_out(lay_on_board((dark, disk))[0])
    assert (rgb * cover[..., None]).max() < 0.35


@pytest.mark.parametrize("background", ["table", "tiles", "cloth", "stone", "room"])
def test_nothing_is_cut_out_where_there_is_no_plain_board(background: str) -> None:
    for seed in range(6):
        assert cut_out(scenes.draw(seed, 240, 320, background, fill=0.5).pixels) is None


def test_nothing_is_cut_out_of_an_empty_board_a_dark_one_or_a_product_that_is_cut_off() -> None:
    assert cut_out(np.full((240, 320, 3), 230, np.uint8)) is None
    photo, _ = lay_on_board(THINGS[0](np.random.default_rng(0), SIDE, SIDE, 0.3))
    assert cut_out((photo * 0.3).astype(np.uint8)) is None
    assert cut_out(np.ascontiguousarray(photo[:, LEFT + SIDE // 2 :])) is None


def write(path: Path, pixels: np.ndarray) -> Photo:
    cv2.imwrite(str(path), pixels[..., ::-1])
    return Photo(path, "train", path.name)


def test_cutouts_are_kept_and_read_again(tmp_path: Path) -> None:
    board, _ = lay_on_board(THINGS[0](np.random.default_rng(1), SIDE, SIDE, 0.3))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    photos = [
        write(tmp_path / "board.png", board),
        write(tmp_path / "table.png", scenes.draw(6, 240, 320, "table").pixels),
        Photo(broken, "train", "broken"),
        Photo(tmp_path / "missing.png", "train", "missing"),
    ]
    first = list(stock.find_cutouts(photos, tmp_path / "cache"))
    assert [each is not None for each in first] == [True, False, False, False]
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.png")}
    assert len(stamps) == 2
    second = list(stock.find_cutouts(photos, tmp_path / "cache"))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.png")} == stamps
    for one, other, direct in zip(first[0], second[0], cut_out(board), strict=True):
        assert np.array_equal(one, other)
        np.testing.assert_allclose(one, direct, atol=0.51 / 255)
