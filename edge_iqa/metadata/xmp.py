"""XMP (ISO 16684): a packet of XML. It is changed as text, and read again as XML to prove the change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

_PLACE = re.compile(
    r"GPS\w*|(?:sub-?)?location\w*|\w*latitude|\w*longitude|\w*altitude|city|state|country\w*|countrycode"
    r"|provincestate|province|worldregion|point|placemark|geo\w*",
    re.IGNORECASE,
)
"""Local names that tell a place, whatever their prefix."""
_OLD = re.compile(r"Thumbnails|HasExtendedXMP")
"""What shows or points to the photo as it was."""
_NUMBERS = {
    "Orientation": "upright",
    "ImageWidth": "width",
    "PixelXDimension": "width",
    "ImageLength": "height",
    "PixelYDimension": "height",
}
_MOST_BYTES = 1 << 22
_NAME = r"(?:[\w.-]+:)?"
_QUOTED = r"""(?:"[^"<]*"|'[^'<]*')"""


def strip(packet: bytes) -> bytes | None:
    """Drop the place and thumbnails, and leave the rest, as the pixels stay what they are; see `update`."""
    return _change(packet, {}, True)


def update(packet: bytes, width_px: int, height_px: int, strip_location: bool) -> bytes | None:
    """Bring orientation and size into line, drop thumbnails and, if asked, the place.

    Returns:
        The changed packet, UTF-8; None where it cannot be read safely.
    """
    sizes = {"upright": 1, "width": width_px, "height": height_px}
    return _change(packet, {name: sizes[value] for name, value in _NUMBERS.items()}, strip_location)


def _change(packet: bytes, numbers: dict[str, int], strip_location: bool) -> bytes | None:
    if len(packet) > _MOST_BYTES:
        return None
    try:
        text = packet.decode("utf-8").rstrip("\0")
    except UnicodeDecodeError:
        return None
    if "<!" in text.replace("<!--", ""):  # a document type or CDATA: entities may hide or multiply text
        return None
    for name, number in numbers.items():
        text = _set_number(text, name, number)
    names = _names(text)
    if names is None:
        return None
    doomed = {name for name in names if _is_doomed(name, strip_location)}
    for name in sorted(doomed):
        text = _drop(text, re.escape(name))
    left = _names(text)
    if left is None or any(_is_doomed(name, strip_location) for name in left):
        return None
    return text.encode()


def _is_doomed(name: str, strip_location: bool) -> bool:
    return bool(_OLD.fullmatch(name) or (strip_location and _PLACE.fullmatch(name)))


def _set_number(text: str, name: str, value: int) -> str:
    text = re.sub(rf"""({_NAME}{name}\s*=\s*)(["'])\d*\2""", rf"\g<1>\g<2>{value}\g<2>", text)
    return re.sub(rf"(<{_NAME}{name}\s*>)\s*\d*\s*(</)", rf"\g<1>{value}\g<2>", text)


def _drop(text: str, name: str) -> str:
    """Drop attributes and elements of this local name."""
    text = re.sub(rf"\s{_NAME}{name}\s*=\s*{_QUOTED}", "", text)
    text = re.sub(rf"<({_NAME}{name})(?:\s[^<>]*)?/>", "", text)
    return re.sub(rf"<({_NAME}{name})(?:\s[^<>]*)?>.*?</\1\s*>", "", text, flags=re.DOTALL)


def _names(text: str) -> set[str] | None:
    """Local names of all elements and attributes; None where it is no XML."""
    try:
        root = ElementTree.fromstring(text.encode())
    except (ElementTree.ParseError, ValueError):
        return None
    return {name.rpartition("}")[2] for name in _walk(root)}


def _walk(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        if isinstance(element.tag, str):  # comments have a function here
            yield element.tag
        yield from element.attrib
