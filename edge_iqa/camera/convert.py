"""Planes of a camera → upright RGB: all of it into an array that is used again, or a small picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.camera.planes import (
    TWO_PLANES,
    YUV,
    Layout,
    Plane,
    split_chroma,
    view_luma,
    view_pairs,
    view_pixels,
    view_u_and_v,
)

Pixels = NDArray[np.uint8]
_BAND_ROWS = 64
"""So many rows are converted at a time: they stay in the processor's cache until they are turned. Even, as rows share
chroma."""
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
"""What luma is made of (ITU-R BT.601), as cameras of phones and OpenCV have it."""


def make_matrix(full_range: bool) -> NDArray[np.float32]:
    """(3, 4): what turns Y, U, V and 1 into R, G and B of 0-255, by ITU-R BT.601.

    Args:
        full_range: Y, U and V take 0-255, as in JFIF; else Y takes 16-235, and U and V 16-240.
    """
    y, chroma = (1.0, 1.0) if full_range else (255 / 219, 255 / 224)
    v_to_red, u_to_blue = 2 * (1 - _RED) * chroma, 2 * (1 - _BLUE) * chroma
    v_to_green, u_to_green = -v_to_red * _RED / _GREEN, -u_to_blue * _BLUE / _GREEN
    parts = np.array([[y, 0, v_to_red], [y, u_to_green, v_to_green], [y, u_to_blue, 0]])
    shift = parts @ [0 if full_range else -16, -128, -128]
    return np.column_stack((parts, shift)).astype(np.float32)


_MATRICES = {full_range: make_matrix(full_range) for full_range in (False, True)}


def convert(data: Plane, layout: Layout, full_range: bool, rotation_deg: int, into: Pixels) -> None:
    """Write the whole frame into an array, upright.

    Args:
        data: of the frame, flat.
        layout: where its planes lie.
        full_range: of Y, U and V.
        rotation_deg: clockwise, that makes it upright.
        into: uint8 (h, w, 3) RGB of the upright size; all of it is written.
    """
    read = _find_reader(data, layout, full_range)
    for top in range(0, layout.height_px, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, layout.height_px)
        place = _find_place(into, top, bottom, rotation_deg)
        if rotation_deg:
            turn(read(top, bottom, None), rotation_deg, place)
        else:
            read(top, bottom, place)


Reader = Callable[[int, int, "Pixels | None"], Pixels]
"""Converts the rows from one to another, into an array where one is given."""


def _find_place(into: Pixels, top: int, bottom: int, rotation_deg: int) -> Pixels:
    """Where rows as stored lie in the upright picture."""
    height, width = into.shape[:2]
    if rotation_deg == 90:
        return into[:, width - bottom : width - top]
    if rotation_deg == 180:
        return into[height - bottom : height - top]
    return into[:, top:bottom] if rotation_deg == 270 else into[top:bottom]


def turn(pixels: Pixels, rotation_deg: int, into: Pixels | None = None) -> Pixels:
    """Turn clockwise; the pixels themselves for 0."""
    if not rotation_deg:
        return pixels
    cv2 = opencv.load()
    codes = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    turned: Pixels = cv2.rotate(pixels, codes[rotation_deg], dst=into)
    return turned


def _find_reader(data: Plane, layout: Layout, full_range: bool) -> Reader:
    if layout.format not in YUV:
        return _read_packed(data, layout)
    if not full_range and layout.format != "YUY2" and not (layout.width_px % 2 or layout.height_px % 2):
        return _read_two_planes(data, layout)
    return _read_by_matrix(data, layout, _MATRICES[full_range])


def _read_packed(data: Plane, layout: Layout) -> Reader:
    pixels = view_pixels(data, layout)

    def read(top: int, bottom: int, into: Pixels | None) -> Pixels:
        return to_rgb(pixels[top:bottom], layout.format, into)

    return read


def to_rgb(pixels: Pixels, format: str, into: Pixels | None = None) -> Pixels:
    """Pixels of a packed format in the order red, green, blue; alpha of a camera says nothing and is dropped."""
    cv2 = opencv.load()
    if format == "RGB":
        if into is None:
            return pixels
        np.copyto(into, pixels)
        return into
    codes = {
        "BGR": cv2.COLOR_BGR2RGB,
        "RGBA": cv2.COLOR_RGBA2RGB,
        "BGRA": cv2.COLOR_BGRA2RGB,
        "GRAY": cv2.COLOR_GRAY2RGB,
    }
    converted: Pixels = cv2.cvtColor(pixels, codes[format], dst=into)
    return converted


def _read_two_planes(data: Plane, layout: Layout) -> Reader:
    """OpenCV's own way, quicker than the matrix; for limited range and even sizes alone."""
    cv2 = opencv.load()
    code = cv2.COLOR_YUV2RGB_NV21 if layout.format == "NV21" else cv2.COLOR_YUV2RGB_NV12
    luma = view_luma(data, layout)
    pairs = view_pairs(data, layout) if layout.format in TWO_PLANES else None

    def read(top: int, bottom: int, into: Pixels | None) -> Pixels:
        rows = slice(top // 2, bottom // 2)
        planes = () if pairs is not None else view_u_and_v(data, layout)
        chroma = pairs[rows] if pairs is not None else cv2.merge([plane[rows] for plane in planes])
        converted: Pixels = cv2.cvtColorTwoPlane(luma[top:bottom], chroma, code, dst=into)
        return converted

    return read


def _read_by_matrix(data: Plane, layout: Layout, matrix: NDArray[np.float32]) -> Reader:
    cv2 = opencv.load()
    luma = view_luma(data, layout)
    rows_each = 1 if layout.format == "YUY2" else 2

    def read(top: int, bottom: int, into: Pixels | None) -> Pixels:
        rows = slice(top // rows_each, -(-bottom // rows_each))
        planes = [np.ascontiguousarray(luma[top:bottom])]
        for plane in split_chroma(data, layout, rows):
            size = (2 * plane.shape[1], rows_each * plane.shape[0])
            spread = cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST)
            planes.append(spread[: bottom - top, : layout.width_px])
        converted: Pixels = cv2.transform(cv2.merge(planes), matrix, dst=into)
        return converted

    return read


def shrink(data: Plane, layout: Layout, full_range: bool, rotation_deg: int, size: tuple[int, int]) -> Pixels:
    """A small upright picture: each plane is averaged by itself, and what is left is converted.

    Args:
        data, layout, full_range, rotation_deg: as for `convert`.
        size: width and height as stored, at most those of the frame.

    Returns:
        uint8 (h, w, 3) RGB, of its own memory.
    """
    if layout.format not in YUV:
        small = to_rgb(average(view_pixels(data, layout), size), layout.format)
    else:
        luma = view_luma(data, layout)
        if layout.format == "YUY2":
            luma = _extract_luma(data, layout)
        planes = [average(plane, size) for plane in (luma, *split_chroma(data, layout))]
        small = opencv.load().transform(opencv.load().merge(planes), _MATRICES[full_range])
    turned = turn(small, rotation_deg)
    return turned.copy() if np.may_share_memory(turned, data) else turned


def _extract_luma(data: Plane, layout: Layout) -> Plane:
    pairs = view_pixels(data, layout)
    flat = np.ndarray((pairs.shape[0], 2 * pairs.shape[1], 2), np.uint8, data, 0, (layout.stride, 2, 1))
    luma: Plane = opencv.load().extractChannel(flat, 0)
    return luma[:, : layout.width_px]


def average(plane: Plane, size: tuple[int, int]) -> Plane:
    """Average a plane to a size; chroma that is smaller than that is enlarged between its samples.

    Halves that divide evenly go first: OpenCV makes them ten times as fast as any other area, and together they
    are the same average but for rounding.
    """
    cv2 = opencv.load()
    width, height = size
    while (
        not (plane.shape[0] % 2 or plane.shape[1] % 2)
        and plane.shape[0] >= 2 * height
        and plane.shape[1] >= 2 * width
    ):
        half = (plane.shape[1] // 2, plane.shape[0] // 2)
        plane = cv2.resize(plane, half, interpolation=cv2.INTER_AREA)
    if plane.shape[:2] == (height, width):
        return plane
    is_smaller = plane.shape[0] < height or plane.shape[1] < width
    way = cv2.INTER_LINEAR if is_smaller else cv2.INTER_AREA
    averaged: Plane = cv2.resize(plane, size, interpolation=way)
    return averaged
