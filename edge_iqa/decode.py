"""Encoded bytes whose header has been checked → RGB pixels, by OpenCV."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv, png_bands
from edge_iqa.errors import DamagedPhotoError, PhotoSizeError, UnsupportedPhotoError
from edge_iqa.formats import png, tiff
from edge_iqa.header import Header
from edge_iqa.pixels import Pixels, to_eight_bits, to_rgb


def decode(data: bytes, header: Header, shrink: int = 1) -> Pixels:
    """Decode one photo.

    Args:
        data: the whole file, found complete.
        header: what `formats.parse` said of it.
        shrink: 1, 2, 4 or 8; more than 1 for JPEG only, which decodes so in less time and memory.

    Returns:
        uint8 HxWx3 RGB, not yet upright, its color profile not yet applied.

    Raises:
        DamagedPhotoError: the decoder found the data corrupt.
        UnsupportedPhotoError: a GIF, which OpenCV before 5 does not read.
        PhotoSizeError: there is not enough memory.
    """
    cv2 = opencv.load()
    if header.format == "tiff" and header.orientation != 1:
        data = tiff.to_upright(data)
    if header.format == "png" and header.animated:
        data = png.to_still(data)
    if header.alpha or header.depth_bits == 16:
        return _convert(_run(data, header, cv2.IMREAD_UNCHANGED, 1), header)
    if png_bands.is_for_bands(data, header):
        return to_rgb(_decode_bands(data, header), bgr=True)
    # decoding to RGB at once is no option: OpenCV before 4.11 cannot, OpenCV 5 not at a reduced size
    flags = cv2.IMREAD_COLOR if shrink == 1 else getattr(cv2, f"IMREAD_REDUCED_COLOR_{shrink}")
    return to_rgb(_run(data, header, flags | cv2.IMREAD_IGNORE_ORIENTATION, shrink), bgr=True)


def _decode_bands(data: bytes, header: Header) -> Pixels:
    flags = opencv.load().IMREAD_COLOR
    try:
        return png_bands.decode_bands(
            data, header, lambda band, rows: _run(band, replace(header, height_px=rows), flags, 1)
        )
    except ValueError as error:
        raise _corrupt(header) from error


def _run(data: bytes, header: Header, flags: int, shrink: int) -> NDArray[Any]:
    cv2 = opencv.load()
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise PhotoSizeError(
                f"{header.width_px} x {header.height_px} px do not fit into the memory that is free; "
                "send a smaller copy"
            ) from error
        raise _corrupt(header) from error
    if samples is None and header.format == "gif" and not cv2.haveImageWriter(".gif"):
        raise UnsupportedPhotoError("reading GIF needs Pillow or OpenCV 5; run `pip install pillow`")
    expected = (-(-header.height_px // shrink), -(-header.width_px // shrink))
    if samples is None or samples.shape[:2] != expected or samples.dtype not in (np.uint8, np.uint16):
        raise _corrupt(header)
    decoded: NDArray[Any] = samples
    return decoded


def _convert(samples: NDArray[Any], header: Header) -> Pixels:
    if header.clear_gray is not None and samples.ndim == 2:
        scale = 1 if header.depth_bits == 16 else 255 // (2**header.depth_bits - 1)
        samples = np.where(samples == header.clear_gray * scale, np.iinfo(samples.dtype).max, samples)
    return to_rgb(to_eight_bits(samples), bgr=True, premultiplied=header.premultiplied)


def _corrupt(header: Header) -> DamagedPhotoError:
    return DamagedPhotoError(
        f"corrupt: the {header.format.upper()}'s pixels could not be decoded; "
        "send the file again, or save it as JPEG"
    )
