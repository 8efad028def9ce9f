"""EXIF (CIPA DC-008): a small TIFF. What must change is changed in place, so that no offset moves."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from edge_iqa.header import ORIENTATION_TAG

_EXIF_IFD, _GPS_IFD, _INTEROP_IFD = 0x8769, 0x8825, 0xA005
_WIDTH_TAGS, _HEIGHT_TAGS = (0x0100, 0xA002), (0x0101, 0xA003)
_THUMBNAIL_AT, _THUMBNAIL_BYTES = 0x0201, 0x0202
_COLOR_SPACE = 0xA001
_TELL_PLACE = {_GPS_IFD, 0x02BC, 0x83BB, 0x8649, 0x014A, 0x927C}
"""GPS; XMP, IPTC, Photoshop's resources and further directories, as TIFF has them; the maker's notes."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SHORT, _LONG = 3, 4
_MOST_ENTRIES = 2000
_MOST_BYTES = 1 << 24


class _BrokenError(Exception):
    """An offset, count or type that does not fit."""


@dataclass(frozen=True)
class _Entry:
    at: int
    tag: int
    kind: int
    count: int
    value_at: int
    value_bytes: int


@dataclass(frozen=True)
class _Directory:
    at: int
    entries: tuple[_Entry, ...]
    next_at: int

    @property
    def end(self) -> int:
        return self.at + 2 + 12 * len(self.entries) + 4


def strip(block: bytes) -> bytes | None:
    """Drop the place and the thumbnail, and leave the rest, as the pixels stay what they are; see `update`."""
    return _change(block, {}, strip_location=True)


def update(
    block: bytes, width_px: int, height_px: int, *, strip_location: bool, to_srgb: bool = False
) -> bytes | None:
    """Set the orientation to upright and the size as given, drop the thumbnail and, if asked, the place.

    Args:
        block: the TIFF, without a leading `Exif\\0\\0`.
        width_px, height_px: of the pixels that it will describe.
        strip_location: drop the GPS directory; the maker's own notes go too, as nobody but the maker knows
            what they tell (some name the city), and so does every byte that nothing points to.
        to_srgb: the pixels were converted to sRGB.

    Returns:
        The changed TIFF; None where it cannot be read safely.
    """
    facts = dict.fromkeys(_WIDTH_TAGS, width_px) | dict.fromkeys(_HEIGHT_TAGS, height_px)
    facts[ORIENTATION_TAG] = 1
    if to_srgb:
        facts[_COLOR_SPACE] = 1
    return _change(block, facts, strip_location=strip_location)


def _change(block: bytes, facts: dict[int, int], *, strip_location: bool) -> bytes | None:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) > _MOST_BYTES:
        return None
    data = bytearray(block)
    try:
        parts = _set_all(data, order, facts)
        if strip_location:
            for part in reversed(parts):
                _drop_entries(data, order, part)
            data = _keep_referenced(data, order)
    except (_BrokenError, struct.error):
        return None
    return bytes(data)


def _set_all(data: bytearray, order: str, facts: dict[int, int]) -> list[_Directory]:
    """Change the numbers and cut off the thumbnail; return the directories that stay."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    first = _read_directory(data, order, start)
    parts = [first, *(_follow(data, order, each) for each in first.entries if each.tag == _EXIF_IFD)]
    second = _read_directory(data, order, first.next_at) if first.next_at else None
    _check_apart([*parts, *([second] if second else [])])
    for part in parts:
        for entry in part.entries:
            _set_number(data, order, entry, facts)
    if second is not None:
        struct.pack_into(order + "I", data, first.end - 4, 0)
        _erase_thumbnail(data, order, second, parts)
    return parts


def _read_directory(data: bytes | bytearray, order: str, at: int) -> _Directory:
    if at < 8 or at + 2 > len(data):
        raise _BrokenError
    (count,) = struct.unpack_from(order + "H", data, at)
    end = at + 2 + 12 * count
    if count > _MOST_ENTRIES or end > len(data):
        raise _BrokenError
    entries = tuple(_read_entries(data, order, at, count))
    (next_at,) = struct.unpack_from(order + "I", data, end)
    return _Directory(at, entries, next_at)


def _read_entries(data: bytes | bytearray, order: str, at: int, count: int) -> Iterator[_Entry]:
    for index in range(count):
        where = at + 2 + 12 * index
        tag, kind, number = struct.unpack_from(order + "HHI", data, where)
        if kind not in _SIZES:
            raise _BrokenError
        length = _SIZES[kind] * number
        value_at = where + 8
        if length > 4:
            (value_at,) = struct.unpack_from(order + "I", data, where + 8)
            if value_at < 8 or value_at + length > len(data):
                raise _BrokenError
        yield _Entry(where, tag, kind, number, value_at, length)


def _follow(data: bytes | bytearray, order: str, entry: _Entry) -> _Directory:
    if entry.kind not in (_LONG, 13) or entry.count != 1:
        raise _BrokenError
    return _read_directory(data, order, struct.unpack_from(order + "I", data, entry.value_at)[0])


def _check_apart(parts: list[_Directory]) -> None:
    """Directories that lie over one another are an attack, and a change in one would break another."""
    spans = sorted((part.at, part.end) for part in parts)
    if any(end > start for (_, end), (start, _) in itertools.pairwise(spans)):
        raise _BrokenError


def _set_number(data: bytearray, order: str, entry: _Entry, facts: dict[int, int]) -> None:
    value = facts.get(entry.tag)
    if value is None:
        return
    if value < 1 << 16:
        struct.pack_into(order + "HHIHH", data, entry.at, entry.tag, _SHORT, 1, value, 0)
    else:
        struct.pack_into(order + "HHII", data, entry.at, entry.tag, _LONG, 1, value)


def _erase_thumbnail(data: bytearray, order: str, part: _Directory, keep: list[_Directory]) -> None:
    """The small picture shows the photo as it was, and what was cut away: its bytes go too."""
    numbers = {}
    for entry in part.entries:
        if (
            entry.tag in (_THUMBNAIL_AT, _THUMBNAIL_BYTES)
            and entry.kind in (_SHORT, _LONG)
            and entry.count == 1
        ):
            form = "H" if entry.kind == _SHORT else "I"
            (numbers[entry.tag],) = struct.unpack_from(order + form, data, entry.value_at)
    start, length = numbers.get(_THUMBNAIL_AT, 0), numbers.get(_THUMBNAIL_BYTES, 0)
    stays = [(part.at, part.end) for part in keep]
    stays += [(each.value_at, each.value_at + each.value_bytes) for part in keep for each in part.entries]
    spans = [(part.at, part.end), (start, start + length)]
    for low, high in spans:
        if low == high:
            continue
        if low < 8 or high > len(data) or any(low < end and begin < high for begin, end in stays):
            raise _BrokenError
        data[low:high] = bytes(high - low)


def _drop_entries(data: bytearray, order: str, part: _Directory) -> None:
    """Close the gaps that dropped entries leave, and fill the rest of the directory with zeros."""
    kept = [bytes(data[each.at : each.at + 12]) for each in part.entries if each.tag not in _TELL_PLACE]
    tail = bytes(data[part.end - 4 : part.end])
    packed = struct.pack(order + "H", len(kept)) + b"".join(kept) + tail
    data[part.at : part.end] = packed.ljust(part.end - part.at, b"\0")


def _keep_referenced(data: bytearray, order: str) -> bytearray:
    """Zero every byte that no directory points to any more."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    parts = [_read_directory(data, order, start)]
    for pointer in (_EXIF_IFD, _INTEROP_IFD):
        found = [each for part in parts for each in part.entries if each.tag == pointer]
        parts += [_follow(data, order, each) for each in found]
    clean = bytearray(len(data))
    clean[:8] = data[:8]
    for part in parts:
        for low, high in [
            (part.at, part.end),
            *((e.value_at, e.value_at + e.value_bytes) for e in part.entries),
        ]:
            clean[low:high] = data[low:high]
    return clean
