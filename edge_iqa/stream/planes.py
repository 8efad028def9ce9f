"""How the formats of cameras lie in memory, and views of their planes that copy nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.stream.scratch import take

Plane = NDArray[np.uint8]

BYTES_PER_PIXEL = {"YUY2": 2, "RGBA": 4, "BGRA": 4, "RGB": 3, "BGR": 3, "GRAY": 1}
"""Formats with one plane. YUY2 has its pixels in pairs: luma, U, luma, V."""
TWO_PLANES = ("NV12", "NV21")
"""Luma, then U and V in turns, one of each for two by two pixels; NV21 has V first, as Android delivers it."""
THREE_PLANES = ("I420",)
"""Luma, then all U, then all V."""
YUV = (*TWO_PLANES, *THREE_PLANES, "YUY2")
FORMATS = (*TWO_PLANES, *THREE_PLANES, *BYTES_PER_PIXEL)


@dataclass(frozen=True)
class Layout:
    """Where the planes of a frame lie, in bytes.

    Attributes:
        format, width_px, height_px: of the frame as stored.
        stride: from one row to the next in the first plane.
        chroma_offset: where the second plane begins; 0 where there is none.
    """

    format: str
    width_px: int
    height_px: int
    stride: int
    chroma_offset: int

    @classmethod
    def of(
        cls, format: str, width_px: int, height_px: int, stride: int | None, chroma_offset: int | None
    ) -> Layout:
        """The layout with what was left open filled in: rows without padding, planes without a gap."""
        stride = find_row_bytes(format, width_px) if stride is None else stride
        if chroma_offset is None:
            chroma_offset = stride * height_px if has_chroma_plane(format) else 0
        return cls(format, width_px, height_px, stride, chroma_offset)

    @property
    def chroma_size(self) -> tuple[int, int]:
        """Rows and columns of U and V; an odd last row or column of pixels has its own."""
        rows = self.height_px if self.format == "YUY2" else (self.height_px + 1) // 2
        return rows, (self.width_px + 1) // 2

    @property
    def chroma_stride(self) -> int:
        """From one row of chroma to the next. Of an odd width, pairs of U and V take a byte more than luma."""
        if self.format in THREE_PLANES:
            return (self.stride + 1) // 2
        return max(self.stride, 2 * self.chroma_size[1])

    @property
    def luma_end(self) -> int:
        """The first byte behind the first plane; padding behind its last row is not counted, as many leave it out."""
        return (self.height_px - 1) * self.stride + find_row_bytes(self.format, self.width_px)

    @property
    def v_offset(self) -> int:
        """Where the third plane begins."""
        return self.chroma_offset + self.chroma_size[0] * self.chroma_stride

    @property
    def end(self) -> int:
        """How many bytes the data must have at least."""
        rows, columns = self.chroma_size
        if self.format in TWO_PLANES:
            return self.chroma_offset + (rows - 1) * self.chroma_stride + 2 * columns
        if self.format in THREE_PLANES:
            return self.v_offset + (rows - 1) * self.chroma_stride + columns
        return self.luma_end


def has_chroma_plane(format: str) -> bool:
    """Whether color lies apart from luma."""
    return format not in BYTES_PER_PIXEL


def find_row_bytes(format: str, width_px: int) -> int:
    """Bytes of one row of the first plane without padding."""
    pixels = width_px + width_px % 2 if format == "YUY2" else width_px
    return pixels * BYTES_PER_PIXEL.get(format, 1)


def view_luma(data: Plane, layout: Layout) -> Plane:
    """Luma as stored, (h, w), of a format that has any: a view, in YUY2 with gaps between its pixels."""
    step = 2 if layout.format == "YUY2" else 1
    return _view(data, 0, (layout.height_px, layout.width_px), (layout.stride, step))


def view_pixels(data: Plane, layout: Layout) -> Plane:
    """All channels of a packed format, (h, w, channels), or (h, w) of GRAY: a view.

    Of YUY2 these are pairs of pixels, (h, ceil(w / 2), 4).
    """
    rows, columns, channels = layout.height_px, layout.width_px, BYTES_PER_PIXEL[layout.format]
    if layout.format == "GRAY":
        return _view(data, 0, (rows, columns), (layout.stride, 1))
    if layout.format == "YUY2":
        columns, channels = layout.chroma_size[1], 4
    return _view(data, 0, (rows, columns, channels), (layout.stride, channels, 1))


def view_pairs(data: Plane, layout: Layout) -> Plane:
    """The second plane of NV12 (U, V) or NV21 (V, U), (h / 2, w / 2, 2), halves rounded up: a view."""
    return _view(data, layout.chroma_offset, (*layout.chroma_size, 2), (layout.chroma_stride, 2, 1))


def view_u_and_v(data: Plane, layout: Layout) -> tuple[Plane, Plane]:
    """Second and third plane of I420, (h / 2, w / 2) each, halves rounded up: views."""
    strides = (layout.chroma_stride, 1)
    return (
        _view(data, layout.chroma_offset, layout.chroma_size, strides),
        _view(data, layout.v_offset, layout.chroma_size, strides),
    )


def split_chroma(data: Plane, layout: Layout, rows: slice = slice(None)) -> tuple[Plane, Plane]:
    """U and V of some rows of chroma, as planes that OpenCV takes; made only where they lie mixed."""
    if layout.format in THREE_PLANES:
        u, v = view_u_and_v(data, layout)
        return u[rows], v[rows]
    if layout.format == "YUY2":
        _, u, _, v = split(view_pixels(data, layout)[rows])
        return u, v
    first, second = split(view_pairs(data, layout)[rows])
    return (first, second) if layout.format == "NV12" else (second, first)


def split(pixels: Plane) -> Sequence[Plane]:
    """Each channel as a plane, in scratch memory."""
    room = [take(f"channel {index}", pixels.shape[:2]) for index in range(pixels.shape[2])]
    planes: Sequence[Plane] = opencv.load().split(pixels, room)
    return planes


def _view(data: Plane, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Plane:
    """Part of the data in another shape; numpy refuses one that would reach beyond its end."""
    return np.ndarray(shape, np.uint8, data, offset, strides)
