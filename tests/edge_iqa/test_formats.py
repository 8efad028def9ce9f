"""What headers say, read from bytes laid out by hand as the specifications have them."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest

from edge_iqa import color, errors, formats
from edge_iqa.header import Header, parse_orientation
from tests.edge_iqa import photos

RGB = photos.gradient(40, 300)


def webp(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + bytes(len(payload) & 1)


def gif(*blocks: bytes) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 300, 40, 0x80, 0, 0) + bytes(6) + b"".join(blocks) + b"\x3b"


def picture(left: int = 0, top: int = 0, width: int = 300, height: int = 40) -> bytes:
    return b"\x2c" + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02\x01\x05\x00"


@pytest.mark.parametrize(
    ("data", "format_name"),
    [
        (photos.encode(".jpg", RGB), "jpeg"),
        (photos.encode(".png", RGB), "png"),
        (photos.encode(".bmp", RGB), "bmp"),
        (photos.encode(".webp", RGB, 64, 80), "webp"),
        (photos.encode(".webp", RGB, 64, 101), "webp"),
        (photos.encode(".tiff", RGB), "tiff"),
        (photos.tiff(RGB, "<"), "tiff"),
        (photos.tiff(RGB, ">"), "tiff"),
        (gif(picture()), "gif"),
        (photos.heic(300, 40), "heif"),
        (photos.heic(300, 40, b"mif1"), "heif"),
    ],
)
def test_every_format_gives_its_size(data: bytes, format_name: str) -> None:
    header = formats.parse(data)
    assert (header.format, header.width_px, header.height_px) == (format_name, 300, 40)
    assert (header.orientation, header.icc, header.animated) == (1, None, False)


@pytest.mark.parametrize("data", [photos.encode(kind, RGB) for kind in (".jpg", ".png", ".bmp", ".tiff")])
def test_a_header_cut_off_anywhere_is_a_truncated_photo_or_no_image(data: bytes) -> None:
    complete = formats.parse(data)
    for length in range(1, len(data)):
        try:
            assert formats.parse(data[:length]) == complete
        except errors.DamagedPhotoError as error:
            assert "truncated" in str(error)
        except errors.UnsupportedPhotoError:
            assert length < 8  # not yet the whole signature


def test_a_jpeg_takes_the_first_exif_and_joins_its_profile_in_order() -> None:
    data = photos.encode(".jpg", RGB)
    for payload in (b"ICC_PROFILE\0\x01\x02first", b"ICC_PROFILE\0\x02\x02 second"):
        data = photos.into_jpeg(data, 0xE2, payload)
    for orientation in (3, 6):  # each goes in front
        data = photos.into_jpeg(data, 0xE1, b"Exif\0\0" + photos.exif(orientation))
    data = photos.into_jpeg(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0 not EXIF")
    header = formats.parse(data)
    assert (header.orientation, header.icc) == (6, b"first second")


def test_the_size_of_a_jpeg_thumbnail_is_not_taken_for_its_own() -> None:
    thumbnail = photos.encode(".jpg", photos.gradient(8, 8))
    data = photos.into_jpeg(photos.encode(".jpg", RGB), 0xE1, b"Exif\0\0" + photos.exif(1) + thumbnail)
    assert formats.parse(data).width_px == 300


@pytest.mark.parametrize(("marker", "depth"), [(0xC3, 8), (0xC9, 8), (0xC1, 12)])
def test_a_jpeg_of_another_process_is_refused(marker: int, depth: int) -> None:
    frame = photos.jpeg_segment(marker, struct.pack(">BHHB", depth, 40, 300, 3) + bytes(9))
    with pytest.raises(errors.UnsupportedPhotoError, match="JPEG"):
        formats.parse(b"\xff\xd8" + frame + photos.jpeg_segment(0xDA, bytes(10)))


def test_a_jpeg_of_endless_scans_or_segments_is_refused() -> None:
    data = photos.encode(".jpg", RGB, 2, 1)
    scans = data[:-2] + photos.jpeg_segment(0xDA, bytes(10)) * 200 + data[-2:]
    with pytest.raises(errors.DamagedPhotoError, match="more than 100 scans"):
        formats.check_complete(scans)
    with pytest.raises(errors.DamagedPhotoError, match="more than 20,000 segments"):
        formats.parse(data[:2] + photos.jpeg_segment(0xFE, b"") * 20_001 + data[2:])


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (photos.png_chunk(b"eXIf", photos.exif(8)), {"orientation": 8}),
        (photos.png_chunk(b"tRNS", bytes(6)), {"alpha": True}),
        (photos.png_chunk(b"acTL", bytes(8)), {"animated": True}),
        (photos.png_chunk(b"iCCP", b"P3\0\0" + zlib.compress(b"profile")), {"icc": b"profile"}),
        (photos.png_chunk(b"iCCP", b"P3\0\0broken"), {"icc": None}),
    ],
)
def test_chunks_of_a_png_are_read(chunks: bytes, expected: dict[str, Any]) -> None:
    header = formats.parse(photos.into_png(photos.encode(".png", RGB), chunks))
    assert {name: getattr(header, name) for name in expected} == expected


def test_a_png_profile_that_swells_without_end_is_ignored() -> None:
    packed = zlib.compress(bytes(16 << 20))
    header = formats.parse(
        photos.into_png(photos.encode(".png", RGB), photos.png_chunk(b"iCCP", b"x\0\0" + packed))
    )
    assert header.icc is None


def test_an_extended_webp_gives_canvas_profile_and_exif() -> None:
    canvas = chunk(b"VP8X", struct.pack("<IHBHB", 0x12, 299, 1, 39, 0))
    data = webp(canvas + chunk(b"ICCP", b"odd") + chunk(b"ANMF", bytes(30)) + chunk(b"EXIF", photos.exif(5)))
    expected = Header("webp", 65836, 40, 5, alpha=True, icc=b"odd", animated=True)
    assert formats.parse(data) == expected


def test_a_gif_is_as_large_as_its_first_picture_needs() -> None:
    header = formats.parse(gif(picture(200, 30, 400, 500)))
    assert (header.width_px, header.height_px) == (600, 530)


def test_a_gif_is_animated_only_if_a_second_picture_follows() -> None:
    comment = b"\x21\xfe\x03abc\x00"
    clear = b"\x21\xf9\x04\x01\x00\x00\x07\x00"
    assert formats.parse(gif(comment, clear, picture(), comment)) == Header(
        "gif", 300, 40, color="palette", alpha=True
    )
    assert formats.parse(gif(picture(), clear, picture())).animated


def test_a_bitmap_from_the_top_has_a_negative_height() -> None:
    data = bytearray(photos.encode(".bmp", RGB))
    struct.pack_into("<i", data, 22, -40)
    assert formats.parse(bytes(data)).height_px == 40


def test_an_old_bitmap_has_a_short_header() -> None:
    data = b"BM" + struct.pack("<IIIIHHHH", 0, 0, 26, 12, 300, 40, 1, 24) + bytes(900 * 40)
    header = formats.parse(data)
    assert (header.width_px, header.height_px, header.alpha) == (300, 40, False)
    formats.check_complete(data)
    with pytest.raises(errors.DamagedPhotoError, match="truncated"):
        formats.check_complete(data[:-1])


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"t254": 1}, "camera raw"),
        ({"t50706": 1}, "camera raw"),
        ({"photometric": 8}, "photometric 8"),
        ({"t339": 3}, "floating-point"),
    ],
)
def test_a_tiff_that_would_be_shown_wrongly_is_refused(tags: dict[str, int], words: str) -> None:
    with pytest.raises(errors.UnsupportedPhotoError, match=words):
        formats.parse(photos.tiff(RGB, **tags))


def test_a_tiff_with_an_endless_tag_is_refused() -> None:
    data = bytearray(photos.tiff(RGB))
    at = data.index(struct.pack("<HH", 273, 4)) + 4
    struct.pack_into("<I", data, at, 0xFFFFFFFF)
    with pytest.raises(errors.DamagedPhotoError, match="4,294,967,295 values"):
        formats.check_complete(bytes(data))


def test_a_heic_is_as_large_as_the_largest_picture_in_it() -> None:
    tile, whole = (photos.box(b"ispe", struct.pack(">III", 0, side, side)) for side in (512, 4000))
    boxes = photos.box(b"meta", bytes(4), photos.box(b"iprp", photos.box(b"ipco", tile, whole, tile)))
    header = formats.parse(photos.box(b"ftyp", b"heic", bytes(4)) + boxes)
    assert (header.width_px, header.height_px) == (4000, 4000)
    with pytest.raises(errors.DamagedPhotoError, match="truncated"):
        formats.check_complete(photos.heic(300, 40) + struct.pack(">I", 99) + b"mdat")


@pytest.mark.parametrize("block", [b"", b"MM", b"II*\0\xff\xff\xff\xff", photos.exif(1)[:14], b"Exif\0\0MM"])
def test_broken_exif_counts_as_upright(block: bytes) -> None:
    assert parse_orientation(block) == 1


def test_the_name_of_a_profile_is_read_in_both_versions() -> None:
    assert color.read_description(photos.profile("Display P3")) == "Display P3"
    text = "sRGB".encode("utf-16-be")
    tag = b"mluc" + struct.pack(">III4sII", 0, 1, 12, b"enUS", len(text), 28) + text
    four = bytes(128) + struct.pack(">I4sII", 1, b"desc", 144, len(tag)) + tag
    assert color.read_description(four) == "sRGB" and color.is_srgb(four)
    assert color.read_description(b"short") == ""
