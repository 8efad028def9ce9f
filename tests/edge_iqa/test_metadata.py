"""Metadata goes along with a repaired photo, in line with its new pixels; read back by Pillow."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_iqa import image, metadata
from edge_iqa.errors import OutputError
from edge_iqa.fix.encode import SUFFIX_FORMATS
from edge_iqa.fix.rewrite import encode_fixed
from edge_iqa.metadata.containers import Metadata
from tests.edge_iqa import photos

Image = pytest.importorskip("PIL.Image")

RGB = photos.gradient(40, 60)
XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 tiff:Orientation="6" exif:GPSLatitude="52,31.2N" photoshop:City="Berlin" exif:PixelXDimension="9">
<exif:GPSLongitude>13,24.3E</exif:GPSLongitude><dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
P3 = photos.profile("Display P3")


def make_exif(orientation: int = 6) -> bytes:
    """A TIFF with camera, orientation, size, place and a thumbnail, written by Pillow but for the thumbnail."""
    exif = Image.Exif()
    exif[0x0110] = "A camera with a long name"
    exif[0x0112] = orientation
    exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0xA002: 60, 0xA003: 40, 0xA001: 65535})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return exif.tobytes().removeprefix(b"Exif\0\0")


def add_thumbnail(block: bytes, picture: bytes) -> bytes:
    """Put a second directory with a small JPEG behind the first."""
    order = "<" if block[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    at = len(block) + len(block) % 2
    second = struct.pack(order + "H", 2)
    second += struct.pack(order + "HHII", 0x0201, 4, 1, at + 30)
    second += struct.pack(order + "HHII", 0x0202, 4, 1, len(picture)) + bytes(4)
    data = bytearray(block.ljust(at, b"\0") + second + picture)
    struct.pack_into(order + "I", data, start + 2 + 12 * count, at)
    return bytes(data)


def make_iptc() -> bytes:
    def dataset(number: int, text: bytes) -> bytes:
        return struct.pack(">BBBH", 0x1C, 2, number, len(text)) + text

    body = dataset(5, b"Title") + dataset(90, b"Berlin") + dataset(101, b"Germany") + dataset(80, b"Ada")
    return b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(body)) + body + bytes(len(body) & 1)


def make_jpeg() -> bytes:
    data = photos.encode(".jpg", RGB)
    data = photos.into_jpeg(data, 0xED, b"Photoshop 3.0\0" + make_iptc())
    data = photos.jpeg_with_profile(data, P3)
    data = photos.into_jpeg(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    thumbnail = photos.encode(".jpg", RGB[:16, :16])
    return photos.into_jpeg(data, 0xE1, b"Exif\0\0" + add_thumbnail(make_exif(), thumbnail))


def make_png() -> bytes:
    return photos.into_png(
        photos.encode(".png", RGB),
        photos.png_chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        photos.png_chunk(b"eXIf", make_exif()),
        photos.png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        photos.png_chunk(b"tEXt", b"Author\0Ada"),
    )


def make_webp() -> bytes:
    picture = Image.fromarray(RGB)
    return photos.save(picture, "WEBP", exif=b"Exif\0\0" + make_exif(), xmp=XMP, icc_profile=P3)


SOURCES = {"jpeg": make_jpeg(), "png": make_png(), "webp": make_webp()}


def rewrite(tmp_path: Path, source: bytes, suffix: str, **options: Any) -> tuple[Any, bytes, Any]:
    frame = image.read(source)
    encoded = encode_fixed(source, frame.notes, frame.pixels, SUFFIX_FORMATS[suffix], **options)
    (tmp_path / f"out{suffix}").write_bytes(encoded.data)
    shown = Image.open(io.BytesIO(encoded.data))
    shown.load()
    return shown, encoded.data, encoded


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_exif_is_kept_and_tells_of_the_new_pixels(tmp_path: Path, kind: str, suffix: str) -> None:
    shown, _, _ = rewrite(tmp_path, SOURCES[kind], suffix)
    exif = shown.getexif()
    assert exif[0x0110] == "A camera with a long name" and exif[0x0112] == 1
    camera = exif.get_ifd(0x8769)
    assert camera[0x9003] == "2024:05:06 07:08:09"
    assert (camera[0xA002], camera[0xA003]) == shown.size == (40, 60)  # it lay on its side
    assert exif.get_ifd(0x8825)[2] == (52.0, 31.0, 12.0)
    assert image.read(tmp_path / f"out{suffix}").orientation == 1


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_the_place_goes_and_the_rest_stays(tmp_path: Path, kind: str, suffix: str) -> None:
    shown, data, _ = rewrite(tmp_path, SOURCES[kind], suffix, strip_location=True)
    exif = shown.getexif()
    assert exif[0x0110] == "A camera with a long name"
    assert exif.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
    assert 0x8825 not in exif
    assert b"Berlin" not in data and b"GPS" not in data and b"Germany" not in data
    assert (
        struct.pack("<6I", 52, 1, 31, 1, 12, 1) not in data
        and struct.pack(">6I", 52, 1, 31, 1, 12, 1) not in data
    )
    assert b"Ada" in data  # who made it is no place


def test_xmp_is_kept_and_tells_of_the_new_pixels(tmp_path: Path) -> None:
    shown, _, _ = rewrite(tmp_path, SOURCES["jpeg"], ".jpg")
    packet = shown.info["xmp"].decode()
    assert 'tiff:Orientation="1"' in packet and 'exif:PixelXDimension="40"' in packet
    assert "Berlin" in packet and "13,24.3E" in packet and "<rdf:li>Ada</rdf:li>" in packet


def test_iptc_is_kept_as_pillow_reads_it(tmp_path: Path) -> None:
    from PIL import IptcImagePlugin

    with_place, _, _ = rewrite(tmp_path, SOURCES["jpeg"], ".jpg")
    assert IptcImagePlugin.getiptcinfo(with_place)[2, 90] == b"Berlin"
    without, _, _ = rewrite(tmp_path, SOURCES["jpeg"], ".jpg", strip_location=True)
    info = IptcImagePlugin.getiptcinfo(without)
    assert info[2, 5] == b"Title" and info[2, 80] == b"Ada"
    assert (2, 90) not in info and (2, 101) not in info


def test_the_thumbnail_goes(tmp_path: Path) -> None:
    _, data, _ = rewrite(tmp_path, SOURCES["jpeg"], ".jpg")
    assert SOURCES["jpeg"].count(b"\xff\xd8\xff") == 2
    assert data.count(b"\xff\xd8\xff") == 1


def test_texts_and_resolution_of_a_png_are_kept(tmp_path: Path) -> None:
    shown, _, _ = rewrite(tmp_path, SOURCES["png"], ".png")
    assert shown.text["Author"] == "Ada"
    assert shown.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    as_jpeg, _, _ = rewrite(tmp_path, SOURCES["png"], ".jpg")
    assert as_jpeg.info["dpi"] == (300, 300)


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_colors_shown_are_the_same_with_and_without_pillow(
    tmp_path: Path, kind: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile goes exactly where the pixels were converted."""
    from PIL import ImageCms

    from edge_iqa import pillow

    shown, _, _ = rewrite(tmp_path, SOURCES[kind], suffix)
    assert "icc_profile" not in shown.info
    assert shown.getexif().get_ifd(0x8769)[0xA001] == 1  # sRGB
    converted = np.asarray(shown.convert("RGB")).astype(int)
    monkeypatch.setattr(pillow, "load", lambda: None)
    source = SOURCES[kind]
    frame = image.read(source)
    encoded = encode_fixed(source, frame.notes, frame.pixels, SUFFIX_FORMATS[suffix])
    monkeypatch.undo()
    plain = Image.open(io.BytesIO(encoded.data))
    assert plain.info["icc_profile"] == P3
    assert plain.getexif().get_ifd(0x8769)[0xA001] == 65535
    seen = ImageCms.profileToProfile(
        plain.convert("RGB"), ImageCms.ImageCmsProfile(io.BytesIO(P3)), ImageCms.createProfile("sRGB")
    )
    assert np.abs(np.asarray(seen).astype(int) - converted).mean() < 3


def test_a_long_profile_is_cut_into_segments_and_comes_back_whole() -> None:
    icc = bytes(range(256)) * 600
    data, notes = metadata.embed(photos.encode(".jpg", RGB), Metadata(icc=icc))
    assert not notes
    assert metadata.read(data).icc == icc
    assert Image.open(io.BytesIO(data)).info["icc_profile"] == icc


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("target", ["jpeg", "png", "webp"])
def test_metadata_counts_against_the_most_bytes(kind: str, target: str) -> None:
    source = SOURCES[kind]
    frame = image.read(source)
    whole = len(encode_fixed(source, frame.notes, frame.pixels, target).data)
    assert len(encode_fixed(source, frame.notes, frame.pixels, target, max_bytes=whole).data) == whole
    with pytest.raises(OutputError, match=r"at most 600 bytes, got [\d,]+ \([\d,]+ of them metadata\)"):
        encode_fixed(source, frame.notes, frame.pixels, target, max_bytes=600)
    if target != "png":
        smaller = encode_fixed(source, frame.notes, frame.pixels, target, max_bytes=whole - 1)
        assert len(smaller.data) < whole
        assert metadata.read(smaller.data).exif is not None


def test_exif_that_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    block = bytearray(make_exif())
    struct.pack_into("<I" if block[:2] == b"II" else ">I", block, 4, 1 << 30)
    source = photos.into_jpeg(photos.encode(".jpg", RGB), 0xE1, b"Exif\0\0" + bytes(block))
    shown, data, written = rewrite(tmp_path, source, ".jpg", strip_location=True)
    assert not shown.getexif() and b"camera" not in data
    assert any("EXIF" in note for note in written.notes)


@pytest.mark.parametrize("packet", [b"<a", b"\xff\xfe<", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_xmp_that_cannot_be_read_is_left_out_and_told(packet: bytes) -> None:
    kept = metadata.prepare(Metadata(xmp=packet), 9, 9, keep_profile=False)
    assert kept.xmp is None and any("XMP" in note for note in kept.notes)


def test_what_a_jpeg_has_no_room_for_is_told() -> None:
    data, notes = metadata.embed(photos.encode(".jpg", RGB), Metadata(exif=b"II*\0" + bytes(70_000)))
    assert len(notes) == 1 and "EXIF" in notes[0]
    assert Image.open(io.BytesIO(data)).size == (60, 40)


def test_metadata_is_not_put_into_another_format() -> None:
    with pytest.raises(OutputError, match="JPEG, PNG or WebP"):
        metadata.embed(photos.bmp(np.dstack([RGB, RGB[..., 0]])), Metadata())


@pytest.mark.parametrize("kind", SOURCES)
def test_the_place_goes_without_touching_pixels(kind: str) -> None:
    done = metadata.strip_location(SOURCES[kind] + b"trailing GPS video")
    assert done is not None and not done[1]
    data = done[0]
    assert b"Berlin" not in data and b"GPS" not in data and b"Germany" not in data
    assert (
        struct.pack("<6I", 52, 1, 31, 1, 12, 1) not in data
        and struct.pack(">6I", 52, 1, 31, 1, 12, 1) not in data
    )
    shown = Image.open(io.BytesIO(data))
    exif = shown.getexif()
    assert exif[0x0110] == "A camera with a long name" and exif[0x0112] == 6 and 0x8825 not in exif
    assert b"Ada" in data
    assert np.array_equal(image.read(data).pixels, image.read(SOURCES[kind]).pixels)


@pytest.mark.parametrize("kind", SOURCES)
@settings(max_examples=60, derandomize=True, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6), keep=st.floats(0, 1))
def test_the_place_goes_from_broken_files_or_they_are_refused(
    kind: str, flips: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(SOURCES[kind])
    for where, value in flips:
        data[min(int(where * len(data)), len(data) - 1)] = value
    cut = bytes(data[: int(len(data) * keep)]) if keep < 0.8 else bytes(data)
    done = metadata.strip_location(cut)
    assert done is None or done[0][:2] == cut[:2]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(sorted(SOURCES)),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
    strip=st.booleans(),
)
def test_whatever_bytes_come_in_metadata_is_read_or_left_out(
    kind: str, flips: list[tuple[float, int]], keep: float, strip: bool
) -> None:
    data = bytearray(SOURCES[kind])
    for where, value in flips:  # metadata lies in the first bytes
        data[min(int(where * 1500), len(data) - 1)] = value
    found = metadata.read(bytes(data[: int(len(data) * keep)]))
    kept = metadata.prepare(found, 60, 40, keep_profile=True, strip_location=strip)
    for suffix in (".jpg", ".png", ".webp"):
        written, _ = metadata.embed(photos.encode(suffix, RGB), kept)
        assert image.read(written).pixels.shape == (40, 60, 3)
        Image.open(io.BytesIO(written)).load()


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_no_place_is_found_in_what_is_left_of_a_broken_exif(
    flips: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(make_exif())
    for where, value in flips:
        data[min(int(where * len(data)), len(data) - 1)] = value
    broken = Metadata(exif=bytes(data[: int(len(data) * keep)]))
    kept = metadata.prepare(broken, 60, 40, keep_profile=False, strip_location=True)
    if kept.exif is None:
        assert any("EXIF" in note for note in kept.notes) and (flips or keep < 1)
        return
    assert kept.exif != data  # the place was there, and one byte at least has changed
    found = Image.Exif()
    found.load(b"Exif\0\0" + kept.exif)
    assert 0x8825 not in found
