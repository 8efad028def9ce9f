"""Planes of a camera → upright RGB: all of it into an array that is used again, or a small picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.stream.planes import (
    TWO_PLANES,
    YUV,
    Layout,
    Plane,
    split,
    split_chroma,
    view_luma,
    view_pairs,
    view_pixels,
    view_u_and_v,
)
from edge_iqa.stream.scratch import take

Pixels = NDArray[np.uint8]
_BAND_ROWS = 32
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
    band = _take_band("band", layout, 3) if rotation_deg else into
    for top in range(0, layout.height_px, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, layout.height_px)
        if rotation_deg:
            upright = _find_place(into, top, bottom, rotation_deg)
            turn(read(top, bottom, band[: bottom - top]), rotation_deg, upright)
        else:
            read(top, bottom, into[top:bottom])


Reader = Callable[[int, int, Pixels], Pixels]
"""Converts the rows from one to another into an array, and returns it."""


def _take_band(purpose: str, layout: Layout, channels: int) -> Pixels:
    return take(purpose, (min(_BAND_ROWS, layout.height_px), layout.width_px, channels))


def _find_place(into: Pixels, top: int, bottom: int, rotation_deg: int) -> Pixels:
    """Where rows as stored lie in the upright picture."""
    height, width = into.shape[:2]
    if rotation_deg == 90:
        return into[:, width - bottom : width - top]
    return into[height - bottom : height - top] if rotation_deg == 180 else into[:, top:bottom]


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

    def read(top: int, bottom: int, into: Pixels) -> Pixels:
        return to_rgb(pixels[top:bottom], layout.format, into)

    return read


def to_rgb(pixels: Pixels, format: str, into: Pixels) -> Pixels:
    """Pixels of a packed format in the order red, green, blue; alpha of a camera says nothing and is dropped."""
    cv2 = opencv.load()
    if format == "RGB":
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

    def read(top: int, bottom: int, into: Pixels) -> Pixels:
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
    mixed = _take_band("mixed", layout, 3)

    def read(top: int, bottom: int, into: Pixels) -> Pixels:
        rows = slice(top // rows_each, -(-bottom // rows_each))
        planes = [np.ascontiguousarray(luma[top:bottom])]
        for plane, name in zip(split_chroma(data, layout, rows), "uv", strict=True):
            planes.append(_spread(plane, rows_each, name)[: bottom - top, : layout.width_px])
        merged = cv2.merge(planes, mixed[: bottom - top])
        converted: Pixels = cv2.transform(merged, matrix, dst=into)
        return converted

    return read


def _spread(plane: Plane, rows_each: int, name: str) -> Plane:
    """Each sample for the pixels that share it: two columns of so many rows, in scratch memory."""
    rows, columns = plane.shape
    twice = opencv.load().merge((plane, plane), take(f"twice {name}", (rows, columns, 2)))
    if rows_each == 1:
        doubled: Plane = twice.reshape(rows, 2 * columns)
        return doubled
    room = take(f"spread {name}", (rows, rows_each, 2 * columns))
    room[:] = twice.reshape(rows, 1, 2 * columns)
    return room.reshape(rows * rows_each, 2 * columns)


def shrink(data: Plane, layout: Layout, full_range: bool, rotation_deg: int, size: tuple[int, int]) -> Pixels:
    """A small upright picture: each plane is averaged by itself, and what is left is converted.

    Args:
        data, layout, full_range, rotation_deg: as for `convert`.
        size: width and height as stored, at most those of the frame.

    Returns:
        uint8 (h, w, 3) RGB, of its own memory.
    """
    width, height = size
    small = np.empty((height, width, 3), np.uint8) if not rotation_deg else take("small", (height, width, 3))
    if layout.format in YUV:
        _shrink_planes(_split(data, layout), size, _MATRICES[full_range], small)
    else:
        to_rgb(average(view_pixels(data, layout), size, "pixels"), layout.format, small)
    return turn(small, rotation_deg)


def _shrink_planes(
    planes: tuple[Plane, Plane, Plane], size: tuple[int, int], matrix: NDArray[np.float32], into: Pixels
) -> None:
    cv2 = opencv.load()
    slacks = {"y": 1.0, "u": 0.75, "v": 0.75}
    averaged = [
        average(plane, size, name, slack) for plane, (name, slack) in zip(planes, slacks.items(), strict=True)
    ]
    cv2.transform(cv2.merge(averaged, take("merged", into.shape)), matrix, dst=into)


def _split(data: Plane, layout: Layout) -> tuple[Plane, Plane, Plane]:
    """Y, U and V, as planes that OpenCV takes; made only where they lie mixed."""
    if layout.format != "YUY2":
        return (view_luma(data, layout), *split_chroma(data, layout))
    first, u, second, v = split(view_pixels(data, layout))
    pairs = opencv.load().merge((first, second), take("luma", (*first.shape, 2)))
    return pairs.reshape(layout.height_px, -1)[:, : layout.width_px], u, v


def average(plane: Plane, size: tuple[int, int], name: str, slack: float = 1.0) -> Plane:
    """Average a plane to a size.

    Halves that divide evenly go first: OpenCV makes them ten times as fast as any other area, and together they
    are the same average but for rounding.

    Args:
        plane: uint8 (h, w) or (h, w, channels).
        size: width and height of the result.
        name: of the scratch memory to use.
        slack: the share of the size that halving may go down to; what is then too small is enlarged between its
            samples, as chroma is anyway where it has fewer of them.

    Returns:
        The plane itself, or scratch memory.
    """
    cv2 = opencv.load()
    while _halves(plane.shape[0], size[1] * slack) and _halves(plane.shape[1], size[0] * slack):
        shape = (plane.shape[0] // 2, plane.shape[1] // 2, *plane.shape[2:])
        room = take(f"half {name} {shape[0].bit_length()}", shape)
        plane = cv2.resize(plane, shape[1::-1], dst=room, interpolation=cv2.INTER_AREA)
    if plane.shape[1::-1] == size:
        return plane
    is_smaller = plane.shape[0] < size[1] or plane.shape[1] < size[0]
    way = cv2.INTER_LINEAR if is_smaller else cv2.INTER_AREA
    room = take(f"averaged {name}", (*size[::-1], *plane.shape[2:]))
    averaged: Plane = cv2.resize(plane, size, dst=room, interpolation=way)
    return averaged


def _halves(length: int, least: float) -> bool:
    return length % 2 == 0 and length >= 2 * least
