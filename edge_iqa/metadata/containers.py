"""Blocks of metadata out of JPEG, PNG and WebP files, and into them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from edge_iqa.errors import OutputError

EXIF_HEAD, XMP_HEAD = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
IPTC_HEAD, _ICC_HEAD = b"Photoshop 3.0\0", b"ICC_PROFILE\0"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = "XML:com.adobe.xmp"
_COMMENT = "Comment"
_MOST_PIECES = 20_000
_MOST_TEXTS = 200
_MOST_BYTES = 4 << 20
"""Of one block; a larger one is no metadata but an attack."""
_SEGMENT_BYTES = 65_533
_DOTS = 39.3701
"""Inches in a meter."""


@dataclass(frozen=True)
class Metadata:
    """Blocks of one file, each as its standard has it, without the container's own headers.

    Attributes:
        exif: a TIFF (it starts with II or MM).
        xmp: a packet of XML.
        iptc: Photoshop's image resources, in one of which IPTC-IIM lies.
        icc: color profile.
        texts: keyword and text.
        dots_per_meter: across and down.
        notes: what could not be kept, and why, in words for people.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    icc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    dots_per_meter: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def read(data: bytes) -> Metadata:
    """Collect the metadata of an encoded photo: JPEG, PNG or WebP; others have none that is read here.

    What is broken is left out; nothing is raised.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _from_jpeg(data)
    if data[:8] == PNG_SIGNATURE:
        return _from_png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _from_webp(data)
    return Metadata()


def embed(encoded: bytes, metadata: Metadata) -> tuple[bytes, tuple[str, ...]]:
    """Put metadata into a photo that was just encoded and has none.

    Args:
        encoded: JPEG, PNG or WebP.

    Returns:
        The photo, and notes on what that format has no place for.

    Raises:
        OutputError: another format.
    """
    if encoded[:3] == b"\xff\xd8\xff":
        return _into_jpeg(encoded, metadata)
    if encoded[:8] == PNG_SIGNATURE:
        return _into_png(encoded, metadata)
    if encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP":
        return _into_webp(encoded, metadata)
    raise OutputError(f"expected an encoded JPEG, PNG or WebP to put metadata into, got {encoded[:8]!r}")


def _from_jpeg(data: bytes) -> Metadata:
    blocks: dict[str, bytes] = {}
    profile: dict[int, bytes] = {}
    iptc, dots = b"", None
    comments: list[tuple[str, str]] = []
    for marker, payload in _walk_jpeg(data):
        if marker == 0xE0 and payload[:5] == b"JFIF\0":
            dots = dots or _read_density(payload)
        elif marker == 0xE1 and payload.startswith(EXIF_HEAD):
            blocks.setdefault("exif", payload[len(EXIF_HEAD) :])
        elif marker == 0xE1 and payload.startswith(XMP_HEAD):
            blocks.setdefault("xmp", payload[len(XMP_HEAD) :])
        elif marker == 0xE2 and payload.startswith(_ICC_HEAD) and len(payload) > 14:
            profile[payload[12]] = payload[14:]
        elif marker == 0xED and payload.startswith(IPTC_HEAD):
            iptc += payload[len(IPTC_HEAD) :]  # a long one goes on in the next segment
        elif marker == 0xFE and len(comments) < _MOST_TEXTS:
            comments.append((_COMMENT, payload.rstrip(b"\0").decode("utf-8", "replace")))
    icc = b"".join(part for _, part in sorted(profile.items()))
    return Metadata(blocks.get("exif"), blocks.get("xmp"), iptc or None, icc or None, tuple(comments), dots)


def _walk_jpeg(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, payload) of each whole segment before the first scan."""
    at = 2
    for _ in range(_MOST_PIECES):
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            return
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in (0xD9, 0xDA) or length < 2 or at + 2 + length > len(data):
            return
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


def _read_density(payload: bytes) -> tuple[int, int] | None:
    if len(payload) < 12:
        return None
    unit, across, down = struct.unpack_from(">BHH", payload, 7)
    scale = {1: _DOTS, 2: 100.0}.get(unit)
    return (round(across * scale), round(down * scale)) if scale and across and down else None


def _from_png(data: bytes) -> Metadata:
    blocks: dict[str, bytes] = {}
    texts: list[tuple[str, str]] = []
    dots = None
    for name, payload in _walk_png(data):
        if name == b"eXIf":
            blocks.setdefault("exif", payload.removeprefix(EXIF_HEAD))
        elif name == b"iCCP":
            icc = _inflate(payload.partition(b"\0")[2][1:])
            if icc:
                blocks.setdefault("icc", icc)
        elif name == b"pHYs" and len(payload) == 9 and payload[8] == 1:
            dots = struct.unpack(">II", payload[:8])
        elif name in (b"tEXt", b"zTXt", b"iTXt") and len(texts) < _MOST_TEXTS:
            found = read_text(name, payload)
            if found and found[0] == XMP_KEYWORD:
                blocks.setdefault("xmp", found[1].encode())
            elif found:
                texts.append(found)
    return Metadata(blocks.get("exif"), blocks.get("xmp"), None, blocks.get("icc"), tuple(texts), dots)


def _walk_png(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, payload) of each chunk that carries metadata and whose checksum is right."""
    at = 8
    for _ in range(_MOST_PIECES):
        if at + 12 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, at)
        name, end = data[at + 4 : at + 8], at + 8 + length
        if end + 4 > len(data) or name == b"IEND":
            return
        if name in (b"eXIf", b"iCCP", b"pHYs", b"tEXt", b"zTXt", b"iTXt") and length <= _MOST_BYTES:
            payload = data[at + 8 : end]
            if struct.unpack_from(">I", data, end)[0] == zlib.crc32(name + payload):
                yield name, payload
        at = end + 4


def read_text(name: bytes, payload: bytes) -> tuple[str, str] | None:
    """Keyword and text of a PNG's text chunk; None where it is broken."""
    keyword, zero, rest = payload.partition(b"\0")
    if not zero or not 1 <= len(keyword) <= 79:
        return None
    text: bytes | None = rest
    coding = "latin-1"
    if name == b"zTXt":
        text = _inflate(rest[1:])
    elif name == b"iTXt":
        packed = rest[:1] == b"\1"
        text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        text, coding = (_inflate(text) if packed else text), "utf-8"
    return None if text is None else (keyword.decode("latin-1"), text.decode(coding, "replace"))


def _inflate(packed: bytes) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(packed, _MOST_BYTES)
    except zlib.error:
        return None
    return plain if inflater.eof else None


def _from_webp(data: bytes) -> Metadata:
    blocks: dict[bytes, bytes] = {}
    at = 12
    for _ in range(_MOST_PIECES):
        if at + 8 > len(data):
            break
        name = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        if at + 8 + length > len(data):
            break
        if name in (b"EXIF", b"XMP ", b"ICCP") and length <= _MOST_BYTES:
            blocks.setdefault(name, data[at + 8 : at + 8 + length])
        at += 8 + length + (length & 1)
    exif = blocks.get(b"EXIF", b"").removeprefix(EXIF_HEAD)
    return Metadata(exif or None, blocks.get(b"XMP ") or None, None, blocks.get(b"ICCP") or None)


def _into_jpeg(encoded: bytes, metadata: Metadata) -> tuple[bytes, tuple[str, ...]]:
    notes: list[str] = []
    segments = b""
    wanted = (
        ("EXIF", 0xE1, EXIF_HEAD, metadata.exif),
        ("XMP", 0xE1, XMP_HEAD, metadata.xmp),
    )
    for label, marker, head, block in wanted:
        if block is None:
            continue
        if len(head) + len(block) > _SEGMENT_BYTES:
            notes.append(f"{label} of {len(block):,} bytes does not fit into a JPEG and was left out")
        else:
            segments += make_segment(marker, head + block)
    step = _SEGMENT_BYTES - len(IPTC_HEAD)
    iptc = metadata.iptc or b""
    segments += b"".join(
        make_segment(0xED, IPTC_HEAD + iptc[at : at + step]) for at in range(0, len(iptc), step)
    )
    parts = _cut(metadata.icc or b"", _SEGMENT_BYTES - 14)
    if len(parts) <= 255:
        for number, part in enumerate(parts, 1):
            segments += make_segment(0xE2, _ICC_HEAD + bytes((number, len(parts))) + part)
    else:
        notes.append("the color profile does not fit into a JPEG and was left out")
    for keyword, text in metadata.texts:
        line = (text if keyword == _COMMENT else f"{keyword}: {text}").encode()
        if len(line) <= _SEGMENT_BYTES:
            segments += make_segment(0xFE, line)
        else:
            notes.append(f"a text ({keyword}) does not fit into a JPEG and was left out")
    return _behind_jfif(encoded, metadata.dots_per_meter, segments), tuple(notes)


def _cut(block: bytes, step: int) -> list[bytes]:
    return [block[at : at + step] for at in range(0, len(block), step)]


def make_segment(marker: int, payload: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _behind_jfif(encoded: bytes, dots: tuple[int, int] | None, segments: bytes) -> bytes:
    if encoded[2:4] != b"\xff\xe0" or encoded[6:11] != b"JFIF\0":
        return encoded[:2] + segments + encoded[2:]
    end = 4 + struct.unpack_from(">H", encoded, 4)[0]
    head = bytearray(encoded[:end])
    inches = [round(each / _DOTS) for each in dots or ()]
    if inches and all(1 <= each <= 65_535 for each in inches):
        struct.pack_into(">BHH", head, 13, 1, *inches)
    return bytes(head) + segments + encoded[end:]


def _into_png(encoded: bytes, metadata: Metadata) -> tuple[bytes, tuple[str, ...]]:
    chunks = b""
    if metadata.icc:
        chunks += make_chunk(b"iCCP", b"profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dots_per_meter:
        chunks += make_chunk(b"pHYs", struct.pack(">IIB", *metadata.dots_per_meter, 1))
    if metadata.exif:
        chunks += make_chunk(b"eXIf", metadata.exif)
    texts = [*metadata.texts]
    if metadata.xmp:
        texts.append((XMP_KEYWORD, metadata.xmp.decode("utf-8", "replace")))
    for keyword, text in texts:
        name = keyword.encode("latin-1", "replace")[:79]
        chunks += make_chunk(b"iTXt", name + b"\0\0\0\0\0" + text.replace("\0", "").encode())
    return encoded[:33] + chunks + encoded[33:], _no_room_for_iptc(metadata)


def make_chunk(name: bytes, payload: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def _no_room_for_iptc(metadata: Metadata) -> tuple[str, ...]:
    return ("IPTC has no place in this format and was left out",) if metadata.iptc else ()


def _into_webp(encoded: bytes, metadata: Metadata) -> tuple[bytes, tuple[str, ...]]:
    notes = _no_room_for_iptc(metadata)
    if metadata.texts:
        notes += ("texts have no place in a WebP and were left out",)
    flags = 0x20 * bool(metadata.icc) | 0x08 * bool(metadata.exif) | 0x04 * bool(metadata.xmp)
    if not flags:
        return encoded, notes
    image = encoded[12:]
    if image[:4] == b"VP8X":
        raise OutputError("expected a WebP without extensions, as it comes from the encoder; encode it anew")
    width, height = _webp_size(encoded)
    head = struct.pack("<BBBB", flags, 0, 0, 0) + (width - 1).to_bytes(3, "little")
    head += (height - 1).to_bytes(3, "little")
    body = make_riff(b"VP8X", head)
    body += make_riff(b"ICCP", metadata.icc) if metadata.icc else b""
    body += image
    body += make_riff(b"EXIF", metadata.exif) if metadata.exif else b""
    body += make_riff(b"XMP ", metadata.xmp) if metadata.xmp else b""
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body, notes


def _webp_size(encoded: bytes) -> tuple[int, int]:
    if encoded[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", encoded, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", encoded, 26)
    return width & 0x3FFF, height & 0x3FFF


def make_riff(name: bytes, payload: bytes) -> bytes:
    """A chunk of a WebP."""
    return name + struct.pack("<I", len(payload)) + payload + bytes(len(payload) & 1)
