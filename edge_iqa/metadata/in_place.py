"""Take the place out of a file whose pixels stay as they are: nothing is decoded, no quality is lost."""

from __future__ import annotations

import re
import struct

from edge_iqa.metadata import exif, iptc, xmp
from edge_iqa.metadata.containers import (
    EXIF_HEAD,
    IPTC_HEAD,
    PNG_SIGNATURE,
    XMP_HEAD,
    XMP_KEYWORD,
    make_chunk,
    make_riff,
    make_segment,
    read_text,
)  # fmt: skip

_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_MARKER_IN_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_PLACE_WORDS = (
    *(
        "raw profile",
        "gps",
        "location",
        "latitude",
        "longitude",
        "altitude",
        "geo",
        "place",
        "city",
        "country",
    ),
)
_MOST_PIECES = 20_000


def strip_location(data: bytes) -> tuple[bytes, tuple[str, ...]] | None:
    """Drop what tells the place from a JPEG, PNG or WebP.

    What follows the end of the picture (a video, a second picture) goes too.

    Returns:
        The file, and notes on blocks that were left out whole as they could not be read safely; None
        where the file itself cannot be followed to its end.
    """
    notes: list[str] = []
    try:
        if data[:3] == b"\xff\xd8\xff":
            done = _strip_jpeg(data, notes)
        elif data[:8] == PNG_SIGNATURE:
            done = _strip_png(data, notes)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            done = _strip_webp(data, notes)
        else:
            return None
    except (struct.error, IndexError):
        return None
    return None if done is None else (done, tuple(dict.fromkeys(notes)))


def tells_place(keyword: str, text: str) -> bool:
    """Judge a text by its name; raw profiles hold whole EXIF or IPTC blocks in digits."""
    name = keyword.lower()
    return any(word in name for word in _PLACE_WORDS) or "gps" in text[:65_536].lower()


def _strip_jpeg(data: bytes, notes: list[str]) -> bytes | None:
    out, at = data[:2], 2
    for _ in range(_MOST_PIECES):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data) or 0xD0 <= marker <= 0xD9:
            return None
        if marker == 0xDA:
            stop = _find_end(data, end)
            return None if stop is None else out + data[at:stop]
        out += _strip_segment(marker, data[at + 4 : end], notes)
        at = end
    return None


def _find_end(data: bytes, at: int) -> int | None:
    """Behind the end-of-image marker that closes the scans."""
    for _ in range(_MOST_PIECES):
        found = _MARKER_IN_SCAN.search(data, at)
        if found is None:
            return None
        if found[1] == b"\xd9":
            return found.end()
        at = found.end() + struct.unpack_from(">H", data, found.end())[0]
    return None


def _strip_segment(marker: int, payload: bytes, notes: list[str]) -> bytes:
    if marker == 0xE1 and payload.startswith(EXIF_HEAD):
        return _wrap(marker, EXIF_HEAD, exif.strip(payload[len(EXIF_HEAD) :]), "EXIF", notes)
    if marker == 0xE1 and payload.startswith(XMP_HEAD):
        return _wrap(marker, XMP_HEAD, xmp.strip(payload[len(XMP_HEAD) :]), "XMP", notes)
    if marker == 0xED and payload.startswith(IPTC_HEAD):
        return _wrap(marker, IPTC_HEAD, iptc.update(payload[len(IPTC_HEAD) :], True), "IPTC", notes)
    second = marker == 0xE2 and payload.startswith(b"MPF\0")  # an index of pictures behind the end
    told = marker == 0xFE and tells_place("", payload.decode("latin-1"))
    if second or told or (marker == 0xE1 and payload.startswith(_EXTENDED_XMP)):
        return b""
    return make_segment(marker, payload)


def _wrap(marker: int, head: bytes, block: bytes | None, label: str, notes: list[str]) -> bytes:
    if block is None:
        notes.append(f"{label} could not be read safely and was left out")
        return b""
    return make_segment(marker, head + block)


def _strip_png(data: bytes, notes: list[str]) -> bytes | None:
    out, at = data[:8], 8
    for _ in range(_MOST_PIECES):
        (length,) = struct.unpack_from(">I", data, at)
        name, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            return None
        payload = data[at + 8 : end - 4]
        block: bytes | None = payload
        if name == b"eXIf":
            block = exif.strip(payload)
            notes += ["EXIF could not be read safely and was left out"] if block is None else []
        elif name in (b"tEXt", b"zTXt", b"iTXt"):
            block = _strip_text(name, payload, notes)
        if block is not None:
            out += data[at:end] if block is payload else make_chunk(name, block)
        at = end
        if name == b"IEND":
            return out
    return None


def _strip_text(name: bytes, payload: bytes, notes: list[str]) -> bytes | None:
    found = read_text(name, payload)
    if found is None:
        return None
    if found[0] != XMP_KEYWORD:
        return None if tells_place(*found) else payload
    packet = xmp.strip(found[1].encode())
    if packet is None:
        notes.append("XMP could not be read safely and was left out")
        return None
    return XMP_KEYWORD.encode() + b"\0\0\0\0\0" + packet


def _strip_webp(data: bytes, notes: list[str]) -> bytes | None:
    out, at, dropped = b"", 12, 0
    (size,) = struct.unpack_from("<I", data, 4)
    stop = min(len(data), size + 8)
    while at + 8 <= stop:
        name = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        if at + 8 + length > stop:
            return None
        payload = data[at + 8 : at + 8 + length]
        block: bytes | None = payload
        if name == b"EXIF":
            block = exif.strip(payload.removeprefix(EXIF_HEAD))
        elif name == b"XMP ":
            block = xmp.strip(payload)
        if block is None:
            notes.append(f"{name.decode().strip()} could not be read safely and was left out")
            dropped |= 0x08 if name == b"EXIF" else 0x04
        else:
            out += make_riff(name, block)
        at += 8 + length + (length & 1)
    if out[:4] == b"VP8X" and dropped:
        out = out[:8] + bytes((out[8] & ~dropped,)) + out[9:]
    return b"RIFF" + struct.pack("<I", len(out) + 4) + b"WEBP" + out
