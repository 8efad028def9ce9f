"""A photo is shown as a browser shows it, whatever it is stored as. Reference: numpy."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
import pytest

from edge_iqa import image
from tests.edge_iqa import photos

RGB = photos.gradient()
GRAY = RGB[..., 2].copy()
ALPHA = RGB[..., 1].copy()
ON_WHITE = RGB * (ALPHA[..., None] / 255) + (255 - ALPHA[..., None].astype(float))
DEEP = np.random.default_rng(7).integers(0, 65536, RGB.shape, np.uint16)


def assert_shown(data: Any, expected: Any, levels: float = 0.51) -> None:
    pixels = image.read(data).pixels
    assert pixels.shape == expected.shape
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    assert np.abs(pixels - expected.astype(float)).max() <= levels


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tiff"])
def test_color_and_gray_come_back_as_they_were(extension: str) -> None:
    assert_shown(photos.encode(extension, RGB), RGB, 0)
    assert_shown(photos.encode(extension, GRAY), np.dstack([GRAY] * 3), 0)


def test_alpha_is_shown_on_white() -> None:
    assert_shown(photos.encode(".png", np.dstack([RGB, ALPHA])), ON_WHITE)
    assert_shown(photos.bmp(np.dstack([RGB, ALPHA])), ON_WHITE)


def test_the_fourth_byte_of_a_bitmap_is_no_alpha_unless_a_mask_says_so() -> None:
    assert_shown(photos.bmp(np.dstack([RGB, ALPHA]), masks=False), RGB, 0)


def test_alpha_of_a_lossless_webp_is_shown_on_white() -> None:
    assert_shown(photos.encode(".webp", np.dstack([RGB, ALPHA]), 64, 101), ON_WHITE)


@pytest.mark.parametrize(("kind", "color"), [(2, RGB), (1, (RGB * (ALPHA[..., None] / 255)).round())])
def test_alpha_of_a_tiff_is_shown_on_white_straight_or_premultiplied(kind: int, color: Any) -> None:
    stored = np.dstack([color.astype(np.uint8), ALPHA])
    assert_shown(photos.tiff(stored, t338=kind), ON_WHITE, 1)


def test_the_fourth_channel_of_a_tiff_is_no_alpha_unless_it_says_so() -> None:
    assert_shown(photos.tiff(np.dstack([RGB, ALPHA]), t338=0), RGB, 0)


def test_16_bits_are_rounded_to_8() -> None:
    expected = np.round(DEEP / 257)
    for extension in (".png", ".tiff"):
        assert_shown(photos.encode(extension, DEEP), expected, 0)
        assert_shown(photos.encode(extension, DEEP[..., 0]), np.dstack([expected[..., 0]] * 3), 0)


def test_16_bits_with_alpha_are_shown_on_white() -> None:
    deep = np.dstack([DEEP, ALPHA.astype(np.uint16) * 257])
    expected = DEEP / 257 * (ALPHA[..., None] / 255) + (255 - ALPHA[..., None].astype(float))
    assert_shown(photos.encode(".png", deep), expected, 1)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_the_clear_level_of_a_gray_png_is_white(depth: int) -> None:
    levels = np.random.default_rng(depth).integers(0, 2**depth, (40, 64))
    bits = (levels[..., None] >> np.arange(depth)[::-1] & 1).reshape(40, -1)
    rows = np.packbits(bits.astype(np.uint8), axis=1)
    shown = np.where(levels == 1, 255, levels * (255 // (2**depth - 1)))
    clear = photos.png_chunk(b"tRNS", struct.pack(">H", 1))
    assert_shown(photos.png(rows, 0, depth, clear), np.dstack([shown] * 3), 0)


def test_the_clear_color_of_a_png_is_white() -> None:
    clear = photos.png_chunk(b"tRNS", struct.pack(">3H", *RGB[20, 30]))
    shown = np.where((RGB[20, 30] == RGB).all(axis=2, keepdims=True), 255, RGB)
    assert (shown != RGB).any()
    assert_shown(photos.png(RGB.reshape(48, -1), 2, 8, clear), shown, 0)


@pytest.mark.parametrize("alpha", [b"", bytes(range(0, 250, 10))])
def test_a_palette_is_looked_up_and_its_transparency_shown_on_white(alpha: bytes) -> None:
    rng = np.random.default_rng(3)
    palette, index = rng.integers(0, 256, (25, 3), np.uint8), rng.integers(0, 25, (40, 60), np.uint8)
    chunks = [photos.png_chunk(b"PLTE", palette.tobytes())]
    opacity = np.full(25, 255.0)
    if alpha:
        chunks.append(photos.png_chunk(b"tRNS", alpha))
        opacity[: len(alpha)] = list(alpha)
    shown = palette * (opacity[:, None] / 255) + 255 - opacity[:, None]
    assert_shown(photos.png(index, 3, 8, *chunks), shown[index])


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_either_byte_order_is_read(order: str) -> None:
    assert_shown(photos.tiff(RGB, order), RGB, 0)
    assert_shown(photos.tiff(GRAY, order, photometric=0), np.dstack([255 - GRAY] * 3), 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_a_jpeg_is_turned_upright(orientation: int) -> None:
    data = photos.encode(".jpg", RGB, cv2.IMWRITE_JPEG_QUALITY, 95)
    stored = image.read(data).pixels
    for order in "<>":
        block = b"Exif\0\0" + photos.exif(orientation, order)
        frame = image.read(photos.into_jpeg(data, 0xE1, block))
        np.testing.assert_array_equal(frame.pixels, photos.turn(stored, orientation))
        assert frame.orientation == orientation
        assert (frame.source_height_px, frame.source_width_px) == frame.pixels.shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_a_png_and_a_tiff_is_turned_upright(orientation: int) -> None:
    expected = photos.turn(RGB, orientation)
    chunk = photos.png_chunk(b"eXIf", photos.exif(orientation))
    assert_shown(photos.into_png(photos.encode(".png", RGB), chunk), expected, 0)
    assert_shown(photos.tiff(RGB, t274=orientation), expected, 0)
    deep = np.dstack([RGB, np.full_like(GRAY, 255)])  # the path of alpha
    assert_shown(photos.tiff(deep, ">", t274=orientation, t338=2), expected, 0)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_makes_no_sense_counts_as_upright(orientation: int) -> None:
    data = photos.encode(".jpg", RGB)
    turned = photos.into_jpeg(data, 0xE1, b"Exif\0\0" + photos.exif(orientation))
    np.testing.assert_array_equal(image.read(turned).pixels, image.read(data).pixels)


def smooth(height: int, width: int) -> Any:
    """A photo without detail, which every good way of shrinking shrinks alike."""
    return photos.gradient(height, width)


@pytest.mark.parametrize(
    ("size", "long_side_px", "decoded"),
    [
        ((3200, 320), 1600, (1600, 160)),
        ((3199, 320), 1600, (3199, 320)),
        ((333, 1601), 400, (84, 401)),
        ((333, 1601), 200, (42, 201)),
        ((333, 1601), 100, (42, 201)),
        ((333, 1601), 1, (42, 201)),
        ((100, 1601), 1, (50, 801)),  # at 1/4 the shorter side would fall under 32 px
    ],
)
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_large_jpeg_is_decoded_smaller_but_not_below_the_long_side(
    size: tuple[int, int], long_side_px: int, decoded: tuple[int, int], orientation: int
) -> None:
    photo = smooth(*size)
    data = photos.into_jpeg(photos.encode(".jpg", photo), 0xE1, b"Exif\0\0" + photos.exif(orientation))
    frame = image.read(data, long_side_px=long_side_px)
    shrunk = cv2.resize(photo, decoded[::-1], interpolation=cv2.INTER_AREA)
    expected = photos.turn(shrunk, orientation)
    assert frame.pixels.shape == expected.shape
    assert np.abs(frame.pixels - expected.astype(float)).mean() < 3
    assert (frame.source_height_px, frame.source_width_px) == photos.turn(photo, orientation).shape[:2]


def test_only_a_jpeg_is_decoded_smaller() -> None:
    assert image.read(photos.encode(".png", RGB), long_side_px=8).pixels.shape == RGB.shape


@pytest.mark.parametrize("icc", [b"nonsense", photos.profile("P3")[:200], photos.cmyk_profile()])
def test_a_profile_that_is_broken_or_of_other_channels_is_ignored_or_noted(icc: bytes) -> None:
    data = photos.encode(".jpg", RGB)
    np.testing.assert_array_equal(
        image.read(photos.jpeg_with_profile(data, icc)).pixels, image.read(data).pixels
    )
