"""Photos made by code, encoded by OpenCV or by hand: no file is read, and nothing needs Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
"""Red, green and blue as XYZ under D50, as a profile holds them."""


def gradient(height: int = 48, width: int = 64) -> Array:
    """A photo whose every pixel differs from its neighbors and which no turn maps onto itself."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = x * 255 // (width - 1), y * 255 // (height - 1)
    return np.stack([red, green, (red + 2 * green) // 3], axis=-1).astype(np.uint8)


def encode(extension: str, rgb: Array, *options: int) -> bytes:
    """Encode gray, RGB or RGBA (8 or 16 bits) by OpenCV."""
    order = (
        {2: slice(None), 3: np.s_[..., ::-1]}[rgb.ndim]
        if rgb.ndim == 2 or rgb.shape[2] == 3
        else np.s_[..., [2, 1, 0, 3]]
    )
    done, data = cv2.imencode(extension, np.ascontiguousarray(rgb[order]), list(options))
    assert done
    return data.tobytes()


def turn(stored: Array, orientation: int) -> Array:
    """Show a stored photo as the EXIF standard describes each orientation."""
    turned = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(stored),
    }
    return turned[orientation]


def exif(orientation: int, order: str = ">") -> bytes:
    """An EXIF block that holds the orientation alone."""
    magic = b"MM" if order == ">" else b"II"
    return magic + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def jpeg_segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def into_jpeg(data: bytes, marker: int, payload: bytes) -> bytes:
    """Put a segment behind the start of a JPEG."""
    return data[:2] + jpeg_segment(marker, payload) + data[2:]


def jpeg_with_profile(data: bytes, icc: bytes) -> bytes:
    return into_jpeg(data, 0xE2, b"ICC_PROFILE\0\x01\x01" + icc)


def png_chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def into_png(data: bytes, *chunks: bytes) -> bytes:
    """Put chunks behind the header of a PNG."""
    return data[:33] + b"".join(chunks) + data[33:]


def png(rows: Array, kind: int, depth: int = 8, *chunks: bytes) -> bytes:
    """Write a PNG by hand: `rows` are the packed bytes of each row, kind and depth go to its header."""
    height = rows.shape[0]
    width = rows.shape[1] * 8 // depth // {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(pixels)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + body


def tiff(pixels: Array, order: str = "<", *, photometric: int = 2, **extra: int) -> bytes:
    """Write an uncompressed TIFF of one strip by hand; `extra` are 16-bit tags such as t274=6."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    tags = {
        256: pixels.shape[1],
        257: pixels.shape[0],
        258: 8,
        259: 1,
        262: photometric,
        273: 0,
        277: channels,
        278: pixels.shape[0],
        279: pixels.nbytes,
        284: 1,
        **{int(name[1:]): value for name, value in extra.items()},
    }
    start = 8 + 2 + 12 * len(tags) + 4
    tags[273] = start
    bits_at = start + pixels.nbytes
    entries = b""
    for tag, value in sorted(tags.items()):
        if tag == 258 and channels > 2:
            entries += struct.pack(order + "HHII", tag, 3, channels, bits_at)
        elif tag in (273, 279):
            entries += struct.pack(order + "HHII", tag, 4, 1, value)
        elif tag == 258:
            entries += struct.pack(order + "HHIHH", tag, 3, channels, 8, 8 if channels == 2 else 0)
        else:
            entries += struct.pack(order + "HHIHH", tag, 3, 1, value, 0)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, len(tags))
    return (
        head + entries + b"\0\0\0\0" + pixels.tobytes() + struct.pack(f"{order}{channels}H", *[8] * channels)
    )


def bmp(rgba: Array, *, masks: bool = True) -> bytes:
    """Write a 32-bit bitmap by hand; without masks its fourth byte is padding."""
    height, width = rgba.shape[:2]
    header = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3 if masks else 0, 0, 0, 0, 0, 0)
    header += struct.pack("<4I4s", 0xFF0000, 0xFF00, 0xFF, 0xFF000000 if masks else 0, b"BGRs") + bytes(48)
    rows = np.ascontiguousarray(rgba[::-1, :, [2, 1, 0, 3]]).tobytes()
    return b"BM" + struct.pack("<IHHI", 122 + len(rows), 0, 0, 122) + header + rows


def box(name: bytes, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return struct.pack(">I", len(body) + 8) + name + body


def heic(width: int, height: int, brand: bytes = b"heic") -> bytes:
    """The header of a HEIC: brands and size, and no pixels."""
    size = box(b"ispe", struct.pack(">III", 0, width, height))
    return box(b"ftyp", brand, b"\0\0\0\0", b"mif1", brand) + box(
        b"meta", b"\0\0\0\0", box(b"iprp", box(b"ipco", size))
    )


def profile(name: str, space: bytes = b"RGB ", *, gamma: float = 2.2, primaries: Any = DISPLAY_P3) -> bytes:
    """Write a color profile (ICC version 2) of one gamma, RGB or gray."""
    text = name.encode() + b"\0"
    curve = b"curv" + struct.pack(">IIHH", 0, 1, round(gamma * 256), 0)
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78),
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
    }
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for letter, color in zip("rgb", primaries, strict=True):
            tags[f"{letter}XYZ".encode()] = _xyz(color)
            tags[f"{letter}TRC".encode()] = curve
    return _pack_profile(tags, space, b"XYZ ")


def cmyk_profile() -> bytes:
    """A made-up press: a table of 2x2x2x2 inks to Lab, whose cyan is far from the naive one."""
    text = b"Test press\0"
    table = bytearray()
    for index in range(16):
        c, m, y, k = (index >> bit & 1 for bit in (3, 2, 1, 0))
        lightness = int(255 * (1 - k) * (1 - 0.3 * c - 0.4 * m - 0.05 * y))
        table += bytes([lightness, 128 + (1 - k) * (70 * m - 40 * c), 128 + (1 - k) * (80 * y - 45 * c)])
    identity = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + bytes(table) + identity * 3
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78),
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        b"A2B0": lut,
    }
    return _pack_profile(tags, b"CMYK", b"Lab ")


def save(image: Any, kind: str, **options: Any) -> bytes:
    """Encode a Pillow image."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _pack_profile(tags: dict[bytes, bytes], space: bytes, connection: bytes) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, payload in tags.items():
        table += name + struct.pack(">II", start + len(body), len(payload))
        body += payload + bytes(-len(payload) % 4)
    header = struct.pack(">I4xI4s4s4s", start + len(body), 0x02400000, b"mntr", space, connection)
    header += struct.pack(">6H4s28x", 2024, 1, 1, 0, 0, 0, b"acsp") + _xyz((0.9642, 1.0, 0.8249))[8:]
    return header.ljust(128, b"\0") + table + body
