"""Whatever bytes come in: a valid frame, or a `PhotoError`, and nothing else."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_iqa import errors, image
from tests.edge_iqa import photos

RGB = photos.gradient(40, 44)
RGBA = np.dstack([RGB, RGB[..., 1]])
PROFILE = photos.profile("Display P3")

SEEDS = {
    "jpeg": photos.jpeg_with_profile(photos.encode(".jpg", RGB), PROFILE),
    "turned jpeg": photos.into_jpeg(photos.encode(".jpg", RGB, 2, 1), 0xE1, b"Exif\0\0" + photos.exif(6)),
    "png": photos.encode(".png", RGBA),
    "deep png": photos.encode(".png", RGB.astype(np.uint16) * 257),
    "webp": photos.encode(".webp", RGBA, 64, 80),
    "lossless webp": photos.encode(".webp", RGBA, 64, 101),
    "bmp": photos.bmp(RGBA),
    "tiff": photos.tiff(RGB, ">", t274=5),
    "compressed tiff": photos.encode(".tiff", RGB),
}
if cv2.haveImageWriter(".gif"):
    SEEDS["gif"] = photos.encode(".gif", RGB)

FLIPS = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 255)), min_size=1, max_size=4)
FEW = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def check_read_or_refused(data: bytes) -> None:
    try:
        frame = image.read(data, max_pixels=1_000_000)
    except errors.PhotoError as error:
        assert str(error).startswith("photo: ")
        return
    assert frame.pixels.dtype == np.uint8 and frame.pixels.flags.c_contiguous
    height, width, channels = frame.pixels.shape
    assert channels == 3 and min(height, width) >= 32
    assert height <= frame.source_height_px and width <= frame.source_width_px
    assert frame.source_height_px * frame.source_width_px <= 1_000_000


def flip(data: bytes, flips: list[tuple[float, bool, int]]) -> bytes:
    """Change bytes; half of the changes fall on the first 100, where headers lie."""
    changed = bytearray(data)
    for where, in_header, value in flips:
        end = min(100, len(data)) if in_header else len(data)
        changed[min(int(where * end), end - 1)] = value
    return bytes(changed)


@pytest.mark.parametrize("kind", SEEDS)
@FEW
@given(flips=FLIPS, keep=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_flipped_and_truncated_photos_are_read_or_refused(
    kind: str, flips: list[tuple[float, bool, int]], keep: float
) -> None:
    data = flip(SEEDS[kind], flips)
    check_read_or_refused(data[: int(len(data) * keep)])


@FEW
@given(flips=FLIPS, kind=st.sampled_from(["png", "deep png"]))
def test_a_png_with_wrong_bytes_and_right_checksums_is_read_or_refused(
    kind: str, flips: list[tuple[float, bool, int]]
) -> None:
    data = bytearray(flip(SEEDS[kind], flips))
    data[:8] = SEEDS[kind][:8]
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + struct.unpack_from(">I", data, at)[0]
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4
    check_read_or_refused(bytes(data))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    magic=st.sampled_from(
        [data[:12] for data in SEEDS.values()] + [photos.heic(99, 99)[:40], b"GIF89a", b""]
    ),
    rest=st.binary(max_size=200),
)
def test_noise_behind_a_true_beginning_is_read_or_refused(magic: bytes, rest: bytes) -> None:
    check_read_or_refused(magic + rest)
