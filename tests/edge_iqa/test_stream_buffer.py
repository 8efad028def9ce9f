"""Frames as cameras deliver them: against formulas of ITU-R BT.601 written out here, and never out of bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_iqa.errors import CameraError, FrameError
from edge_iqa.stream.buffer import Buffer

FORMATS = ("NV12", "NV21", "I420", "YUY2", "RGBA", "BGRA", "RGB", "BGR", "GRAY")
YUV = FORMATS[:4]
ROTATIONS = (0, 90, 180, 270)
PADDING = 201
"""What stands between rows: a picture that holds it was read beyond its rows."""


def draw(height: int, width: int) -> NDArray[np.uint8]:
    """A smooth colorful picture with a bright corner, so that every turn shows, without sharp chroma."""
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    picture = np.stack([60 + 90 * rows, 190 - 80 * columns, 70 + 60 * rows + 60 * columns], -1)
    picture[: height // 4, : width // 4] = 225
    return picture.round().astype(np.uint8)


def to_yuv(rgb: NDArray[np.uint8], full_range: bool) -> NDArray[np.float64]:
    """ITU-R BT.601 as the standard writes it."""
    red, green, blue = np.moveaxis(rgb / 255, -1, 0)
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = (blue - y) / 1.772, (red - y) / 1.402
    if full_range:
        return np.stack([255 * y, 128 + 255 * u, 128 + 255 * v])
    return np.stack([16 + 219 * y, 128 + 224 * u, 128 + 224 * v])


def average_blocks(plane: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Averages of blocks; those at an odd edge have fewer pixels."""
    edges = np.pad(plane, ((0, -plane.shape[0] % rows), (0, -plane.shape[1] % columns)), mode="edge")
    return edges.reshape(len(edges) // rows, rows, -1, columns).mean((1, 3))


def pad_rows(rows: NDArray[Any], stride: int) -> bytes:
    """Rows of bytes with padding behind each."""
    flat = rows.round().clip(0, 255).astype(np.uint8).reshape(len(rows), -1)
    return np.pad(flat, ((0, 0), (0, stride - flat.shape[1])), constant_values=PADDING).tobytes()


@dataclass(frozen=True)
class Packing:
    stride_padding: int = 0
    slice_padding: int = 0
    full_range: bool = False


def pack(rgb: NDArray[np.uint8], format: str, packing: Packing, rotation_deg: int = 0) -> Buffer:
    """What a camera held at an angle would deliver: a buffer that is `rgb` once it is turned."""
    stored = np.rot90(rgb, rotation_deg // 90)  # counterclockwise, as turning it back is clockwise
    height, width = stored.shape[:2]
    y, u, v = to_yuv(stored, packing.full_range)
    rows = 1 if format == "YUY2" else 2
    u, v = average_blocks(u, rows, 2), average_blocks(v, rows, 2)
    even = np.pad(y, ((0, 0), (0, width % 2)), mode="edge")
    first = {
        "YUY2": lambda: np.stack([even[:, ::2], u, even[:, 1::2], v], -1),
        "RGBA": lambda: np.dstack([stored, np.full((height, width), 7)]),
        "BGRA": lambda: np.dstack([stored[..., ::-1], np.full((height, width), 7)]),
        "RGB": lambda: stored,
        "BGR": lambda: stored[..., ::-1],
        "GRAY": lambda: stored[..., 1],
    }.get(format, lambda: y)()
    stride = first.reshape(height, -1).shape[1] + packing.stride_padding
    data = pad_rows(first, stride) + bytes([PADDING]) * packing.slice_padding
    offset = len(data) if packing.slice_padding and format in YUV[:3] else None
    if format in ("NV12", "NV21"):
        pairs = np.stack([u, v] if format == "NV12" else [v, u], -1)
        data += pad_rows(pairs, max(stride, 2 * u.shape[1]))
    elif format == "I420":
        data += pad_rows(u, (stride + 1) // 2) + pad_rows(v, (stride + 1) // 2)
    return Buffer(
        data, format, width, height, stride if packing.stride_padding else None, offset, rotation_deg,
        packing.full_range,
    )  # fmt: skip


def expect(rgb: NDArray[np.uint8], format: str) -> NDArray[np.uint8]:
    return np.repeat(rgb[..., 1:2], 3, -1) if format == "GRAY" else rgb


def measure_error(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> int:
    assert found.shape == expected.shape and found.dtype == np.uint8
    return int(np.abs(found.astype(int) - expected).max())


@pytest.mark.parametrize("rotation_deg", ROTATIONS)
@pytest.mark.parametrize("packing", [Packing(), Packing(24), Packing(9, 40), Packing(6, 0, True)])
@pytest.mark.parametrize("format", FORMATS)
def test_every_format_stride_and_rotation_gives_the_same_picture(format, packing, rotation_deg):
    """Its rows are several bands, the last of them short; chroma's slope within a block is 2 levels at most."""
    picture = draw(152, 96)
    buffer = pack(picture, format, packing, rotation_deg)
    assert buffer.upright_size == (96, 152)
    tolerance = 4 if format in YUV else 0
    assert measure_error(buffer.to_rgb(), expect(picture, format)) <= tolerance


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("rotation_deg", [0, 90])
@pytest.mark.parametrize("size", [(37, 53), (64, 33), (35, 64), (1, 1), (1, 9), (9, 1), (2, 3)])
@pytest.mark.parametrize("format", FORMATS)
def test_odd_sizes_keep_their_last_row_and_column(format, size, rotation_deg, full_range):
    picture = np.full((*size, 3), (200, 90, 40), np.uint8)
    picture[-1], picture[:, -1] = (120, 60, 20), (120, 60, 20)  # the same hue, so that chroma bleeds little
    buffer = pack(picture, format, Packing(full_range=full_range), rotation_deg)
    found = buffer.to_rgb()
    assert found.shape == picture.shape
    seen = np.abs(found.astype(int) - expect(picture, format))
    assert seen.max() <= (60 if format in YUV else 0)
    luma = np.abs((found @ [0.299, 0.587, 0.114]) - expect(picture, format) @ [0.299, 0.587, 0.114])
    assert luma.max() <= 2


@pytest.mark.parametrize("format", ["NV12", "NV21", "I420", "YUY2"])
def test_pictures_are_those_of_opencv(format):
    rng = np.random.default_rng(0)
    rows = {"YUY2": 128}.get(format, 96)
    data = cv2.GaussianBlur(rng.integers(0, 256, (rows, 80), dtype=np.uint8), (0, 0), 2)
    shape = (64, 80, 2) if format == "YUY2" else (96, 80)
    name = "COLOR_YUV2RGB_" + format
    theirs = cv2.cvtColor(data.reshape(shape), getattr(cv2, name))
    assert measure_error(Buffer(data, format, 80, 64).to_rgb(), theirs) <= 2


def test_full_range_is_the_color_of_jpegs():
    """Pillow's conversion of JFIF is another implementation of the same."""
    image = pytest.importorskip("PIL.Image")
    picture = draw(64, 64)
    planes = np.asarray(image.fromarray(picture).convert("YCbCr"))
    y, u, v = np.moveaxis(planes, -1, 0)
    data = np.concatenate([plane.ravel() for plane in (y, u[::2, ::2], v[::2, ::2])])
    assert measure_error(Buffer(data, "I420", 64, 64, full_range=True).to_rgb(), picture) <= 5


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rotation_deg", ROTATIONS)
def test_a_small_picture_is_the_average_of_the_whole_one(format, rotation_deg):
    picture = draw(120, 160)
    buffer = pack(picture, format, Packing(11, 5, True), rotation_deg)
    small = buffer.shrink(64)
    assert small.shape == (48, 64, 3)
    expected = cv2.resize(expect(picture, format), (64, 48), interpolation=cv2.INTER_AREA)
    assert measure_error(small, expected) <= 4


@pytest.mark.parametrize("format", FORMATS)
def test_a_fine_pattern_is_averaged_away_not_sampled(format):
    picture = np.indices((96, 128)).sum(0) % 2 * np.uint8(200)
    buffer = pack(np.repeat(picture[..., None], 3, -1).astype(np.uint8), format, Packing(full_range=True))
    for long_side_px in (64, 32, 50):
        small = buffer.shrink(long_side_px)
        assert np.abs(small.astype(int) - 100).max() <= (1 if long_side_px != 50 else 45)
        assert abs(small.mean() - 100) <= 1


def test_a_small_picture_is_never_larger_than_the_frame():
    picture = draw(24, 40)
    assert pack(picture, "NV12", Packing()).shrink(400).shape == (24, 40, 3)
    assert pack(picture, "RGB", Packing()).shrink(1).shape == (1, 1, 3)
    with pytest.raises(ValueError, match="long_side_px"):
        pack(picture, "RGB", Packing()).shrink(0)


@pytest.mark.parametrize("format", FORMATS)
def test_luma_is_that_of_the_formula(format):
    picture = draw(64, 48)
    buffer = pack(picture, format, Packing(16, 8), 90)
    stored = np.rot90(picture)
    expected = {"GRAY": stored[..., 1], **dict.fromkeys(YUV, to_yuv(stored, False)[0])}.get(
        format, to_yuv(stored, True)[0]
    )
    assert buffer.luma().shape == (48, 64)
    assert np.abs(buffer.luma() - expected).max() <= 1
    assert buffer.luma_range == ((16, 235) if format in YUV else (0, 255))


@pytest.mark.parametrize("format", [*YUV, "GRAY"])
def test_luma_is_looked_at_where_it_lies(format):
    buffer = pack(draw(32, 32), format, Packing(4))
    data = np.frombuffer(buffer.data, np.uint8)
    assert np.shares_memory(buffer.luma(), data)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint8)])
@pytest.mark.parametrize("format", FORMATS)
def test_data_is_only_read(wrap, format):
    buffer = pack(draw(30, 40), format, Packing(3), 90)
    held = replace(buffer, data=wrap(buffer.data))
    first = held.to_rgb()
    held.shrink(16)
    held.luma()
    assert bytes(held.data) == buffer.data
    assert np.array_equal(held.to_rgb(), first)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rotation_deg", ROTATIONS)
def test_the_one_copy_goes_into_the_array_given(format, rotation_deg):
    buffer = pack(draw(130, 70), format, Packing(3), rotation_deg)
    into = np.full((130, 70, 3), 77, np.uint8)
    assert buffer.to_rgb(into) is into
    assert np.array_equal(into, buffer.to_rgb())


@pytest.mark.parametrize(
    "into",
    [
        np.zeros((70, 130, 3), np.uint8),
        np.zeros((130, 70, 3), np.float32),
        np.zeros((130, 140, 3), np.uint8)[:, ::2],
        np.frombuffer(bytes(130 * 70 * 3), np.uint8).reshape(130, 70, 3),
    ],
)
def test_an_array_that_does_not_fit_is_left_alone(into):
    buffer = pack(draw(130, 70), "NV12", Packing())
    found = buffer.to_rgb(into)
    assert found is not into and not into.any()
    assert np.array_equal(found, buffer.to_rgb())


def test_a_frame_is_not_written_over_itself():
    data = draw(16, 16).reshape(-1)
    before = data.copy()
    buffer = Buffer(data, "BGR", 16, 16)
    assert not np.shares_memory(buffer.to_rgb(data.reshape(16, 16, 3)), data)
    assert not np.shares_memory(Buffer(data, "RGB", 16, 16).shrink(16), data)
    assert np.array_equal(data, before)


NV12 = {"data": bytes(64 * 48 * 3 // 2), "format": "NV12", "width_px": 64, "height_px": 48}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "NV16"}, r"expected a format of NV12, .*got 'NV16'"),
        ({"format": "nv12"}, "got 'nv12'"),
        ({"format": None}, "got None"),
        ({"width_px": 0}, "from 1 px up, got 0 x 48"),
        ({"height_px": -48}, "from 1 px up, got 64 x -48"),
        ({"width_px": 64.0}, r"width_px: expected a whole number, got 64\.0"),
        ({"width_px": True}, "width_px: expected a whole number, got True"),
        ({"height_px": "48"}, "height_px: expected a whole number, got '48'"),
        ({"height_px": None}, "height_px: expected a whole number, got None"),
        ({"width_px": 65_536}, "sides of at most 65,535 px"),
        ({"width_px": 65_535, "height_px": 65_535}, "at most 100,000,000 pixels"),
        ({"width_px": 10**30}, "sides of at most"),
        ({"stride_bytes": 63}, "a stride of at least 64 bytes, that of a row, got 63"),
        ({"stride_bytes": 0}, "at least 64 bytes"),
        ({"stride_bytes": -64}, "at least 64 bytes"),
        ({"stride_bytes": 65}, "with a stride of 65 bytes: expected at least .* bytes, got 4,608"),
        ({"stride_bytes": 2**63}, "expected at least"),
        ({"height_px": 50}, "expected at least 4,800 bytes, got 4,608"),
        ({"chroma_offset_bytes": 3071}, "at byte 3072 or later, got chroma_offset_bytes 3071"),
        ({"chroma_offset_bytes": -1}, "got chroma_offset_bytes -1"),
        ({"chroma_offset_bytes": 3073}, "expected at least 4,609 bytes"),
        ({"format": "GRAY", "chroma_offset_bytes": 3072}, "expected no chroma_offset_bytes"),
        ({"rotation_deg": 45}, "0, 90, 180 or 270"),
        ({"rotation_deg": -90}, "0, 90, 180 or 270"),
        ({"rotation_deg": 90.0}, "rotation_deg: expected a whole number"),
        ({"data": b""}, "got 0"),
        ({"data": None}, "expected bytes, bytearray, memoryview or a uint8 array, got NoneType"),
        ({"data": [1, 2]}, "got list"),
        ({"data": np.zeros(4608, np.int8)}, "expected an array of uint8, got int8"),
        ({"data": np.zeros((72, 128), np.uint8)[:, ::2]}, "expected an array without gaps"),
        ({"data": memoryview(bytes(9216))[::2]}, "expected a memoryview without gaps"),
        ({"time_s": float("nan")}, "finite"),
        ({"time_s": "now"}, "expected seconds or None"),
    ],
)
def test_what_cannot_be_right_is_an_error_that_tells_it(change, told):
    Buffer(**NV12)
    with pytest.raises(FrameError, match=told) as caught:
        Buffer(**{**NV12, **change})
    assert isinstance(caught.value, CameraError)


def test_padding_behind_the_last_row_may_be_missing():
    """Android leaves it out."""
    data = np.zeros((72, 80), np.uint8).tobytes()[:-16]
    assert Buffer(data, "NV12", 64, 48, 80).to_rgb().shape == (48, 64, 3)
    with pytest.raises(FrameError):
        Buffer(data[:-1], "NV12", 64, 48, 80)


_SIZES = st.one_of(st.integers(-2, 70), st.sampled_from([640, 65_535, 65_536, 2**31, 2**63]))


@given(
    st.sampled_from(FORMATS),
    _SIZES,
    _SIZES,
    st.none() | st.integers(-5, 300) | st.just(2**40),
    st.none() | st.integers(-5, 9000),
    st.sampled_from(ROTATIONS),
    st.booleans(),
    st.integers(0, 12_000),
)
def test_any_numbers_give_a_picture_of_the_right_size_or_a_frame_error(
    format, width, height, stride, offset, rotation_deg, full_range, length
):
    """Beyond the data stand other bytes; a picture that depends on them has read out of bounds."""
    pictures = []
    for beyond in (0, 255):
        memory = np.full(length + 4096, beyond, np.uint8)
        memory[:length] = np.arange(length) % 251
        try:
            buffer = Buffer(memory[:length], format, width, height, stride, offset, rotation_deg, full_range)
        except FrameError:
            return
        pictures.append((buffer.to_rgb(), buffer.shrink(24), buffer.luma()))
    upright = (width, height) if rotation_deg % 180 == 0 else (height, width)
    assert pictures[0][0].shape == (upright[1], upright[0], 3)
    assert max(pictures[0][1].shape[:2]) == min(24, max(width, height))
    assert pictures[0][2].shape == (height, width)
    for one, other in zip(*pictures, strict=True):
        assert np.array_equal(one, other)


@given(st.sampled_from(FORMATS), st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_data_of_just_the_right_length_is_enough_and_a_byte_less_is_not(format, width, height, padding):
    buffer = pack(np.zeros((height, width, 3), np.uint8), format, Packing(padding))
    whole = replace(buffer)  # with padding behind the last row
    assert whole.to_rgb().shape == (height, width, 3)
    shortest = next(
        length
        for length in range(len(buffer.data), 0, -1)
        if not _is_enough(replace_data(buffer, buffer.data[: length - 1]))
    )
    assert len(buffer.data) - shortest <= padding


def replace_data(buffer: Buffer, data: bytes) -> dict[str, Any]:
    names = ("format", "width_px", "height_px", "stride_bytes", "chroma_offset_bytes")
    return {"data": data, **{name: getattr(buffer, name) for name in names}}


def _is_enough(fields: dict[str, Any]) -> bool:
    try:
        Buffer(**fields)
    except FrameError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "value"), [("full_range", None), ("full_range", "no"), ("time_s", 10**400), ("time_s", "1")]
)
def test_what_a_frame_cannot_have_is_refused_as_it_is_made(name: str, value: object) -> None:
    with pytest.raises(FrameError, match=name):
        Buffer(np.zeros(6, np.uint8), "NV12", 2, 2, **{name: value})


def test_times_are_plain_numbers_whatever_kind_they_came_as() -> None:
    frame = np.zeros((2, 2), np.uint8)
    for value in (np.float32(0.5), np.int64(2), 3):
        assert type(Buffer(frame, "GRAY", 2, 2, time_s=value).time_s) is float
