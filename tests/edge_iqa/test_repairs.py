"""Each repair undoes the fault that it is for, and does nothing at strength 0."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_iqa.repairs import crop, shapes
from edge_iqa.repairs.background import WhiteBackground, estimate_color
from edge_iqa.repairs.clahe import LocalContrast
from edge_iqa.repairs.color_guard import color_shift, neutral_share
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.contrast import Contrast
from edge_iqa.repairs.denoise import Denoise
from edge_iqa.repairs.exposure import Exposure
from edge_iqa.repairs.search import climb
from edge_iqa.repairs.sharpen import Sharpen
from edge_iqa.repairs.straighten import Straighten, inner_share
from edge_iqa.repairs.white_balance import AXES, WhiteBalance

Pixels = NDArray[np.uint8]
NOTHING = Context()

REPAIRS = [
    WhiteBalance(0.4, -0.2),
    Exposure(1.5),
    Exposure(-1.0, keep_white=True),
    Contrast(0.2, 0.8),
    Contrast(0.2, 0.8, 0.3),
    Denoise(),
    Sharpen(),
    LocalContrast(),
    Straighten(7.0),
    crop.Crop(0.1, 0.2, 0.9, 0.8),
    WhiteBackground(),
]


def make_photo(height: int = 96, width: int = 128, seed: int = 0) -> Pixels:
    """Soft colors of all kinds, with a few gray things."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 200, (6, 8, 3)).astype(np.float32)
    photo = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    photo[:24] = photo[:24].mean(-1, keepdims=True)
    return np.clip(photo, 10, 220).astype(np.uint8)


def make_scene(height: int = 200, width: int = 240) -> tuple[Pixels, Context]:
    """A red box with a dark stripe on a light, uneven ground, and its sure outline."""
    ground = np.linspace(205, 228, width)[None, :, None] * np.ones((height, 1, 3))
    ground[60:150, 50:130] = (180, 40, 50)
    ground[95:105, 50:130] = (40, 30, 30)
    mask = np.zeros((height, width), bool)
    mask[60:150, 50:130] = True
    return ground.astype(np.uint8), Context(mask, "light", 0.95)


def to_light(pixels: Pixels) -> NDArray[np.float64]:
    """An independent decoding of sRGB."""
    encoded = pixels / 255.0
    return np.where(encoded > 0.04045, np.power((encoded + 0.055) / 1.055, 2.4), encoded / 12.92)


def to_encoded(light: NDArray[np.float64]) -> Pixels:
    light = light.clip(0, 1)
    encoded = np.where(light > 0.0031308, 1.055 * np.power(light, 1 / 2.4) - 0.055, light * 12.92)
    return np.round(encoded * 255).astype(np.uint8)


@pytest.mark.parametrize("repair", REPAIRS, ids=lambda repair: type(repair).__name__)
def test_strength_0_is_the_photo_itself(repair: crop.Crop) -> None:
    scene, context = make_scene()
    assert repair.apply(scene, 0.0, context) is scene


@pytest.mark.parametrize("repair", REPAIRS, ids=lambda repair: type(repair).__name__)
def test_nothing_is_enlarged_and_the_photo_is_not_written_to(repair: crop.Crop) -> None:
    scene, context = make_scene()
    before = scene.copy()
    for strength in (0.3, 1.0):
        out = repair.apply(scene, strength, context)
        assert out.dtype == np.uint8 and out.shape[2] == 3
        assert out.shape[0] <= scene.shape[0] and out.shape[1] <= scene.shape[1]
    assert np.array_equal(scene, before)


@pytest.mark.parametrize(("warmer", "pinker"), [(0.5, 0.0), (-0.4, 0.1), (0.0, 0.4), (0.2, -0.3)])
def test_white_balance_undoes_a_known_cast(warmer: float, pinker: float) -> None:
    photo = make_photo()
    gain = np.exp(-(warmer * AXES[0] + pinker * AXES[1]))
    cast = to_encoded(to_light(photo) * 0.7 * gain / (gain @ (0.2126, 0.7152, 0.0722)))
    mended = WhiteBalance(warmer, pinker).apply(cast, 1.0, NOTHING)
    assert color_shift(photo, cast) > 0.015
    assert color_shift(photo, mended) < 0.003
    assert neutral_share(mended) > 1.3 * neutral_share(cast)


def test_white_balance_leaves_the_brightness_of_gray() -> None:
    gray = np.full((8, 8, 3), 120, np.uint8)
    out = to_light(WhiteBalance(0.3, -0.2).apply(gray, 1.0, NOTHING)) @ (0.2126, 0.7152, 0.0722)
    assert out == pytest.approx(to_light(gray)[..., 0], rel=0.02)


@pytest.mark.parametrize("stops", [0.5, 1.0, 2.0, 3.0])
def test_exposure_undoes_a_known_gain_in_linear_light(stops: float) -> None:
    photo = make_photo()
    dark = to_encoded(to_light(photo) * 2.0**-stops)
    brightest = float(to_light(dark).max())
    mended = Exposure(stops, brightest).apply(dark, 1.0, NOTHING)
    lit = photo.min(-1) > 60  # below, 8 bits of a dark photo have lost what was there
    assert np.abs(to_light(mended) - to_light(photo))[lit].mean() < 0.01


def test_exposure_burns_no_highlights_out() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, 2).repeat(2, 0)
    out = Exposure(1.5, 1.0).apply(ramp, 1.0, NOTHING)[0, :, 0].astype(int)
    assert (np.diff(out) >= 0).all()
    assert (out == 255).sum() <= 8  # 120 levels would burn out without the curve at the top
    linear = to_light(ramp)[0, :, 0]
    low = (linear * 2**1.5 < 0.55) & (linear > 0.01)
    assert to_light(out.astype(np.uint8))[low] == pytest.approx(linear[low] * 2**1.5, rel=0.05)


def test_darkening_can_leave_white_white() -> None:
    ramp = np.array([[[100] * 3, [255] * 3]], np.uint8)
    assert Exposure(-1.0, keep_white=True).apply(ramp, 1.0, NOTHING)[0, 1, 0] == 255
    kept = Exposure(-1.0, keep_white=True).apply(ramp, 1.0, NOTHING)[0, 0]
    plain = Exposure(-1.0).apply(ramp, 1.0, NOTHING)
    assert np.array_equal(kept, plain[0, 0]) and plain[0, 1, 0] < 200


def test_contrast_undoes_a_flat_curve() -> None:
    photo = make_photo()
    flat = np.round((photo / 255.0 + (0.5 - photo / 255.0) * 0.5) * 255).astype(np.uint8)
    mended = Contrast(0.25, 0.75).apply(flat, 1.0, NOTHING)
    assert np.abs(mended.astype(int) - photo).max() <= 2


def test_contrast_without_color_keeps_every_chromaticity() -> None:
    photo = make_photo()
    flat = np.round((photo / 255.0 + (0.5 - photo / 255.0) * 0.5) * 255).astype(np.uint8)
    held = Contrast(0.2, 0.8, color=0.0).apply(flat, 1.0, NOTHING)
    free = Contrast(0.2, 0.8, color=1.0).apply(flat, 1.0, NOTHING)
    assert color_shift(flat, held) < 0.003 < color_shift(flat, free)
    weights = np.array((0.2126, 0.7152, 0.0722))
    assert np.abs(to_light(held) @ weights - to_light(free) @ weights).mean() < 0.01


def test_denoise_takes_noise_and_leaves_edges() -> None:
    rng = np.random.default_rng(1)
    photo = cv2.resize(make_photo(), (320, 240), interpolation=cv2.INTER_CUBIC)
    photo[100:140, 60:260] = 30
    noisy = np.clip(photo + rng.normal(0, 8, photo.shape), 0, 255).astype(np.uint8)
    clean = Denoise(luma=1.0).apply(noisy, 1.0, NOTHING)
    error = [float(np.square(each.astype(float) - photo).mean()) for each in (noisy, clean)]
    assert error[1] < 0.4 * error[0]
    assert np.ptp(clean[90:150, 160, 1]) > np.ptp(photo[90:150, 160, 1]) - 12


def test_denoise_takes_noise_of_color_and_leaves_most_of_the_grain_of_brightness() -> None:
    """Cloth looks like noise of brightness, so that by default most of it stays."""
    rng = np.random.default_rng(5)
    cloth = np.clip(150 + rng.normal(0, 8, (240, 320, 1)) + rng.normal(0, 4, (240, 320, 3)), 0, 255).astype(
        np.uint8
    )
    planes = [
        cv2.cvtColor(each, cv2.COLOR_RGB2YCrCb).std((0, 1))
        for each in (cloth, Denoise().apply(cloth, 1.0, NOTHING))
    ]
    assert planes[1][0] > 0.8 * planes[0][0]
    assert planes[1][1:].max() < 0.6 * planes[0][1:].max()


def test_denoise_leaves_a_photo_without_noise() -> None:
    photo = cv2.resize(make_photo(), (320, 240), interpolation=cv2.INTER_CUBIC)
    assert np.abs(Denoise().apply(photo, 1.0, NOTHING).astype(int) - photo).mean() < 0.7


def test_denoise_does_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = np.random.default_rng(2).normal(128, 9, (200, 96, 3)).clip(0, 255).astype(np.uint8)
    whole = Denoise().apply(noisy, 1.0, NOTHING)
    monkeypatch.setattr("edge_iqa.repairs.denoise._STRIPE", 64)
    assert np.abs(Denoise().apply(noisy, 1.0, NOTHING).astype(int) - whole).max() <= 1


def test_sharpen_makes_edges_steeper_without_halos() -> None:
    step = np.full((32, 64, 3), 60, np.uint8)
    step[:, 32:] = 180
    soft = cv2.GaussianBlur(step, (0, 0), 1.5)
    sharp = Sharpen(1.5, 1.0).apply(soft, 1.0, NOTHING)
    slope = [np.abs(np.diff(each[16, :, 1].astype(int))).max() for each in (soft, sharp)]
    assert slope[1] > 1.2 * slope[0]
    assert sharp.min() >= 59 and sharp.max() <= 181


def test_local_contrast_keeps_the_colors() -> None:
    photo = make_photo()
    assert color_shift(photo, LocalContrast().apply(photo, 0.3, NOTHING)) < 0.01


@pytest.mark.parametrize("lean", [-8.0, 5.0])
def test_straighten_turns_a_leaning_box_upright(lean: float) -> None:
    scene, context = make_scene()
    middle = ((scene.shape[1] - 1) / 2, (scene.shape[0] - 1) / 2)
    leaning = cv2.warpAffine(
        scene, cv2.getRotationMatrix2D(middle, -lean, 1), scene.shape[1::-1], borderMode=cv2.BORDER_REPLICATE
    )
    upright = Straighten(lean).apply(leaning, 1.0, context)
    assert upright.shape == scene.shape
    inner = np.s_[30:170, 30:210]
    assert np.abs(upright[inner].astype(int) - scene[inner]).mean() < 3
    corner = upright[0, 0].astype(int)  # filled with the ground's color, not black
    assert np.abs(corner - estimate_color(scene, context)).max() < 15


def test_straighten_without_a_plain_ground_leaves_no_corner_empty() -> None:
    photo = np.full((120, 160, 3), 200, np.uint8)
    out = Straighten(10.0).apply(photo, 1.0, NOTHING)
    assert out.min() == 200
    assert out.shape[0] < 120 and out.shape[1] / out.shape[0] == pytest.approx(160 / 120, rel=0.03)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(width=st.integers(10, 500), height=st.integers(10, 500), degrees=st.floats(-45, 45))
def test_the_inner_rectangle_lies_inside_the_turned_photo(width: int, height: int, degrees: float) -> None:
    share = inner_share(width, height, degrees)
    angle = np.radians(degrees)
    back = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    corners = np.array([(x * width, y * height) for x in (-1, 1) for y in (-1, 1)]) * share / 2 @ back.T
    assert 0 < share <= 1
    assert (np.abs(corners) <= (width / 2 + 1e-6, height / 2 + 1e-6)).all()


def test_the_background_becomes_white_and_the_product_stays() -> None:
    scene, context = make_scene()
    out = WhiteBackground().apply(scene, 1.0, context)
    assert context.product is not None
    far = cv2.dilate(context.product.astype(np.uint8), np.ones((21, 21), np.uint8)) == 0
    assert (out[far] >= 250).all(axis=-1).mean() > 0.99
    inside = cv2.erode(context.product.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert np.abs(out[inside].astype(int) - scene[inside]).max() <= 1


def test_an_unsure_outline_paints_and_cuts_nothing() -> None:
    scene, context = make_scene()
    unsure = Context(context.product, "light", 0.6)
    assert WhiteBackground().apply(scene, 1.0, unsure) is scene
    steps, reasons = shapes.choose(["BACKGROUND", "FILL_LOW"], unsure, scene)
    assert not steps and len(reasons) == 2


def make_paper(light: float = 150.0) -> tuple[Pixels, NDArray[np.bool_]]:
    """A dark bottle on gray paper, lighter to the left, and where it stands."""
    paper = light + np.linspace(25, -25, 640)[None, :, None] + np.zeros((480, 1, 3))
    mask = np.zeros((480, 640), bool)
    mask[120:380, 260:380] = True
    paper[mask] = (70, 40, 30)
    return cv2.GaussianBlur(paper.astype(np.uint8), (0, 0), 0.8), mask


def test_a_turned_photo_shows_no_seam_where_its_corners_were() -> None:
    paper, mask = make_paper()
    small = cv2.resize(mask.astype(np.uint8), (256, 192), interpolation=cv2.INTER_AREA) > 0
    turned = Straighten(9.0).apply(paper, 1.0, Context(small, "plain", 0.95))
    assert turned.shape == paper.shape
    outside = cv2.dilate(mask.astype(np.uint8), np.ones((161, 161), np.uint8)) == 0
    steps = np.abs(np.diff(turned[..., 1].astype(int), axis=1))[outside[:, 1:]]
    assert steps.max() <= 4


def test_a_product_near_the_edge_is_never_mirrored() -> None:
    paper, mask = make_paper()
    mask = np.roll(mask, -255, axis=1)
    small = cv2.resize(mask.astype(np.uint8), (256, 192), interpolation=cv2.INTER_AREA) > 0
    turned = Straighten(9.0).apply(np.roll(paper, -255, axis=1), 1.0, Context(small, "plain", 0.95))
    assert turned.shape[0] < paper.shape[0], "cropped to what is photo instead"


def test_a_new_background_has_no_rim_of_the_old_and_leaves_the_product() -> None:
    paper, mask = make_paper()
    small = cv2.resize(mask.astype(np.uint8), (256, 192), interpolation=cv2.INTER_AREA) > 0
    white = WhiteBackground().apply(paper, 1.0, Context(small, "plain", 0.95))
    near = cv2.dilate(mask.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    rim = near & (cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0)
    assert white[rim].min() >= 250 and white[~near].min() >= 250
    inside = cv2.erode(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.abs(white[inside].astype(int) - paper[inside]).max() <= 2


def test_a_crop_reaches_fill_and_shape() -> None:
    part = crop.plan(
        (0.4, 0.4, 0.2, 0.1), (1000, 800), fill=0.85, aspect_ratio=1.0, shortest_px=200, may_pad=True
    )
    assert part is not None
    out = part.apply(np.zeros((800, 1000, 3), np.uint8), 1.0, NOTHING)
    assert out.shape[0] == pytest.approx(out.shape[1], abs=1)
    assert 200 / out.shape[1] == pytest.approx(0.85, abs=0.01)


def test_a_crop_leaves_enough_pixels_or_is_not_made() -> None:
    box = (0.45, 0.45, 0.1, 0.1)
    part = crop.plan(box, (1000, 1000), fill=0.85, aspect_ratio=None, shortest_px=100, may_pad=False)
    assert part is not None and (part.right - part.left) * 1000 == pytest.approx(100 / 0.85)
    assert crop.plan(box, (1000, 1000), fill=0.85, aspect_ratio=None, shortest_px=600, may_pad=False) is None
    nearly = crop.plan(box, (1000, 1000), fill=0.85, aspect_ratio=None, shortest_px=119, may_pad=False)
    assert nearly is not None and (nearly.right - nearly.left) * 1000 == pytest.approx(119)
    wide = (0.05, 0.3, 0.9, 0.1)
    assert crop.plan(wide, (1000, 400), fill=None, aspect_ratio=1.0, shortest_px=300, may_pad=False) is None


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    left=st.floats(0, 0.8), top=st.floats(0, 0.8), wide=st.floats(0.05, 0.2), tall=st.floats(0.05, 0.2),
    fill=st.one_of(st.none(), st.floats(0.5, 0.95)), shape=st.one_of(st.none(), st.floats(0.5, 2)),
)  # fmt: skip
def test_a_crop_inside_the_photo_never_cuts_the_product(
    left: float, top: float, wide: float, tall: float, fill: float | None, shape: float | None
) -> None:
    part = crop.plan(
        (left, top, wide, tall), (900, 700), fill=fill, aspect_ratio=shape, shortest_px=100, may_pad=False
    )
    if part is None:
        return
    near = 1e-6
    assert -near <= part.left <= left + near and -near <= part.top <= top + near
    assert left + wide - near <= part.right <= 1 + near and top + tall - near <= part.bottom <= 1 + near


def test_a_crop_beyond_the_photo_continues_the_background() -> None:
    scene, context = make_scene()
    out = crop.Crop(0.0, -0.1, 1.0, 1.1).apply(scene, 1.0, context)
    assert out.shape == (240, 240, 3)
    assert np.abs(out[0, 0].astype(int) - estimate_color(scene, context)).max() == 0


def test_the_mask_turns_with_the_photo() -> None:
    scene, context = make_scene()
    assert context.product is not None
    marked = np.where(context.product[..., None], np.uint8(255), np.uint8(0)).repeat(3, 2)
    turned = shapes.turn(context, scene.shape, 12.0).product
    assert turned is not None
    photo = Straighten(12.0).apply(marked, 1.0, Context(context.product, "light", 0.95))
    both = (photo[..., 0] > 127) & turned
    assert both.sum() / ((photo[..., 0] > 127) | turned).sum() > 0.95


def test_a_climb_finds_the_top_and_asks_for_each_point_once() -> None:
    asked = []

    def value(point: tuple[float, ...]) -> float:
        asked.append(point)
        return -((point[0] - 0.37) ** 2) - 2 * (point[1] + 0.12) ** 2

    best, height = climb(value, (0.0, 0.0), (0.3, 0.3), [(-1, 1), (-1, 1)], rounds=4)
    assert len(asked) == len(set(asked)) <= 40
    assert best == pytest.approx((0.37, -0.12), abs=0.05)
    assert height == pytest.approx(-((best[0] - 0.37) ** 2) - 2 * (best[1] + 0.12) ** 2, abs=1e-3)
