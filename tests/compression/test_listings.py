"""Listings: what they say of themselves is what their pixels show."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from compression import listings
from compression.listings import FAULTS, GROUNDS, Truth, draw_listing, frames, render
from compression.listings.enlarging import make_original
from compression.listings.truth import find_box

SIZE = 240, 320


def draw(seed: int, fault: str | None = None, background: str | None = None) -> tuple[np.ndarray, Truth]:
    return render(seed, fault, *SIZE, background)


def spectrum_edge(pixels: np.ndarray) -> float:
    """Share of the energy of neighbors' differences that lies in the upper half of frequencies."""
    plane = pixels.astype(np.float32).mean(2)
    power = np.abs(np.fft.rfft(np.diff(plane, axis=1), axis=1)) ** 2
    return float(power[:, power.shape[1] // 2 :].sum() / power.sum())


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_seed_gives_the_same_photo_and_another_seed_another(fault: str | None) -> None:
    one, again, other = (draw_listing(seed, fault, *SIZE) for seed in (4, 4, 5))
    assert one.jpeg == again.jpeg and np.array_equal(one.pixels, again.pixels)
    assert np.array_equal(one.truth.mask, again.truth.mask)
    assert one.pixels.shape == (*SIZE, 3) and one.truth.mask.shape == SIZE
    assert np.abs(one.pixels.astype(int) - other.pixels).mean() > 3


def test_the_pixels_are_those_of_the_file() -> None:
    listing = draw_listing(7, "overlay", *SIZE)
    decoded = cv2.imdecode(np.frombuffer(listing.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.array_equal(decoded, listing.pixels)
    drawn, _ = draw(7, "overlay")
    assert 0 < np.abs(drawn.astype(int) - listing.pixels).mean() < 8


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_place_is_that_of_the_mask_and_the_product_is_there(fault: str | None) -> None:
    for seed in range(4):
        pixels, truth = draw(seed, fault, None if fault == "collage" else "white")
        rows, columns = np.nonzero(truth.mask > 127)
        left, top, wide, tall = truth.box
        assert (left * SIZE[1], top * SIZE[0]) == pytest.approx((columns.min(), rows.min()))
        assert truth.fill == pytest.approx(max(wide, tall))
        assert wide * SIZE[1] == pytest.approx(np.ptp(columns) + 1)
        assert tall * SIZE[0] == pytest.approx(np.ptp(rows) + 1)
        if fault in (None, "cut_off", "off_center", "skew", "several"):
            outside = pixels[cv2.dilate(truth.mask, np.ones((7, 7))) == 0]
            assert (np.ptp(outside, axis=1) <= 2).all(), "only shadows, which have no color, lie outside"


def test_nothing_is_wrong_with_a_photo_without_a_fault() -> None:
    for seed in range(12):
        _, truth = draw(seed)
        assert (truth.border, truth.overlay, truth.panels, truth.screenshot) == (0, 0, 1, 0)
        assert (truth.upscaled, truth.exposure, truth.cut_off) == (1, "", 0)
        assert truth.clipped_bright < 0.01, "whites of a well exposed product keep their structure"
        assert truth.off_center < 0.12 and truth.skew_deg in (None, 0)


def test_a_legal_white_ground_is_white() -> None:
    for seed in range(8):
        pixels, _ = draw(seed, None, "white")
        rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert np.median(rim) == 255


def test_an_overlay_changes_what_is_in_its_box_and_nothing_else() -> None:
    kinds = set()
    for seed in range(16):
        bare, _ = draw(seed)
        pixels, truth = draw(seed, "overlay")
        changed = (bare != pixels).any(2)
        assert truth.overlay_box == find_box(changed)
        assert truth.overlay == pytest.approx(changed.mean()) and 0.0005 < truth.overlay < 0.7
        kinds.add(truth.kind)
    assert len(kinds) >= 4


@pytest.mark.parametrize("kind", sorted({*frames.KINDS}))
def test_a_border_is_as_wide_as_it_says(kind: str) -> None:
    """The frame changes with its own color alone, so what two scenes share is the frame."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        frame = frames.plan_frame(rng, *SIZE)
        if frame.kind != kind:
            continue
        top, right, bottom, left = frame.sides
        size = SIZE[0] - top - bottom, SIZE[1] - left - right
        photos = [np.full((*size, 3), level, np.uint8) for level in (60, 62)]
        masks = np.full(size, 255, np.uint8)
        one, other = (frames.lay_frame(np.random.default_rng(3), frame, photo, masks) for photo in photos)
        assert one[0].shape == (*SIZE, 3)
        inside = np.zeros(SIZE, bool)
        inside[top : SIZE[0] - bottom, left : SIZE[1] - right] = True
        differs = (one[0] != other[0]).any(2)
        assert not differs[~inside].any()
        assert differs[inside].mean() > 0.9, "all of the photo shows but for rounded corners"
        assert not one[1][~inside].any()
        return
    pytest.fail(f"no {kind} in 40 seeds")


def test_a_border_stands_out_from_the_photo() -> None:
    for seed in range(12):
        pixels, truth = draw(seed, "border")
        top, _, _, left = truth.border_px
        assert truth.border == max(truth.border_px) / min(SIZE) and truth.border >= 0.01
        for wide, side in ((top, pixels), (left, pixels.transpose(1, 0, 2))):
            if wide:
                frame, photo = side[0].astype(int), side[wide + 1].astype(int)
                inner = slice(len(photo) // 4, -len(photo) // 4)
                assert np.median(np.abs(frame - photo).max(1)[inner]) >= 10


def test_cut_off_products_reach_the_edge_and_others_never() -> None:
    for seed in range(12):
        _, cut = draw(seed, "cut_off")
        edges = np.concatenate([cut.mask[0], cut.mask[-1], cut.mask[:, 0], cut.mask[:, -1]]) > 127
        assert cut.cut_off == pytest.approx(edges.mean()) and cut.cut_off > 0.02
        for fault in (None, "off_center", "several", "skew"):
            mask = draw(seed, fault)[1].mask
            assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()


def test_skewed_things_lean_by_2_to_15_degrees() -> None:
    for seed in range(6):
        _, truth = draw(seed, "skew")
        assert truth.skew_deg is not None and 2 <= abs(truth.skew_deg) <= 15


def test_a_turned_bar_leans_clockwise_by_its_angle() -> None:
    from compression.listings.staging import turn

    bar = np.ones((200, 20), np.float32)
    for angle in (-12.0, 5.0, 15.0):
        _, cover = turn(np.ones((200, 20, 3), np.float32), bar, angle)
        rows, columns = np.nonzero(cover > 0.5)
        slope = np.polyfit(rows, columns, 1)[0]  # columns fall as rows grow where the top leans right
        assert np.rad2deg(np.arctan(-slope)) == pytest.approx(angle, abs=0.7)


def test_off_center_products_lie_away_from_the_middle() -> None:
    assert all(draw(seed, "off_center")[1].off_center > 0.12 for seed in range(12))


def test_several_products_are_as_many_parts_of_the_mask() -> None:
    for seed in range(8):
        truth = draw(seed, "several")[1]
        parts = cv2.connectedComponents((truth.mask > 127).astype(np.uint8))[0] - 1
        assert 2 <= truth.products <= parts


def test_enlarged_photos_lack_the_upper_frequencies_and_originals_have_them() -> None:
    for seed in range(6):
        enlarged, truth = render(seed, "upscaled", 400, 400, "stone")
        original, _ = render(seed, None, 400, 400, "stone")
        assert 1.4 < truth.upscaled < 4.1 and truth.kind in ("linear", "cubic", "lanczos")
        assert spectrum_edge(enlarged) < 0.7 * spectrum_edge(original)


def test_an_original_of_a_photo_is_smaller_than_it() -> None:
    assert make_original(np.zeros((320, 480, 3), np.uint8)).shape == (200, 300, 3)


def test_exposure_clips_the_share_that_it_says_on_a_ground_that_stays_white() -> None:
    for seed in range(8):
        pixels, over = draw(seed, "over_exposed", "white")
        _, right = draw(seed, None, "white")
        product = pixels[over.mask > 127]
        assert over.clipped_bright == pytest.approx((product >= 250).all(1).mean())
        assert over.clipped_bright > 0.05 and over.brightness > right.brightness
        _, under = draw(seed, "under_exposed", "white")
        assert under.brightness < 0.75 * right.brightness and under.exposure == "under"
        assert (pixels[0, 0] > 250).all()


def test_collages_have_two_to_six_panels() -> None:
    for seed in range(10):
        _, truth = draw(seed, "collage")
        assert 2 <= truth.panels <= 6
        assert truth.kind in listings.collages.LAYOUTS


def test_between_two_panels_of_a_collage_there_is_a_seam() -> None:
    seen = 0
    for seed in range(60):
        pixels, truth = draw(seed, "collage")
        if truth.kind not in ("two beside", "two stacked"):
            continue
        seen += 1
        across = pixels.astype(int) if truth.kind == "two beside" else pixels.transpose(1, 0, 2).astype(int)
        middle, near = across.shape[1] // 2, across.shape[1] // 25
        steps = np.abs(np.diff(across[:, middle - near : middle + near], axis=1)).max(2)
        assert np.median(steps, axis=0).max() >= 8
    assert seen >= 4


def test_screens_have_bars_of_the_height_that_they_say_around_a_whole_photo() -> None:
    for seed in range(6):
        listing = draw_listing(seed, "screenshot")
        height, width = listing.truth.mask.shape
        assert height > 1.5 * width and 0.15 < listing.truth.screenshot < 0.8
        rows = np.flatnonzero((listing.truth.mask > 127).any(1))
        assert np.ptp(rows) < (1 - listing.truth.screenshot) * height


def test_every_ground_is_drawn_in_the_size_asked_for() -> None:
    for name, ground in GROUNDS.items():
        plane = ground(np.random.default_rng(0), 90, 70)
        assert plane.shape == (90, 70, 3) and np.isfinite(plane).all(), name


def test_uses_of_seeds_share_none() -> None:
    assert not set(listings.seeds("development")[-3:]) & set(listings.seeds("held out")[:3])
    assert listings.seeds("development").stop == listings.seeds("held out").start
    with pytest.raises(ValueError, match="\"held out\", got 'test'"):
        listings.seeds("test")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match=r"border.*'moon'"):
        draw_listing(0, "moon")
    with pytest.raises(ValueError, match=r"doorway.*'moon'"):
        draw_listing(0, background="moon")
    with pytest.raises(ValueError, match="200x200 px, got 300x100"):
        draw_listing(0, None, 100, 300)
