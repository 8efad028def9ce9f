"""Encoded photos, one file a format: what the header says, and whether the data are all there.

Nothing here decodes pixels or needs a library: a file that claims 60000x60000 pixels is found out
by reading a few bytes of it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from edge_iqa.errors import DamagedPhotoError, UnsupportedPhotoError
from edge_iqa.formats import bmp, gif, heif, jpeg, png, tiff, webp
from edge_iqa.header import Header

Answer = TypeVar("Answer")

_SEND_AGAIN = "send the whole file again"
_SAVE_OTHERWISE = "save it as JPEG or PNG"
READABLE = "JPEG, PNG, WebP, GIF, BMP, TIFF or HEIC"
SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif",
)  # fmt: skip
"""What counts as a photo in a folder; a file named on its own is read whatever it is called."""


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes:
        name: as in `Header.format`.
        read_header: size, color and orientation; raises `struct.error` or `IndexError` where the
            header is cut off, a `PhotoError` where it makes no sense.
        find_damage: why the pixels cannot all be there, or None.
    """

    name: str
    read_header: Callable[[bytes], Header]
    find_damage: Callable[[bytes], str | None]


_FORMATS = {
    module.NAME: Format(module.NAME, module.read_header, module.find_damage)
    for module in (jpeg, png, gif, bmp, webp, tiff, heif)
}

NAMES = tuple(_FORMATS)
"""Name of each format that is read, as in `Header.format`."""

_FOREIGN = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xffO\xffQ", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\x01\0", "an icon"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"\x1aE\xdf\xa3", "a video"),
)


def sniff(data: bytes) -> Format:
    """Tell the format by the first bytes; the file's name is never trusted.

    Raises:
        DamagedPhotoError: there are no bytes.
        UnsupportedPhotoError: not an image, or a format that is not read here.
    """
    if not data:
        raise DamagedPhotoError("the photo is empty (0 bytes); take or send it again")
    if data[:3] == b"\xff\xd8\xff":
        return _FORMATS["jpeg"]
    if data[:8] == png.SIGNATURE:
        return _FORMATS["png"]
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _FORMATS["gif"]
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _FORMATS["webp"]
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _FORMATS["tiff"]
    if data[:2] == b"BM" and bmp.is_bitmap(data):
        return _FORMATS["bmp"]
    if data[4:8] == b"ftyp":
        return _sniff_boxes(data)
    raise UnsupportedPhotoError(f"expected {READABLE}, got {_name_foreign(data)}; {_SAVE_OTHERWISE}")


def parse(data: bytes) -> Header:
    """Read the header of an encoded photo.

    Raises:
        UnsupportedPhotoError: not an image, or a format that is not read here.
        DamagedPhotoError: empty, or its header is cut off or makes no sense.
    """
    found = sniff(data)
    return _ask(found, found.read_header, data)


def check_complete(data: bytes) -> None:
    """Refuse a photo whose data stop early or do not match their checksums.

    Decoders fill what is missing with gray and say nothing, so this comes before them.

    Raises:
        DamagedPhotoError: the photo is truncated or corrupt.
    """
    found = sniff(data)
    damage = _ask(found, found.find_damage, data)
    if damage:
        raise DamagedPhotoError(f"{damage}; {_SEND_AGAIN}")


def _ask(found: Format, question: Callable[[bytes], Answer], data: bytes) -> Answer:
    try:
        return question(data)
    except (struct.error, IndexError) as error:
        raise DamagedPhotoError(
            f"truncated: the {found.name.upper()} ends too early, after {len(data):,} bytes; {_SEND_AGAIN}"
        ) from error
    except DamagedPhotoError as error:
        error.args = (f"{error}; {_SEND_AGAIN}",)
        raise
    except UnsupportedPhotoError as error:
        error.args = (f"{error}; {_SAVE_OTHERWISE}",)
        raise


def _sniff_boxes(data: bytes) -> Format:
    brands = heif.read_brands(data)
    if brands & heif.HEIC_BRANDS or (brands & heif.ANY_BRANDS and not brands & heif.AVIF_BRANDS):
        return _FORMATS["heif"]
    got = "AVIF" if brands & heif.AVIF_BRANDS else "a video"
    raise UnsupportedPhotoError(f"expected {READABLE}, got {got}; {_SAVE_OTHERWISE}")


def _name_foreign(data: bytes) -> str:
    for magic, name in _FOREIGN:
        if data.startswith(magic):
            return name
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "SVG, a drawing without pixels"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return f"something that is not an image (it starts with {data[:8]!r})"
