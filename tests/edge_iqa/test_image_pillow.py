"""A photo is shown as Pillow shows it, and a Pillow image is a photo too. Needs Pillow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from edge_iqa import errors, image
from tests.edge_iqa import photos

Image = pytest.importorskip("PIL.Image")

RGB = photos.gradient()
GRAY = RGB[..., 2].copy()
ALPHA = RGB[..., 1].copy()
DEEP = np.random.default_rng(7).integers(0, 65536, GRAY.shape, np.uint16)


def assert_shown(data: Any, expected: Any, levels: float = 1) -> None:
    pixels = image.read(data).pixels
    assert pixels.shape == expected.shape
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    assert np.abs(pixels - expected.astype(float)).max() <= levels


def reference(data: bytes) -> Any:
    """What Pillow shows, on white and upright."""
    from PIL import ImageOps

    opened = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened).convert("RGB"))


def pillow_photo(mode: str) -> Any:
    if mode == "P":
        return Image.fromarray(RGB).quantize(32)
    arrays = {"RGBA": np.dstack([RGB, ALPHA]), "LA": np.dstack([GRAY, ALPHA])}
    return Image.fromarray(arrays.get(mode, RGB)).convert(mode)


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("1", "PNG", {}),
        ("L", "JPEG", {}),
        ("LA", "PNG", {}),
        ("LA", "TIFF", {}),
        ("P", "PNG", {}),
        ("P", "PNG", {"transparency": 5}),
        ("P", "BMP", {}),
        ("P", "TIFF", {}),
        ("P", "GIF", {}),
        ("P", "GIF", {"transparency": 5}),
        ("L", "GIF", {}),
        ("RGB", "JPEG", {"progressive": True}),
        ("RGB", "JPEG", {"keep_rgb": True}),
        ("RGB", "TIFF", {"compression": "tiff_lzw"}),
        ("RGB", "TIFF", {"compression": "tiff_deflate"}),
        ("RGB", "TIFF", {"compression": "jpeg"}),
        ("RGBA", "WEBP", {}),
        ("RGBA", "TIFF", {}),
        ("CMYK", "JPEG", {}),
        ("CMYK", "TIFF", {}),
    ],
)
def test_an_encoded_photo_is_shown_as_pillow_shows_it(mode: str, kind: str, options: dict[str, Any]) -> None:
    data = photos.save(pillow_photo(mode), kind, **options)
    assert_shown(data, reference(data), 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_a_webp_is_turned_upright(orientation: int) -> None:
    data = photos.save(
        pillow_photo("RGB"), "WEBP", lossless=True, exif=b"Exif\0\0" + photos.exif(orientation)
    )
    assert_shown(data, photos.turn(RGB, orientation), 0)


@pytest.mark.parametrize(("mode", "kind"), [("P", "GIF"), ("RGBA", "WEBP"), ("RGB", "PNG")])
def test_the_first_frame_of_an_animation_counts_and_the_notes_say_so(mode: str, kind: str) -> None:
    first = pillow_photo(mode)
    second = first.transpose(0)
    options = {} if kind == "GIF" or kind == "PNG" else {"lossless": True}
    data = photos.save(first, kind, save_all=True, append_images=[second], **options)
    assert_shown(data, reference(photos.save(first, "PNG")), 1)
    assert any("animation" in note for note in image.read(data).notes)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV"])
def test_a_pillow_image_is_shown_as_pillow_shows_it(mode: str) -> None:
    photo = pillow_photo("RGBA").convert(mode) if mode == "RGBa" else pillow_photo(mode)
    expected = reference(photos.save(photo.convert("RGBA"), "PNG"))
    assert_shown(photo, expected, 2)


def test_a_pillow_image_of_16_bits_is_rounded_to_8() -> None:
    photo = Image.open(io.BytesIO(photos.encode(".png", DEEP)))
    assert_shown(photo, np.dstack([np.round(DEEP / 257)] * 3), 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_pillow_image_is_turned_upright(kind: str) -> None:
    data = photos.save(pillow_photo("RGB"), kind, exif=b"Exif\0\0" + photos.exif(6))
    frame = image.read(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(frame.pixels, reference(data))
    assert (frame.source_width_px, frame.source_height_px) == (48, 64)


def test_a_pillow_image_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(errors.PhotoArrayError, match="floating point"):
        image.read(Image.fromarray(GRAY.astype(np.float32)))
    with pytest.raises(errors.PhotoSizeError, match="at least 32 px"):
        image.read(Image.new("RGB", (20, 90)))
    jpeg = photos.encode(".jpg", RGB)
    with pytest.raises(errors.DamagedPhotoError, match="truncated"):
        image.read(Image.open(io.BytesIO(jpeg[:-99])))


def to_srgb(pixels: Any, primaries: Any, gamma: float) -> Any:
    """The color arithmetic itself: to light, to sRGB's primaries, to sRGB's curve."""
    light = (pixels / 255) ** gamma @ np.array(primaries) @ np.linalg.inv(np.array(photos.SRGB))
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_display_p3_is_converted_to_srgb(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data = photos.save(pillow_photo("RGB"), kind, icc_profile=photos.profile("Display P3"), **options)
    plain = photos.save(pillow_photo("RGB"), kind, **options)
    stored = image.read(plain).pixels
    assert_shown(data, to_srgb(stored, photos.DISPLAY_P3, 2.2), 2)
    assert image.read(data).notes == ()
    assert np.abs(image.read(data).pixels.astype(int) - stored).max() > 20


def test_a_gray_profile_is_converted_to_srgb() -> None:
    data = photos.save(pillow_photo("L"), "PNG", icc_profile=photos.profile("Dot gain", b"GRAY", gamma=1.8))
    levels = np.asarray(pillow_photo("L"))
    assert_shown(data, to_srgb(np.dstack([levels] * 3), photos.SRGB, 1.8), 2)
    assert np.abs(image.read(data).pixels[..., 0].astype(int) - levels).max() > 10


def test_a_cmyk_profile_is_converted_to_srgb() -> None:
    from PIL import ImageCms

    icc = photos.cmyk_profile()
    data = photos.save(pillow_photo("CMYK"), "JPEG", quality=95, icc_profile=icc)
    stored = Image.open(io.BytesIO(data))
    srgb = ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(stored, io.BytesIO(icc), srgb, outputMode="RGB")
    assert_shown(data, np.asarray(expected), 1)


def test_a_large_cmyk_jpeg_with_a_profile_is_decoded_smaller_too() -> None:
    photo = pillow_photo("CMYK").resize((256, 192))
    data = photos.save(photo, "JPEG", quality=95, icc_profile=photos.cmyk_profile())
    frame = image.read(data, long_side_px=128)
    assert (frame.pixels.shape, frame.source_width_px, frame.source_height_px) == ((96, 128, 3), 256, 192)


def test_a_heic_is_read_where_its_extra_is_installed() -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    data = photos.save(pillow_photo("RGB"), "HEIF", quality=95, exif=b"Exif\0\0" + photos.exif(6))
    frame = image.read(data)
    assert frame.pixels.shape == (64, 48, 3)
    assert np.abs(frame.pixels - photos.turn(RGB, 6).astype(float)).mean() < 3
    for share in (0.1, 0.5, 0.95):
        with pytest.raises(errors.DamagedPhotoError, match="truncated"):
            image.read(data[: int(len(data) * share)])


def test_a_heic_pixel_bomb_is_refused_from_its_header() -> None:
    pytest.importorskip("pillow_heif")
    with pytest.raises(errors.PhotoSizeError, match="60000 x 60000"):
        image.read(photos.heic(60_000, 60_000))
