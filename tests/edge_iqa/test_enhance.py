"""A repaired photo is better by every count, or it is the photo that came in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa.enhance import Diagnosis, find_fault, improve
from edge_iqa.errors import OutputError
from edge_iqa.fix.encode import Fineness, encode, estimate_fineness
from edge_iqa.frame import Frame
from edge_iqa.repairs.base import Scores
from edge_iqa.repairs.color_guard import color_shift
from edge_iqa.repairs.context import Context
from tests.edge_iqa import photos

Pixels = NDArray[np.uint8]
WEIGHTS = np.array((0.2126, 0.7152, 0.0722))
GOOD = dict.fromkeys(("sharpness", "exposure", "contrast", "color", "noise", "detail"), 99.0)


def make_photo(height: int = 120, width: int = 160) -> Pixels:
    """A red dress on a wall of grays."""
    rng = np.random.default_rng(4)
    wall = cv2.resize(
        rng.uniform(60, 235, (5, 6)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    photo = np.repeat(wall.clip(20, 250)[..., None], 3, 2)
    photo[30:100, 50:110] = (190, 30, 45)
    return np.asarray(photo, np.uint8)


def to_light(pixels: Pixels) -> NDArray[np.float64]:
    encoded = pixels / 255.0
    return np.where(encoded > 0.04045, np.power((encoded + 0.055) / 1.055, 2.4), encoded / 12.92)


def to_encoded(light: NDArray[np.float64]) -> Pixels:
    light = np.asarray(light).clip(0, 1)
    encoded = np.where(light > 0.0031308, 1.055 * np.power(light, 1 / 2.4) - 0.055, light * 12.92)
    return np.asarray(np.round(encoded * 255), np.uint8)


class Judge:
    """Scores by what it knows of the clean photo: light and color fall with their distance from it."""

    def __init__(self, clean: Pixels) -> None:
        self.clean = to_light(clean)
        self.asked = 0

    def __call__(self, pixels: Pixels) -> Scores:
        self.asked += 1
        light = to_light(pixels)
        stops = np.log2((light @ WEIGHTS).mean() / (self.clean @ WEIGHTS).mean())
        here, there = (each.mean((0, 1)) / (each @ WEIGHTS).mean() for each in (light, self.clean))
        attributes = {
            **GOOD,
            "exposure": 100 * 2 ** -abs(stops),
            "color": 100 * np.exp(-np.abs(here - there).sum()),
        }
        return float(attributes["exposure"] * attributes["color"] / 100), attributes


def to_frame(pixels: Pixels) -> Frame:
    return Frame(pixels, pixels.shape[1], pixels.shape[0])


def test_a_dark_photo_is_brought_back_and_the_red_stays_that_red() -> None:
    clean = make_photo()
    dark = to_encoded(to_light(clean) / 4)
    fixed = improve(to_frame(dark), Diagnosis(["TOO_DARK"]), Judge(clean))
    assert fixed.changed and fixed.steps[0].name == "exposure" and not fixed.retake
    assert fixed.after[0] > fixed.before[0] + 30
    assert np.abs(fixed.pixels.astype(int) - clean).mean() < 0.4 * np.abs(dark.astype(int) - clean).mean()
    dress = np.zeros(clean.shape[:2], bool)
    dress[35:95, 55:105] = True
    assert color_shift(dark, fixed.pixels, dress) < 0.005


def test_a_cast_is_taken_out() -> None:
    clean = make_photo()
    gain = np.array((1.5, 1.0, 0.6))
    cast = to_encoded(to_light(clean) * 0.6 * gain / (gain @ WEIGHTS))
    fixed = improve(to_frame(cast), Diagnosis(["COLOR_CAST", "TOO_DARK"]), Judge(clean))
    assert {step.name for step in fixed.steps} == {"exposure", "white balance"}
    assert color_shift(clean, fixed.pixels) < 0.35 * color_shift(clean, cast)


def test_a_judge_who_loves_yellow_cannot_take_the_grays_away() -> None:
    """The model alone does not decide on color: what was gray must not cease to be."""
    clean = make_photo()

    def score(pixels: Pixels) -> Scores:
        light = to_light(pixels).mean((0, 1))
        yellow = 50 + 40 * np.tanh(light[:2].sum() / light[2] - 2)
        return float(yellow), {**GOOD, "color": float(yellow)}

    fixed = improve(to_frame(clean), Diagnosis(["COLOR_CAST"]), score)
    assert not fixed.changed and fixed.pixels is clean


def test_contrast_is_not_given_to_tones_that_reach_black_or_white() -> None:
    """The model calls many faults low contrast; a photo that has lost contrast has neither black nor white."""
    flat = np.round(make_photo() * 0.4 + 128 * 0.6).astype(np.uint8)
    burnt, drowned = flat.copy(), flat.copy()
    burnt[:8], drowned[:8] = 255, 0

    def score(pixels: Pixels) -> Scores:
        value = min(99.0, float(pixels[10:].std()))
        return value, {**GOOD, "contrast": value}

    assert improve(to_frame(flat), Diagnosis(["LOW_CONTRAST"]), score).changed
    for photo in (burnt, drowned):
        fixed = improve(to_frame(photo), Diagnosis(["LOW_CONTRAST"]), score)
        assert fixed.pixels is photo and "left as it was" in fixed.why


def test_a_dark_photo_that_is_called_flat_as_well_still_gets_its_light() -> None:
    """Its tones reach black, so that contrast is a guess; that it is dark is none."""
    clean = make_photo()
    clean[:8] = 0
    dark = to_encoded(to_light(clean) / 4)
    fixed = improve(to_frame(dark), Diagnosis(["LOW_CONTRAST", "TOO_DARK"]), Judge(clean))
    assert [step.name for step in fixed.steps] == ["exposure"]
    assert improve(to_frame(dark), Diagnosis(["LOW_CONTRAST"]), Judge(clean)).pixels is dark


def test_contrast_leaves_the_brightness_as_it_was() -> None:
    """A judge who loves light cannot have it by way of contrast."""
    flat = np.round(make_photo() * 0.3 + 90 * 0.7).astype(np.uint8)

    def score(pixels: Pixels) -> Scores:
        value = min(99.0, 0.6 * float(pixels.mean()) + float(pixels.std()))
        return value, {**GOOD, "contrast": value}

    fixed = improve(to_frame(flat), Diagnosis(["LOW_CONTRAST"]), score)
    assert fixed.changed and fixed.pixels.std() > 1.3 * flat.std()
    assert abs(float(fixed.pixels.mean()) - float(flat.mean())) < 16


def test_a_score_that_falls_leaves_the_photo_as_it_is() -> None:
    photo = make_photo()

    def score(pixels: Pixels) -> Scores:
        value = 80 - 10 * float(np.abs(pixels.astype(int) - photo).mean())
        return value, {**GOOD, "exposure": value, "contrast": value}

    fixed = improve(to_frame(photo), Diagnosis(["TOO_DARK", "LOW_CONTRAST"]), score)
    assert fixed.pixels is photo and not fixed.steps and fixed.before == fixed.after
    assert "left as it was" in fixed.why


def test_an_attribute_that_would_fall_makes_the_repair_milder_or_none() -> None:
    """Here light costs sharpness, step by step: what is made stays within two points."""
    clean = make_photo()
    dark = to_encoded(to_light(clean) / 4)
    judge = Judge(clean)

    def score(pixels: Pixels) -> Scores:
        overall, attributes = judge(pixels)
        lit = np.log2((to_light(pixels) @ WEIGHTS).mean() / (to_light(dark) @ WEIGHTS).mean())
        return overall, {**attributes, "sharpness": 90 - 3 * lit}

    fixed = improve(to_frame(dark), Diagnosis(["TOO_DARK"]), score)
    fall = fixed.before[1]["sharpness"] - fixed.after[1]["sharpness"]
    assert fixed.changed and 0 < fall <= 2


def test_color_that_moves_without_being_the_fault_is_refused() -> None:
    """A judge of contrast alone would make pale colors strong; the guard holds them."""
    flat = np.round(make_photo() * 0.4 + 128 * 0.6).astype(np.uint8)

    def score(pixels: Pixels) -> Scores:
        value = min(99.0, float(pixels.std()))
        return value, {**GOOD, "contrast": value}

    fixed = improve(to_frame(flat), Diagnosis(["LOW_CONTRAST"]), score)
    assert fixed.changed
    assert color_shift(flat, fixed.pixels) <= 0.01
    free = improve(to_frame(flat), Diagnosis(["LOW_CONTRAST", "COLOR_CAST"]), score)
    assert color_shift(flat, free.pixels) > 0.01


def test_a_burnt_out_product_is_not_darkened() -> None:
    burnt = to_encoded(to_light(make_photo()) * 6)
    judge = Judge(make_photo())
    fixed = improve(to_frame(burnt), Diagnosis(["TOO_BRIGHT"]), judge)
    assert fixed.retake == ("TOO_BRIGHT",) and fixed.pixels is burnt


@pytest.mark.parametrize("code", ["BLUR_MOTION", "CUT_OFF", "UPSCALED", "EMPTY"])
def test_what_no_repair_removes_needs_a_new_photo(code: str) -> None:
    photo = make_photo()
    judge = Judge(photo)
    fixed = improve(to_frame(photo), Diagnosis([code]), judge)
    assert fixed.retake == (code,) and fixed.pixels is photo and judge.asked == 1


def test_a_photo_whose_worst_cause_no_repair_removes_is_left_whole() -> None:
    dark = to_encoded(to_light(make_photo()) / 4)
    judge = Judge(make_photo())
    blurred = improve(to_frame(dark), Diagnosis(["BLUR_MOTION", "TOO_DARK"]), judge)
    assert blurred.pixels is dark and blurred.retake == ("BLUR_MOTION",)
    hinted = improve(to_frame(dark), Diagnosis(["TOO_DARK", "LOW_DETAIL"]), judge)
    assert hinted.changed and hinted.retake == ("LOW_DETAIL",)


def test_noise_that_light_brings_out_is_taken_out() -> None:
    """Here every stop of light costs noise points, which only denoising gives back."""
    clean = cv2.resize(make_photo(), (320, 240), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(3)
    dark = to_encoded(to_light(clean) / 8 + rng.normal(0, 0.0012, clean.shape))
    judge = Judge(clean)

    def score(pixels: Pixels) -> Scores:
        overall, attributes = judge(pixels)
        fine = pixels.astype(np.float32) - cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), 1.5)
        return overall, {**attributes, "noise": 100 - 4 * float(np.median(np.abs(fine)))}

    fixed = improve(to_frame(dark), Diagnosis(["TOO_DARK"]), score)
    assert [step.name for step in fixed.steps] == ["exposure", "denoise"]
    assert fixed.after[1]["noise"] >= fixed.before[1]["noise"] - 2


def test_a_photo_without_causes_is_not_touched() -> None:
    photo = make_photo()
    fixed = improve(to_frame(photo), Diagnosis([]), Judge(photo))
    assert fixed.pixels is photo and not fixed.retake


def test_the_size_stays_unless_the_shape_was_the_fault() -> None:
    clean = make_photo(240, 320)
    dark = to_encoded(to_light(clean) / 4)
    mask = np.zeros((48, 64), bool)
    mask[12:40, 20:44] = True
    context = Context(mask, "plain", 0.95, fill=0.85, aspect_ratio=1.0, shortest_px=100)
    as_it_was = improve(to_frame(dark), Diagnosis(["TOO_DARK"], context), Judge(clean))
    assert as_it_was.pixels.shape == dark.shape
    shelf, context = make_shelf(context)
    cropped = improve(to_frame(shelf), Diagnosis(["FILL_LOW"], context), judge_flatly)
    height, width = cropped.pixels.shape[:2]
    assert abs(height - width) <= 1 and height < 480
    assert 280 / height == pytest.approx(0.85, abs=0.02)


def judge_flatly(pixels: Pixels) -> Scores:
    return 90.0, dict(GOOD)


def make_shelf(context: Context) -> tuple[Pixels, Context]:
    """A dark product on plain gray paper, where the context says that it is."""
    assert context.product is not None
    mask = cv2.resize(context.product.astype(np.uint8), (640, 480), interpolation=cv2.INTER_NEAREST) > 0
    shelf = np.full((480, 640, 3), (186, 184, 182), np.uint8)
    stripes = np.linspace(0, 20 * np.pi, 640)
    shelf[mask] = (
        (60 + 40 * np.sin(stripes)).astype(np.uint8)[None, :, None].repeat(480, 0).repeat(3, 2)[mask]
    )
    return shelf, context


def test_a_crop_that_a_new_measurement_does_not_confirm_is_not_made() -> None:
    """The outline was wrong: the product fills the photo already, and a crop would cut it."""
    context = Context(
        np.pad(np.ones((10, 10), bool), ((20, 18), (30, 24))), "plain", 0.95, fill=0.85, shortest_px=100
    )
    shelf, _ = make_shelf(Context(np.pad(np.ones((40, 52), bool), 4)))
    fixed = improve(to_frame(shelf), Diagnosis(["FILL_LOW"], context), judge_flatly)
    assert fixed.pixels is shelf and "FILL_LOW" in fixed.why


def test_what_geometry_costs_of_the_score_may_not_be_much() -> None:
    mask = np.zeros((48, 64), bool)
    mask[12:40, 20:44] = True
    shelf, context = make_shelf(Context(mask, "plain", 0.95, fill=0.85, shortest_px=100))
    worse = lambda pixels: (90.0 if pixels.shape == shelf.shape else 84.9, dict(GOOD))  # noqa: E731
    hardly = lambda pixels: (90.0 if pixels.shape == shelf.shape else 85.1, {**GOOD, "noise": 80.0})  # noqa: E731
    assert not improve(to_frame(shelf), Diagnosis(["FILL_LOW"], context), worse).changed
    assert improve(to_frame(shelf), Diagnosis(["FILL_LOW"], context), hardly).changed
    assert not improve(to_frame(shelf), Diagnosis(["FILL_LOW"], context, accept=86.0), hardly).changed


def test_the_guard_names_what_is_wrong() -> None:
    before: Scores = (40.0, {"exposure": 50.0, "noise": 90.0})

    def after(overall: float, **attributes: float) -> Scores:
        return overall, {**before[1], **attributes}

    assert find_fault(before, after(80, exposure=90.0), ["TOO_DARK"]) is None
    assert "score" in str(find_fault(before, after(41, exposure=90.0), ["TOO_DARK"]))
    assert "exposure" in str(find_fault(before, after(80, exposure=50.0), ["TOO_DARK"]))
    assert "noise" in str(find_fault(before, after(80, exposure=90.0, noise=87.9), ["TOO_DARK"]))
    assert find_fault(before, after(80, exposure=90.0, noise=88.1), ["TOO_DARK"]) is None
    assert "good enough" in str(find_fault(before, after(80, exposure=90.0), ["TOO_DARK"], accept=81))
    assert find_fault(before, after(80, exposure=90.0), ["TOO_DARK"], accept=79) is None


def test_a_repair_that_does_not_make_the_photo_good_enough_is_not_worth_its_risk() -> None:
    clean = make_photo()
    dark = to_encoded(to_light(clean) / 4)
    reached = improve(to_frame(dark), Diagnosis(["TOO_DARK"]), Judge(clean)).after[0]
    judge = Judge(clean)
    assert improve(to_frame(dark), Diagnosis(["TOO_DARK"], accept=reached - 1), judge).changed
    left = improve(to_frame(dark), Diagnosis(["TOO_DARK"], accept=99.9), judge)
    assert left.pixels is dark and "good enough" in left.why


# --- encoding and writing


@pytest.mark.parametrize("quality", [75, 90, 93, 97])
@pytest.mark.parametrize("whole_color", [True, False])
def test_a_jpeg_is_written_as_finely_as_its_source_and_never_coarsely(
    quality: int, whole_color: bool
) -> None:
    chroma = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if whole_color else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    source = photos.encode(
        ".jpg",
        photos.gradient(64, 64),
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        chroma,
    )
    found = estimate_fineness(source)
    assert found.quality == max(90, quality) and found.whole_color == whole_color
    assert estimate_fineness(encode(photos.gradient(64, 64), "jpeg", found)) == found


def test_a_file_that_must_be_smaller_is_or_is_refused() -> None:
    noisy = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    whole = encode(noisy, "jpeg", Fineness(97))
    smaller = encode(noisy, "jpeg", Fineness(97), max_bytes=len(whole) // 2)
    assert len(smaller) <= len(whole) // 2
    with pytest.raises(OutputError, match="at most 100 bytes"):
        encode(noisy, "jpeg", Fineness(97), max_bytes=100)


def test_a_side_too_long_for_the_format_is_refused() -> None:
    with pytest.raises(OutputError, match="WEBP"):
        encode(np.zeros((2, 16_400, 3), np.uint8), "webp", Fineness())


def test_a_large_photo_is_repaired_at_its_own_size() -> None:
    clean = cv2.resize(make_photo(), (2400, 1800), interpolation=cv2.INTER_CUBIC)
    dark = cv2.LUT(clean, to_encoded(to_light(np.arange(256, dtype=np.uint8)) / 4))
    judge = Judge(clean[::20, ::20])
    sizes = set()

    def score(pixels: Pixels) -> Scores:
        sizes.add(pixels.shape)
        return judge(pixels[::13, ::13])

    fixed = improve(to_frame(dark), Diagnosis(["TOO_DARK"]), score)
    assert fixed.changed and fixed.pixels.shape == clean.shape
    assert sizes == {(1200, 1600, 3)}
