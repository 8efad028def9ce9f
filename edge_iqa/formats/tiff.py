"""TIFF 6.0: a directory of tags, in either byte order, that says where strips or tiles lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edge_iqa.errors import DamagedPhotoError, UnsupportedPhotoError
from edge_iqa.header import MAX_PIECES, ORIENTATION_TAG, Header

NAME = "tiff"

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 254, 256, 257, 258, 262
_STRIPS, _CHANNELS, _STRIP_BYTES = 273, 277, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_EXTRA, _SAMPLE_FORMAT, _PROFILE, _DNG = 338, 339, 34675, 50706

_TYPES = {1: "B", 2: "c", 3: "H", 4: "I", 7: "B"}
_COLORS = {0: "gray", 1: "gray", 2: "rgb", 3: "palette", 5: "cmyk", 6: "rgb"}
_COLOR_CHANNELS = {"gray": 1, "palette": 1, "rgb": 3, "cmyk": 4}
_WHITE_IS_ZERO = 0
_PREMULTIPLIED, _STRAIGHT = 1, 2
_MAX_TILE_PX = 1 << 24


@dataclass(frozen=True)
class _Field:
    type: str
    count: int
    at: int


class _Directory:
    """The tags of the first picture; of a tag given twice the first counts, as in libtiff."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        (start,) = struct.unpack_from(self.order + "I", data, 4)
        (count,) = struct.unpack_from(self.order + "H", data, start)
        self.fields: dict[int, _Field] = {}
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from(self.order + "HHI", data, entry)
            letter = _TYPES.get(kind)
            if letter is None:
                continue
            fits = number * struct.calcsize(letter) <= 4
            at = entry + 8 if fits else struct.unpack_from(self.order + "I", data, entry + 8)[0]
            self.fields.setdefault(tag, _Field(letter, number, at))

    def read_all(self, tag: int) -> tuple[int, ...]:
        """Return the values of a tag, () where it is missing."""
        field = self.fields.get(tag)
        if field is None or field.type == "c":
            return ()
        if field.count > MAX_PIECES:
            raise DamagedPhotoError(f"corrupt: the TIFF has a tag of {field.count:,} values")
        return struct.unpack_from(f"{self.order}{field.count}{field.type}", self.data, field.at)

    def read(self, tag: int, default: int = 0) -> int:
        """Return the first value of a tag."""
        return (*self.read_all(tag), default)[0]


def read_header(data: bytes) -> Header:
    """Read the first picture's directory; refuse the kinds that would be shown wrongly."""
    tags = _Directory(data)
    if tags.read(_SUBFILE) & 1 or _DNG in tags.fields:
        raise UnsupportedPhotoError("expected a finished photo, got a camera raw file")
    photometric = tags.read(_PHOTOMETRIC, 1)
    color = _COLORS.get(photometric)
    depth = tags.read(_BITS, 1)
    deep_and_wrong = depth == 16 and (photometric == _WHITE_IS_ZERO or color in ("cmyk", "palette"))
    if color is None or depth not in (1, 2, 4, 8, 16) or deep_and_wrong:
        raise UnsupportedPhotoError(f"a TIFF of {depth} bits with photometric {photometric} is not read")
    if tags.read(_SAMPLE_FORMAT, 1) != 1:
        raise UnsupportedPhotoError("a TIFF of signed or floating-point pixels is not read")
    alpha, premultiplied = _read_alpha(tags, color, depth)
    return Header(
        NAME,
        tags.read(_WIDTH),
        tags.read(_HEIGHT),
        _read_orientation(tags),
        color,
        depth,
        alpha=alpha,
        premultiplied=premultiplied,
        icc=bytes(tags.read_all(_PROFILE)) or None,
    )


def find_damage(data: bytes) -> str | None:
    """Check that every strip or tile lies within the file."""
    tags = _Directory(data)
    if tags.read(_TILE_WIDTH) * tags.read(_TILE_HEIGHT) > _MAX_TILE_PX:
        return "corrupt: the TIFF's tiles are larger than any program writes"
    starts = tags.read_all(_TILES) or tags.read_all(_STRIPS)
    lengths = tags.read_all(_TILE_BYTES) or tags.read_all(_STRIP_BYTES)
    if not starts or len(starts) != len(lengths):
        return "corrupt: the TIFF does not say where its pixels are"
    needed = max(start + length for start, length in zip(starts, lengths, strict=True))
    if needed > len(data):
        return f"truncated: the TIFF needs {needed:,} bytes and has {len(data):,}"
    return None


def to_upright(data: bytes) -> bytes:
    """Set the orientation to 1. OpenCV turns a TIFF even when told not to; one place turns photos here."""
    tags = _Directory(data)
    at = tags.fields[ORIENTATION_TAG].at
    return data[:at] + struct.pack(tags.order + "H", 1) + data[at + 2 :]


def _read_orientation(tags: _Directory) -> int:
    field = tags.fields.get(ORIENTATION_TAG)
    if field is None or field.type != "H":
        return 1
    value = tags.read(ORIENTATION_TAG, 1)
    return value if 1 <= value <= 8 else 1


def _read_alpha(tags: _Directory, color: str, depth: int) -> tuple[bool, bool]:
    """Return whether there is alpha and whether OpenCV hands over premultiplied color.

    libtiff's 8-bit path multiplies straight alpha into the color; the 16-bit path leaves the
    samples as stored.
    """
    if tags.read(_CHANNELS, 1) <= _COLOR_CHANNELS[color]:
        return False, False
    kind = tags.read(_EXTRA, _STRAIGHT)
    declared = _EXTRA in tags.fields
    if kind not in (_PREMULTIPLIED, _STRAIGHT):
        return False, False
    return True, kind == _PREMULTIPLIED or (declared and depth == 8)
