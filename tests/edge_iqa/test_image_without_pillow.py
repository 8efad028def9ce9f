"""A device has no Pillow: most photos need none, and the others say what they need."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edge_iqa import errors, image, pillow
from tests.edge_iqa import photos

RGB = photos.gradient()


@pytest.fixture(autouse=True)
def without_pillow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes the imports of Pillow and pillow-heif fail, as where they are not installed."""
    for name in ("PIL", "PIL.Image", "PIL.ImageCms", "pillow_heif"):
        monkeypatch.setitem(sys.modules, name, None)
    pillow.load.cache_clear()
    pillow.load_heif.cache_clear()
    yield
    pillow.load.cache_clear()
    pillow.load_heif.cache_clear()


def test_heic_without_its_package_names_the_package() -> None:
    with pytest.raises(errors.UnsupportedPhotoError, match=r"HEIC.*pip install pillow-heif"):
        image.read(photos.heic(4032, 3024))


def test_a_kind_of_tiff_that_only_pillow_reads_names_pillow() -> None:
    with pytest.raises(errors.UnsupportedPhotoError, match="needs Pillow"):
        image.read(photos.tiff(RGB[..., :2].copy(), photometric=1, t338=2))


def test_a_profile_is_left_and_the_notes_say_so() -> None:
    data = photos.encode(".jpg", RGB)
    frame = image.read(photos.jpeg_with_profile(data, photos.profile("Display P3")))
    np.testing.assert_array_equal(frame.pixels, image.read(data).pixels)
    (note,) = frame.notes
    assert "Display P3" in note and "install Pillow" in note


@pytest.mark.parametrize("name", ["sRGB IEC61966-2.1", "sRGB built-in", "c2"])
def test_an_srgb_profile_needs_no_conversion(name: str) -> None:
    data = photos.jpeg_with_profile(photos.encode(".jpg", RGB), photos.profile(name, primaries=photos.SRGB))
    assert image.read(data).notes == ()


def test_a_gif_is_read_by_opencv_5_or_names_pillow() -> None:
    gif = b"GIF89a" + struct.pack("<HHBBB", 40, 32, 0x80, 0, 0) + bytes([9, 99, 199]) + bytes(3)
    gif += b"\x2c" + struct.pack("<HHHHB", 0, 0, 40, 32, 0) + b"\x02"
    codes = "".join(f"{code:03b}"[::-1] for _ in range(1280) for code in (4, 0)) + "101"  # clear, first color
    packed = np.packbits([int(bit) for bit in codes], bitorder="little").tobytes()
    for at in range(0, len(packed), 255):
        gif += bytes([len(packed[at : at + 255])]) + packed[at : at + 255]
    gif += b"\0\x3b"
    if cv2.haveImageWriter(".gif"):
        np.testing.assert_array_equal(image.read(gif).pixels, np.full((32, 40, 3), (9, 99, 199)))
    else:
        with pytest.raises(errors.UnsupportedPhotoError, match="pip install pillow"):
            image.read(gif)
