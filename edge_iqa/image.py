"""Bytes, path, Pillow image or array → `Frame`: checked, decoded, upright, sRGB.

Sizes and damage are judged by the header and the container before any pixel is decoded, since
decoders allocate what a header asks for and fill with gray what a truncated file lacks.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import color, formats, pillow
from edge_iqa.decode import decode
from edge_iqa.errors import (
    DamagedPhotoError,
    PhotoArrayError,
    PhotoError,
    PhotoSizeError,
    UnsupportedPhotoError,
)
from edge_iqa.frame import Frame
from edge_iqa.header import Header
from edge_iqa.pixels import Pixels, to_rgb, to_upright

if TYPE_CHECKING:
    from edge_iqa.pillow import Image

    Photo = str | os.PathLike[str] | bytes | bytearray | memoryview | NDArray[Any] | Image

MIN_SIDE_PX = 32
MAX_ASPECT = 100
"""Longest side by shortest. Panoramas stay below 20; at 100 the product is looked for in a copy of 256 x 3 px, and
beyond it in a line, in which nothing has a place."""
MAX_SIDE_PX = 65_535
MAX_FILE_BYTES = 256 * 1024 * 1024


def read(photo: Photo, *, long_side_px: int = 1600, max_pixels: int = 100_000_000) -> Frame:
    """Read one photo, as a browser would show it.

    Gray, palette, 16-bit, CMYK and other RGB colors become sRGB, alpha is shown on white, EXIF
    orientation is applied, and of an animation the first frame counts. A JPEG whose long side is at
    least twice `long_side_px` is decoded at 1/2, 1/4 or 1/8.

    Args:
        photo: a path; an encoded photo (JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC); a Pillow image; or
            an array, uint8, HxW gray, HxWx3 RGB or HxWx4 RGBA. An RGB array that is contiguous
            is not copied: do not write to it while the frame is in use.
        long_side_px: the decoded long side is never shrunk below this.
        max_pixels: photos of more pixels are refused before they are decoded.

    Returns:
        The frame; its source size is that of the full photo as shown.

    Raises:
        UnsupportedPhotoError: not an image, or a format or kind that is not read here.
        DamagedPhotoError: empty, truncated or corrupt.
        PhotoSizeError: more than `max_pixels`, a side over 65,535 px, the shorter one under 32 px,
            a side over 100 times the other, or a file over 256 MB.
        PhotoArrayError: an array of another type or shape.
        PhotoError: no such file, a folder, or one that may not be read.
    """
    if long_side_px < 1 or max_pixels < 1:
        raise ValueError(f"long_side_px and max_pixels must be positive, got {long_side_px} and {max_pixels}")
    name = _name(photo)
    try:
        if isinstance(photo, np.ndarray):
            return _from_array(photo, max_pixels)
        if isinstance(photo, (bytes, bytearray, memoryview)):
            return _from_bytes(bytes(photo), name, long_side_px, max_pixels)
        if isinstance(photo, (str, os.PathLike)):
            return _from_bytes(_read_file(name), name, long_side_px, max_pixels)
        if pillow.is_image(photo):
            return _from_pillow(photo, name, max_pixels)
        advice = "; pass its bytes, such as f.read()" if hasattr(photo, "read") else ""
        raise UnsupportedPhotoError(
            f"expected a path, encoded bytes, a Pillow image or a uint8 array, got {type(photo).__name__}{advice}"
        )
    except PhotoError as error:
        error.args = (f"{name or _label(photo)}: {error}",)
        raise


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a photo's file, for those who need them beside its pixels; `read` takes them.

    Raises:
        PhotoError: no such file, a folder, one that may not be read, or one over 256 MB.
    """
    name = os.fsdecode(path)
    try:
        return _read_file(name)
    except PhotoError as error:
        error.args = (f"{name or 'photo'}: {error}",)
        raise


def _name(photo: Photo) -> str:
    if isinstance(photo, (str, os.PathLike)):
        return os.fsdecode(photo)
    return str(getattr(photo, "filename", "") or "") if pillow.is_image(photo) else ""


def _label(photo: object) -> str:
    return "array" if isinstance(photo, np.ndarray) else "photo"


def _read_file(name: str) -> bytes:
    """Read a regular file; a pipe or a device could block forever or never end."""
    if not name:  # to the system it is the current folder
        raise PhotoError("expected the path of a photo, got an empty text")
    path = Path(name)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PhotoError("is a folder; give the path of one photo")
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError("is not a regular file but a pipe, socket or device; give the path of one photo")
        _check_bytes(status.st_size)
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise PhotoError("no such file; check the path") from error
    except PermissionError as error:
        raise PhotoError("permission denied; allow this user to read the file") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise PhotoError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _from_bytes(data: bytes, name: str, long_side_px: int, max_pixels: int) -> Frame:
    _check_bytes(len(data))
    if formats.sniff(data).name == "heif":
        pillow.load_heif()  # where it is missing, saying so helps more than what else may be wrong
    header = formats.parse(data)
    _check_size(header.width_px, header.height_px, max_pixels)
    formats.check_complete(data)
    shrink = _choose_shrink(header, long_side_px)
    pixels, decoded = _decode(data, header, shrink, max_pixels)
    notes = ("animation: only its first frame was read",) if header.animated else ()
    frame = _finish(pixels, decoded, name, notes)
    return replace(frame, format=header.format, file_bytes=len(data))


def _decode(data: bytes, header: Header, shrink: int, max_pixels: int) -> tuple[Pixels, Header]:
    """Pixels, and the header that they have; the size in it is that of the photo before it was shrunk."""
    if not _is_for_pillow(header):
        return decode(data, header, shrink), header
    with pillow.open_photo(data, header, shrink) as image:
        _check_size(*image.size, max_pixels)
        pixels, decoded = pillow.decode(image)
    if shrink > 1:
        decoded = replace(decoded, width_px=header.width_px, height_px=header.height_px)
    return pixels, decoded


def _from_pillow(image: Image, name: str, max_pixels: int) -> Frame:
    _check_size(*image.size, max_pixels)
    return _finish(*pillow.decode(image), name)


def _from_array(array: NDArray[Any], max_pixels: int) -> Frame:
    shape = " x ".join(map(str, array.shape))
    if array.dtype != np.uint8:
        advice = (
            "multiply by 255 if it runs from 0 to 1, then .round().clip(0, 255).astype(np.uint8)"
            if array.dtype.kind == "f"
            else "scale it to 0-255, then .astype(np.uint8)"
        )
        raise PhotoArrayError(f"expected uint8, got {array.dtype} of shape {shape}; {advice}")
    if array.ndim != 2 and (array.ndim != 3 or array.shape[2] not in (3, 4)):
        advice = "give one photo at a time, channels last"
        if array.ndim == 3 and array.shape[0] in (3, 4):
            advice = "channels come last: .transpose(1, 2, 0)"
        elif array.ndim == 3 and array.shape[2] == 1:
            advice = "drop the last axis of a gray photo: [..., 0]"
        raise PhotoArrayError(f"expected H x W, H x W x 3 (RGB) or H x W x 4 (RGBA), got {shape}; {advice}")
    height, width = array.shape[:2]
    _check_size(width, height, max_pixels)
    pixels = to_rgb(np.ascontiguousarray(array))
    return Frame(pixels, width, height)


def _check_bytes(count: int) -> None:
    if count > MAX_FILE_BYTES:
        raise PhotoSizeError(f"expected a file of at most {MAX_FILE_BYTES >> 20} MB; send a smaller copy")


def _check_size(width: int, height: int, max_pixels: int) -> None:
    size = f"{width} x {height} px"
    if not width or not height:
        raise DamagedPhotoError(f"corrupt: its header says {size}; send the file again")
    if width * height > max_pixels:
        raise PhotoSizeError(f"expected at most {max_pixels:,} pixels, got {size}; send a smaller copy")
    if max(width, height) > MAX_SIDE_PX:
        raise PhotoSizeError(f"expected sides of at most {MAX_SIDE_PX:,} px, got {size}; send a smaller copy")
    if min(width, height) < MIN_SIDE_PX:
        raise PhotoSizeError(
            f"expected a shorter side of at least {MIN_SIDE_PX} px, got {size}; send the original photo"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoSizeError(
            f"expected a longer side of at most {MAX_ASPECT} times the shorter one, got {size}; crop the photo"
        )


def _choose_shrink(header: Header, long_side_px: int) -> int:
    if header.format != "jpeg":
        return 1
    short_side, long_side = sorted((header.width_px, header.height_px))
    most = min(long_side / long_side_px, short_side / MIN_SIDE_PX)
    return next((shrink for shrink in (8, 4, 2) if shrink <= most), 1)


def _is_for_pillow(header: Header) -> bool:
    """Whether only Pillow reads it, or reads it better than OpenCV does."""
    if header.format == "heif":
        return True
    if header.format == "gif":  # OpenCV reads GIF only since 5
        return pillow.load() is not None
    if header.color == "cmyk" and header.icc is not None:  # OpenCV hides the channels the profile speaks of
        return color.is_usable(header.icc, "cmyk") and pillow.load() is not None
    return header.format == "tiff" and header.color == "gray" and header.alpha  # OpenCV drops that alpha


def _finish(pixels: Pixels, header: Header, name: str, notes: tuple[str, ...] = ()) -> Frame:
    pixels, profile_notes = _apply_profile(pixels, header)
    width, height = header.width_px, header.height_px
    if header.orientation >= 5:
        width, height = height, width
    upright = np.ascontiguousarray(to_upright(pixels, header.orientation))
    return Frame(upright, width, height, header.orientation, name, notes + profile_notes)


def _apply_profile(pixels: Pixels, header: Header) -> tuple[Pixels, tuple[str, ...]]:
    icc = header.icc
    if icc is None or not color.is_usable(icc, header.color) or color.is_srgb(icc):
        return pixels, ()
    converted = None if header.color == "cmyk" else pillow.to_srgb(pixels, icc)
    if converted is not None:
        return converted, ()
    profile = color.read_description(icc) or "without a name"
    why = "it could not be converted to sRGB" if pillow.load() else "install Pillow to convert it to sRGB"
    return pixels, (f"color profile ({profile}) left as it is: {why}",)
