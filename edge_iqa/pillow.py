"""The only importer of Pillow and pillow-heif. Both are optional and load on first use.

Pillow reads what OpenCV does not (GIF in OpenCV 4, HEIC, CMYK with a color profile) and converts
color profiles to sRGB.
"""

from __future__ import annotations

import functools
import io
import struct
import sys
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edge_iqa.color import is_usable
from edge_iqa.errors import (
    DamagedPhotoError,
    PhotoArrayError,
    PhotoError,
    PhotoSizeError,
    UnsupportedPhotoError,
)
from edge_iqa.header import ORIENTATION_TAG, Header
from edge_iqa.pixels import Pixels, to_eight_bits, to_rgb

if TYPE_CHECKING:
    from types import ModuleType

    from PIL.Image import Image as Image
    from PIL.ImageCms import ImageCmsTransform

_FORMATS = {"gif": "GIF", "jpeg": "JPEG", "tiff": "TIFF"}
_COLORS = {"1": "gray", "L": "gray", "LA": "gray", "La": "gray", "CMYK": "cmyk"}
_WITH_ALPHA = {"RGBA", "RGBa", "LA", "La", "PA"}
_DEEP_GRAY = {"I", "I;16", "I;16L", "I;16B", "I;16N"}


@functools.cache
def load() -> ModuleType | None:
    """Return `PIL.Image`, None where Pillow is not installed."""
    try:
        import PIL.Image
    except ImportError:
        return None
    return PIL.Image


@functools.cache
def load_heif() -> ModuleType:
    """Return `pillow_heif`.

    Raises:
        UnsupportedPhotoError: it is not installed.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise UnsupportedPhotoError(
            "reading HEIC needs pillow-heif, which is not installed; run `pip install pillow-heif`, "
            "or save the photo as JPEG"
        ) from error
    module: ModuleType = pillow_heif
    return module


def is_image(photo: object) -> bool:
    """Whether `photo` is a Pillow image; Pillow is not loaded to find out."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(photo, module.Image)


def open_photo(data: bytes, header: Header, shrink: int = 1) -> Image:
    """Open, but not yet decode, a photo that OpenCV does not read.

    Args:
        data: the whole file.
        header: what `formats.parse` said of it.
        shrink: 1, 2, 4 or 8, for JPEG only.

    Raises:
        UnsupportedPhotoError: Pillow or pillow-heif is missing.
        DamagedPhotoError: the data are corrupt.
        PhotoSizeError: Pillow's own pixel limit is lower than ours.
    """
    module = load()
    if module is None:
        raise UnsupportedPhotoError(
            f"reading this kind of {header.format.upper()} needs Pillow; run `pip install pillow`, "
            "or save the photo as JPEG or PNG"
        )
    try:
        if header.format == "heif":
            opened: Image = load_heif().open_heif(data).to_pillow()
            return opened
        image: Image = module.open(io.BytesIO(data), formats=[_FORMATS[header.format]])
        if shrink > 1:
            image.draft(None, (-(-header.width_px // shrink), -(-header.height_px // shrink)))
        return image
    except _failures() as error:
        raise _explain(error) from error


def decode(image: Image) -> tuple[Pixels, Header]:
    """Decode a Pillow image and describe it.

    Returns:
        uint8 HxWx3 RGB, alpha shown on white, not yet upright; and its header, without the profile
        where that has been applied already (CMYK).

    Raises:
        DamagedPhotoError: the image is truncated or corrupt.
        PhotoArrayError: its mode holds no photo (32-bit floating point).
        PhotoSizeError: Pillow's own pixel limit is lower than ours.
    """
    try:
        image.load()  # first: Pillow itself turns a TIFF here, and then forgets its orientation
        header = Header(
            "pillow",
            *image.size,
            orientation=_read_orientation(image),
            color=_COLORS.get(image.mode, "rgb"),
            icc=image.info.get("icc_profile") or None,
        )
        if header.color == "cmyk" and header.icc and is_usable(header.icc, "cmyk"):
            converted = _apply(image, header.icc)
            if converted is not None:
                return converted, replace(header, color="rgb", icc=None)
        return _to_pixels(image), header
    except _failures() as error:
        raise _explain(error) from error


def to_srgb(pixels: Pixels, icc: bytes) -> Pixels | None:
    """Convert the colors of a photo from its profile to sRGB.

    Args:
        pixels: uint8 HxWx3 RGB.
        icc: a profile of RGB or gray.

    Returns:
        uint8 HxWx3; None where Pillow (or its color engine) is missing or the profile does not work.
    """
    module = load()
    if module is None:
        return None
    return _apply(module.fromarray(pixels[..., 0].copy() if icc[16:20] == b"GRAY" else pixels), icc)


def _read_orientation(image: Image) -> int:
    value = image.getexif().get(ORIENTATION_TAG, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_pixels(image: Image) -> Pixels:
    if image.mode in _DEEP_GRAY:
        levels = np.asarray(image).astype(np.int64).clip(0, 65535)
        return to_rgb(to_eight_bits(levels.astype(np.uint16)))
    if image.mode == "F":
        raise PhotoArrayError(
            "expected an image of 8 or 16 bits, got 32-bit floating point (mode F); "
            "scale it to 0-255 and call .convert('L')"
        )
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        return to_rgb(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _apply(image: Image, icc: bytes) -> Pixels | None:
    try:
        return np.asarray(_build_transform(icc, image.mode).apply(image))
    except (ImportError, OSError, ValueError, TypeError):  # no color engine, or a profile it refuses
        return None


@functools.lru_cache(maxsize=4)
def _build_transform(icc: bytes, mode: str) -> ImageCmsTransform:
    """Kept, as the photos of one phone share a profile and building takes longer than a small photo."""
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.ImageCmsTransform(source, srgb, mode, "RGB")


def _failures() -> tuple[type[Exception], ...]:
    """What the readers of Pillow and libheif raise on files that are not what they claim to be.

    `Warning` is for programs that turn warnings into errors.
    """
    module = load()
    pixel_limit = () if module is None else (module.DecompressionBombError,)
    return (
        *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, RuntimeError),
        *(AttributeError, MemoryError, struct.error, zlib.error, Warning),
        *pixel_limit,
    )


def _explain(error: Exception) -> PhotoError:
    if "DecompressionBomb" in type(error).__name__ or isinstance(error, MemoryError):
        return PhotoSizeError(f"Pillow refuses the photo's size ({error}); send a smaller copy")
    return DamagedPhotoError(f"corrupt or truncated: Pillow cannot decode it ({error}); send the file again")
