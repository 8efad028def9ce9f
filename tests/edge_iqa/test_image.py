"""What the door for photos refuses, and with which words; and what it lets through untouched."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_iqa import errors, image
from tests.edge_iqa import photos

RGB = photos.gradient()
ENCODED = {
    "jpeg": photos.encode(".jpg", RGB),
    "progressive jpeg": photos.encode(".jpg", RGB, 2, 1),
    "png": photos.encode(".png", RGB),
    "webp": photos.encode(".webp", RGB, 64, 90),
    "lossless webp": photos.encode(".webp", RGB, 64, 101),
    "bmp": photos.encode(".bmp", RGB),
    "tiff": photos.tiff(RGB),
    "compressed tiff": photos.encode(".tiff", RGB),
}


def check_refused(photo: Any, error: type[errors.PhotoError], *words: str) -> None:
    with pytest.raises(errors.PhotoError) as caught:
        image.read(photo)
    assert type(caught.value) is error
    for word in words:
        assert word in str(caught.value)


# bad input, one kind a test


def test_zero_bytes_are_refused_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "mug.jpg"
    path.write_bytes(b"")
    check_refused(path, errors.DamagedPhotoError, "mug.jpg: ", "empty", "0 bytes")
    check_refused(b"", errors.DamagedPhotoError, "empty")


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 1.0])
def test_a_truncated_photo_is_refused_wherever_it_is_cut(kind: str, share: float) -> None:
    data = ENCODED[kind]
    at = min(max(12, int(len(data) * share)), len(data) - 3)
    if "tiff" in kind:  # what is needed last may be the directory or the bits, a few bytes before the end
        at = min(at, len(data) - 8)
    check_refused(data[:at], errors.DamagedPhotoError, "truncated")


def test_a_jpeg_cut_short_before_another_picture_is_refused() -> None:
    data = ENCODED["jpeg"]
    check_refused(data[: len(data) // 2] + data, errors.DamagedPhotoError, "corrupt")


def test_a_jpeg_filled_up_with_zeros_is_refused() -> None:
    data = ENCODED["jpeg"]
    check_refused(data[: len(data) // 2] + bytes(len(data) // 2), errors.DamagedPhotoError, "truncated")


def test_what_follows_the_end_of_a_jpeg_does_not_matter() -> None:
    plain = image.read(ENCODED["jpeg"])
    with_video = image.read(ENCODED["jpeg"] + b"\0\0\0\x18ftypmp42 the movie of a motion photo")
    np.testing.assert_array_equal(with_video.pixels, plain.pixels)


def test_a_png_that_does_not_match_its_checksum_is_refused() -> None:
    data = bytearray(ENCODED["png"])
    data[len(data) // 2] ^= 1
    check_refused(bytes(data), errors.DamagedPhotoError, "checksum")


def test_a_png_that_lacks_rows_is_refused_though_its_chunks_are_whole() -> None:
    half = photos.png(RGB[:24].reshape(24, -1), 2)
    header = photos.png_chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0))
    check_refused(half[:8] + header + half[33:], errors.DamagedPhotoError, "corrupt")


@pytest.mark.parametrize(
    "data", [b"hello, this is a text", b"BM is how this text begins", b"\x89PNG", bytes(99)]
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    check_refused(data, errors.UnsupportedPhotoError, "expected JPEG, PNG", "JPEG or PNG")


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "SVG"),
        (b"  <svg/>", "SVG"),
        (photos.box(b"ftyp", b"avif\0\0\0\0mif1avif"), "AVIF"),
        (photos.box(b"ftyp", b"isom\0\0\0\0mp42"), "a video"),
        (b"%PDF-1.7", "a PDF"),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
    ],
)
def test_a_format_that_is_not_read_is_refused_by_its_name(data: bytes, named: str) -> None:
    check_refused(data, errors.UnsupportedPhotoError, named)


def bombs() -> dict[str, bytes]:
    side = 60_000
    jpeg, bmp = bytearray(ENCODED["jpeg"]), bytearray(ENCODED["bmp"])
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", side, side)
    bmp[18:26] = struct.pack("<ii", side, side)
    tags = {"t256": side, "t257": side}
    vp8x = b"WEBPVP8X" + struct.pack("<IIHBHB", 10, 0, side - 1, 0, side - 1, 0)
    return {
        "jpeg": bytes(jpeg),
        "png": photos.png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)).join(
            (ENCODED["png"][:8], ENCODED["png"][33:])
        ),
        "gif": b"GIF89a" + struct.pack("<HHBBB", side, side, 0, 0, 0) + b"\x2c" + bytes(9) + b"\x02\x00\x3b",
        "bmp": bytes(bmp),
        "webp": b"RIFF" + struct.pack("<I", len(vp8x)) + vp8x,
        "tiff": photos.tiff(RGB, **tags),
        "big-endian tiff": photos.tiff(RGB, ">", **tags),
    }


@pytest.mark.parametrize("kind", bombs())
def test_a_pixel_bomb_is_refused_from_its_header_before_decoding(kind: str) -> None:
    data = bombs()[kind]
    start = time.perf_counter()
    check_refused(data, errors.PhotoSizeError, "60000 x 60000", "100,000,000")
    assert time.perf_counter() - start < 0.5


def test_a_photo_without_a_size_is_refused_and_not_decoded_blind() -> None:
    jpeg = ENCODED["jpeg"]
    at = jpeg.index(b"\xff\xc0")
    length = struct.unpack_from(">H", jpeg, at + 2)[0]
    check_refused(jpeg[:at] + jpeg[at + 2 + length :], errors.DamagedPhotoError, "no size")
    zero = jpeg[: at + 5] + bytes(2) + jpeg[at + 7 :]
    check_refused(zero, errors.DamagedPhotoError, "64 x 0")


def test_the_pixel_cap_is_the_callers() -> None:
    with pytest.raises(errors.PhotoSizeError, match="at most 3,071 pixels"):
        image.read(ENCODED["png"], max_pixels=48 * 64 - 1)
    assert image.read(ENCODED["png"], max_pixels=48 * 64).source_width_px == 64


def test_a_shorter_side_under_32_px_is_refused() -> None:
    check_refused(
        photos.encode(".png", photos.gradient(31, 500)), errors.PhotoSizeError, "at least 32 px", "500 x 31"
    )
    check_refused(photos.gradient(500, 31), errors.PhotoSizeError, "at least 32 px", "31 x 500")
    assert image.read(photos.encode(".png", photos.gradient(32, 500))).pixels.shape == (32, 500, 3)


@pytest.mark.parametrize("turned", [False, True])
def test_a_side_over_100_times_the_other_is_refused_from_the_header(turned: bool) -> None:
    wide, widest = np.zeros((40, 12_000, 3), np.uint8), np.zeros((40, 4_000, 3), np.uint8)
    if turned:
        wide, widest = wide.transpose(1, 0, 2), widest.transpose(1, 0, 2)
    png = photos.encode(".png", np.ascontiguousarray(wide))
    check_refused(png[: len(png) // 2], errors.PhotoSizeError, "at most 100 times", "crop the photo")
    check_refused(wide, errors.PhotoSizeError, "at most 100 times", "12000")
    assert image.read(widest).pixels.shape == widest.shape


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (RGB / 255, ("got float64", "multiply by 255", "astype(np.uint8)")),
        (RGB.astype(np.float32), ("got float32", "multiply by 255")),
        (RGB.astype(np.uint16), ("got uint16", "astype(np.uint8)")),
        (RGB[..., 0] > 9, ("got bool",)),
        (RGB[..., :2], ("48 x 64 x 2", "H x W x 3")),
        (RGB[..., :1], ("48 x 64 x 1", "[..., 0]")),
        (RGB.transpose(2, 0, 1), ("3 x 48 x 64", "transpose(1, 2, 0)")),
        (RGB[None], ("1 x 48 x 64 x 3", "one photo at a time")),
        (RGB[0, :, 0], ("64",)),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused_with_the_way_out(array: Any, words: Any) -> None:
    check_refused(array, errors.PhotoArrayError, "array: expected ", *words)


def test_an_empty_array_is_refused() -> None:
    check_refused(np.empty((0, 64, 3), np.uint8), errors.DamagedPhotoError, "64 x 0")


@pytest.mark.parametrize("photo", [None, 7, ["mug.jpg"]])
def test_what_is_no_photo_at_all_is_refused(photo: Any) -> None:
    check_refused(photo, errors.UnsupportedPhotoError, "expected a path", type(photo).__name__)


def test_a_path_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    check_refused(tmp_path / "mug.jpg", errors.PhotoError, "mug.jpg: no such file")
    check_refused(str(tmp_path), errors.PhotoError, "is a folder")
    check_refused("mug\0.jpg", errors.PhotoError, "cannot be read")
    check_refused("m" * 5000, errors.PhotoError, "cannot be read")


@pytest.mark.skipif(os.name != "posix", reason="POSIX files")
def test_pipes_and_devices_are_refused_without_waiting_for_them(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    check_refused(pipe, errors.PhotoError, "pipe.jpg: is not a regular file")
    check_refused("/dev/zero", errors.PhotoError, "is not a regular file")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mug.jpg"
    path.write_bytes(ENCODED["jpeg"])
    path.chmod(0)
    root = os.geteuid() == 0
    if root:  # whom permissions do not stop
        os.seteuid(65534)
    try:
        check_refused(path, errors.PhotoError, "mug.jpg: permission denied")
    finally:
        if root:
            os.seteuid(0)


def test_a_file_over_256_mb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    with path.open("wb") as stream:
        stream.write(ENCODED["jpeg"])
        stream.truncate(image.MAX_FILE_BYTES + 1)
    check_refused(path, errors.PhotoSizeError, "film.jpg: ", "256 MB")


def test_a_message_starts_with_the_path_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "mug.jpg"
    path.write_bytes(b"no photo")
    with pytest.raises(errors.UnsupportedPhotoError) as caught:
        image.read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_limits_that_make_no_sense_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        image.read(RGB, long_side_px=0)


# arrays


def test_a_contiguous_rgb_array_is_not_copied() -> None:
    frame = image.read(RGB)
    assert np.shares_memory(frame.pixels, RGB)
    assert (frame.source_width_px, frame.source_height_px, frame.orientation, frame.name) == (64, 48, 1, "")


def test_a_non_contiguous_array_is_read_as_it_looks() -> None:
    for view in (RGB[::-1, ::-1], RGB[..., ::-1], RGB.swapaxes(0, 1), np.asfortranarray(RGB)):
        frame = image.read(view)
        np.testing.assert_array_equal(frame.pixels, view)
        assert frame.pixels.flags.c_contiguous


def test_a_gray_array_becomes_three_equal_channels() -> None:
    np.testing.assert_array_equal(image.read(RGB[..., 2]).pixels, np.dstack([RGB[..., 2]] * 3))


def test_an_rgba_array_is_shown_on_white() -> None:
    alpha = RGB[..., 1:2]
    shown = RGB * (alpha / 255) + 255 - alpha.astype(float)
    assert np.abs(image.read(np.dstack([RGB, alpha])).pixels - shown).max() <= 0.51


def test_a_read_only_array_is_fine() -> None:
    frozen = np.dstack([RGB, RGB[..., :1]])
    frozen.flags.writeable = False
    assert image.read(frozen).pixels.shape == RGB.shape


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (200, 30, 60)])
def test_one_flat_color_is_a_photo(color: tuple[int, int, int]) -> None:
    flat = np.full((40, 50, 3), color, np.uint8)
    np.testing.assert_array_equal(image.read(photos.encode(".png", flat)).pixels, flat)


# doors


def test_bytes_and_paths_of_one_photo_read_the_same(tmp_path: Path) -> None:
    data = ENCODED["jpeg"]
    path = tmp_path / "mug.txt"  # the name is not trusted
    path.write_bytes(data)
    first = image.read(data)
    for photo in (bytearray(data), memoryview(data), path, str(path)):
        np.testing.assert_array_equal(image.read(photo).pixels, first.pixels)
    assert (first.name, image.read(path).name) == ("", str(path))


def test_an_open_file_is_refused_with_how_to_pass_it(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(ENCODED["png"])
    with path.open("rb") as stream:
        check_refused(stream, errors.UnsupportedPhotoError, "got BufferedReader", "f.read()")


def test_an_empty_path_is_not_called_a_folder() -> None:
    check_refused("", errors.PhotoError, "expected the path of a photo", "empty")
