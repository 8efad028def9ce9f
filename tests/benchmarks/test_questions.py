"""The questions of the bench put the photos before the device that they say they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import questions, scoring
from compression import scenes
from compression.data import Photo
from edge_iqa import image


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[np.ndarray]]:
    """Pixels that were scored; a photo's score is its mean luma, so that it is known what must come out."""
    shown: list[np.ndarray] = []

    def score(encoded: bytes) -> scoring.Row:
        shown.append(image.read(encoded).pixels.astype(float))
        return {"score": float(shown[-1].mean() / 255)}

    monkeypatch.setattr(questions, "score", score)
    yield shown


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    path = tmp_path / "mug.png"
    cv2.imwrite(str(path), scenes.draw(3, 240, 320, "table").pixels[..., ::-1])
    return Photo(path, "test", "a")


def test_mild_noise_is_as_strong_as_it_says_on_a_sharp_and_on_a_soft_source(
    photo: Photo, seen: list[np.ndarray]
) -> None:
    rows = questions.mild_noise(photo)
    assert len(rows) == 12 and {row["group"] for row in rows} == {"a"}
    clean, noisy = [seen[0], seen[7]], [seen[1:7], seen[8:14]]
    assert cv2.Laplacian(clean[1], cv2.CV_64F).std() < 0.5 * cv2.Laplacian(clean[0], cv2.CV_64F).std()
    for base, six in zip(clean, noisy, strict=True):
        for sigma, spoiled in zip((2, 2, 3, 3, 4, 4), six, strict=True):
            assert 0.5 * sigma < (spoiled - base).std() < 1.2 * sigma  # JPEG takes some of it
    for row, base, spoiled in zip(rows, [clean[0]] * 6 + [clean[1]] * 6, noisy[0] + noisy[1], strict=True):
        assert row["held"] == (spoiled.mean() < base.mean())


def test_a_pair_on_white_and_gray_is_scored_as_two_scenes_of_one_seed(seen: list[np.ndarray]) -> None:
    (row,) = questions.white_and_gray((4, []))
    assert seen[0].shape == seen[1].shape and np.median(seen[0]) > 250 > np.median(seen[1])
    assert row["shift"] == pytest.approx((seen[0].mean() - seen[1].mean()) / 255)


def test_large_photos_are_blurred_four_ways_and_keep_their_light(
    seen: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LARGE_PX", (300, 400))
    rows = questions.large_blur(5)
    assert [row["what"] for row in rows] == ["disk", "gaussian", "across", "box"] and len(seen) == 5
    for blurred in seen[1:]:
        assert blurred.mean() == pytest.approx(seen[0].mean(), abs=0.5)
        assert np.abs(np.diff(blurred, axis=1)).mean() < np.abs(np.diff(seen[0], axis=1)).mean()


def test_a_canvas_holds_a_small_and_a_large_product_and_six_spoiled_copies(
    seen: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "CANVAS_PX", (400, 600))
    rows = questions.white_canvas((7, []))
    assert len(rows) == 6 and len(seen) == 8
    covered = [float((pixels.min(2) < 200).mean()) for pixels in (seen[0], seen[4])]
    assert 0 < covered[0] < 0.3 * covered[1]


def test_stable_changes_move_a_mean_by_nothing_but_a_pixels_shift(
    photo: Photo, seen: list[np.ndarray]
) -> None:
    shifts = {row["what"]: row["shift"] for row in questions.stability(photo)}
    assert shifts.keys() == {"mirrored", "shifted by 1 px", "PNG instead of JPEG q95"}
    assert all(0 <= shift < 0.005 for shift in shifts.values())
    np.testing.assert_allclose(seen[1], seen[0][:, ::-1], atol=24)  # other JPEG blocks, the same photo


def test_a_rated_frame_is_seen_at_the_height_at_which_people_saw_it(
    photo: Photo, seen: list[np.ndarray]
) -> None:
    (row,) = questions.rated((photo.path, "mug", 3.5))
    assert seen[0].shape == (1080, 1440, 3) and (row["group"], row["opinion"]) == ("mug", 3.5)
