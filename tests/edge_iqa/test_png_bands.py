"""Large PNGs decoded in bands: the same pixels, in half the memory."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_iqa import errors, image, png_bands
from tests.edge_iqa import photos

FILTERS = {"none": 0x08, "sub": 0x10, "up": 0x20, "average": 0x40, "paeth": 0x80, "all": 0xF8}


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos of a few pixels count as large, and have many bands."""
    monkeypatch.setattr(png_bands, "LEAST_PIXELS", 1)
    monkeypatch.setattr(png_bands, "_BAND_BYTES", 1500)


@pytest.mark.parametrize("name", FILTERS)
def test_bands_have_the_pixels_that_one_piece_has(name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    pixels = photos.gradient(97, 131) // 2 + noise // 4
    data = photos.encode(".png", pixels, cv2.IMWRITE_PNG_FILTER, FILTERS[name])
    np.testing.assert_array_equal(image.read(data).pixels, pixels)


def test_a_photo_of_one_band_or_of_a_row_a_band_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = photos.gradient(40, 50)
    data = photos.encode(".png", pixels)
    for size in (1, 10**9):
        monkeypatch.setattr(png_bands, "_BAND_BYTES", size)
        np.testing.assert_array_equal(image.read(data).pixels, pixels)


@pytest.mark.parametrize("kind", ["gray", "alpha", "16 bit"])
def test_other_kinds_are_decoded_as_before(kind: str) -> None:
    color = photos.gradient(60, 70)
    stored = {
        "gray": color[..., 0],
        "alpha": np.dstack([color, np.full((60, 70), 255, np.uint8)]),
        "16 bit": color.astype(np.uint16) * 257,
    }[kind]
    expected = np.dstack([stored] * 3) if kind == "gray" else color
    np.testing.assert_array_equal(image.read(photos.encode(".png", stored)).pixels, expected)


def test_rows_that_are_missing_or_cannot_be_unpacked_are_found() -> None:
    rows = b"".join(b"\0" + bytes(3 * 64) for _ in range(39))
    with pytest.raises(errors.DamagedPhotoError, match="could not be decoded"):
        image.read(make_png(64, 40, zlib.compress(rows)))
    with pytest.raises(errors.DamagedPhotoError, match="could not be decoded"):
        image.read(make_png(64, 40, b"\x78\x9c" + bytes(200)))
    with pytest.raises(errors.DamagedPhotoError, match="could not be decoded"):
        image.read(make_png(64, 40, zlib.compress(b"\x09" + bytes(64 * 3) + rows)))


def test_a_large_photo_is_in_memory_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status = Path("/proc/self/status")
    monkeypatch.undo()
    monkeypatch.setattr(png_bands, "LEAST_PIXELS", 1)
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    data = photos.encode(".png", pixels)
    image.read(data)  # what else decoding needs is there from here on
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("this system does not tell the most memory that was held")
    before = read_bytes(status, "VmRSS")
    frame = image.read(data)
    assert read_bytes(status, "VmHWM") - before < 1.3 * pixels.nbytes
    assert frame.pixels.nbytes == pixels.nbytes


def read_bytes(status: Path, name: str) -> int:
    lines = status.read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def make_png(width: int, height: int, packed: bytes) -> bytes:
    """A PNG of RGB pixels whose checksums are right, whatever is packed in it."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", packed),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
