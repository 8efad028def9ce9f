"""One frame as a camera delivers it: looked at where it lies, converted once where it must be."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.errors import FrameError
from edge_iqa.image import MAX_SIDE_PX
from edge_iqa.stream import convert
from edge_iqa.stream.planes import (
    FORMATS,
    YUV,
    Layout,
    Plane,
    find_row_bytes,
    has_chroma_plane,
    view_luma,
    view_pixels,
)

MAX_PIXELS = 100_000_000
ROTATIONS = (0, 90, 180, 270)
_ALL = slice(None)


@dataclass(frozen=True, eq=False)
class Buffer:
    """One frame of a camera. Its data is never written to, and never copied to be looked at.

    So the data may not change while the buffer is in use; where a camera takes its memory back after a callback, give
    a copy. Color is ITU-R BT.601, as cameras of phones deliver it.

    Attributes:
        data: all planes, uint8, one after the other: bytes, or an array or memoryview without gaps of any shape.
        format: NV12, NV21, I420, YUY2, RGBA, BGRA, RGB, BGR or GRAY. Alpha is dropped.
        width_px, height_px: as stored, before rotation. Where one is odd, chroma has half of it rounded up.
        stride_bytes: from one row of the first plane to the next; None where rows have no padding. The second plane of
            NV12 and NV21 has the same, those of I420 half of it.
        chroma_offset_bytes: where the second plane begins; None where it follows the first, at stride x height.
        rotation_deg: 0, 90, 180 or 270, clockwise, that makes the frame upright.
        full_range: Y, U and V take 0-255, as Android delivers them; else 16-235 and 16-240. RGB and GRAY are always
            0-255.
        time_s: when it was taken, by any clock that only goes forward.

    Raises:
        FrameError: what cannot be right: an unknown format, a size, stride or offset that the data is too short for,
            data of another type.
    """

    data: bytes | bytearray | memoryview | NDArray[np.uint8] = field(repr=False)
    format: str
    width_px: int
    height_px: int
    stride_bytes: int | None = None
    chroma_offset_bytes: int | None = None
    rotation_deg: int = 0
    full_range: bool = False
    time_s: float | None = None
    _bytes: Plane = field(init=False, repr=False)
    _layout: Layout = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.format, str) or self.format not in FORMATS:
            raise FrameError(
                f"expected a format of {', '.join(FORMATS)}, got {self.format!r}; name one of these"
            )
        for name in ("width_px", "height_px", "stride_bytes", "chroma_offset_bytes", "rotation_deg"):
            value = getattr(self, name)
            if value is not None or name not in ("stride_bytes", "chroma_offset_bytes"):
                object.__setattr__(self, name, _to_int(name, value))
        _check_size(self.width_px, self.height_px)
        if self.rotation_deg not in ROTATIONS:
            raise FrameError(
                f"expected a rotation_deg of 0, 90, 180 or 270 (clockwise), got {self.rotation_deg}; "
                "add or take 360 until it is one of these"
            )
        if not isinstance(self.full_range, (bool, np.bool_)):
            raise FrameError(f"full_range: expected True or False, got {self.full_range!r}")
        _check_time(self.time_s)
        if self.time_s is not None:
            object.__setattr__(self, "time_s", float(self.time_s))
        object.__setattr__(self, "full_range", bool(self.full_range))
        object.__setattr__(self, "_bytes", _flatten(self.data))
        object.__setattr__(self, "_layout", self._lay_out())

    def _lay_out(self) -> Layout:
        what = f"{self.format} of {self.width_px} x {self.height_px} px"
        row = find_row_bytes(self.format, self.width_px)
        if self.stride_bytes is not None and self.stride_bytes < row:
            raise FrameError(
                f"{what}: expected a stride of at least {row} bytes, that of a row, got {self.stride_bytes}; "
                "give the stride in bytes, not in pixels, and the width as stored"
            )
        if self.chroma_offset_bytes is not None and not has_chroma_plane(self.format):
            raise FrameError(
                f"{what}: expected no chroma_offset_bytes, as the format has one plane, got "
                f"{self.chroma_offset_bytes}; leave it out"
            )
        layout = Layout.of(
            self.format, self.width_px, self.height_px, self.stride_bytes, self.chroma_offset_bytes
        )
        if has_chroma_plane(self.format) and layout.chroma_offset < layout.luma_end:
            raise FrameError(
                f"{what}: expected chroma to begin behind luma, at byte {layout.luma_end} or later, got "
                f"chroma_offset_bytes {layout.chroma_offset}; give the offset from the beginning of the data"
            )
        if len(self._bytes) < layout.end:
            raise FrameError(
                f"{what} with a stride of {layout.stride} bytes: expected at least {layout.end:,} bytes, got "
                f"{len(self._bytes):,}; check width, height and stride, or that the frame came whole"
            )
        return layout

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height once it is turned."""
        size = (self.width_px, self.height_px)
        return size[::-1] if self.rotation_deg in (90, 270) else size

    @property
    def luma_range(self) -> tuple[int, int]:
        """The values of black and white in `luma`."""
        return (0, 255) if self.full_range or self.format not in YUV else (16, 235)

    def copy(self, into: object = None) -> Buffer:
        """The same frame in memory of its own: no more of the data than it needs.

        Args:
            into: an array of an earlier copy, which is written to where it has the right size; else a new one is made.
        """
        given = self._bytes[: self._layout.end]
        fits = isinstance(into, np.ndarray) and into.shape == given.shape and into.flags.writeable
        data: NDArray[np.uint8] = into if fits and isinstance(into, np.ndarray) else np.empty_like(given)
        np.copyto(data, given)
        return replace(self, data=data)

    def luma(self, rows: slice = _ALL, columns: slice = _ALL) -> NDArray[np.uint8]:
        """Brightness of pixels as stored: not turned, and of the range that `luma_range` tells.

        Args:
            rows, columns: of the part that is asked for.

        Returns:
            uint8 (h, w), not to be written to. A view of the data (of YUY2 with gaps between its pixels), but
            made for RGB, BGR, RGBA and BGRA.
        """
        if self.format in YUV or self.format == "GRAY":
            return view_luma(self._bytes, self._layout)[rows, columns]
        cv2 = opencv.load()
        code = getattr(cv2, f"COLOR_{self.format}2GRAY")
        part = view_pixels(self._bytes, self._layout)[rows, columns]
        gray: NDArray[np.uint8] = cv2.cvtColor(part, code)
        return gray

    def shrink(self, long_side_px: int) -> NDArray[np.uint8]:
        """A small upright picture, averaged over areas, made without converting the whole frame.

        Args:
            long_side_px: the longer side of the result; a frame is never enlarged.

        Returns:
            uint8 (h, w, 3) RGB, of its own memory.
        """
        if long_side_px < 1:
            raise ValueError(f"long_side_px: expected a whole number from 1 up, got {long_side_px}")
        scale = min(1.0, long_side_px / max(self.width_px, self.height_px))
        size = max(1, round(self.width_px * scale)), max(1, round(self.height_px * scale))
        return convert.shrink(self._bytes, self._layout, self.full_range, self.rotation_deg, size)

    def to_rgb(self, into: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """All of it, upright.

        Args:
            into: an array to write to, such as the one of the frame before; where it does not fit (another shape
                or type, read-only, with gaps, or part of the data) a new one is made.

        Returns:
            uint8 (h, w, 3) RGB: `into` where it fits.
        """
        width, height = self.upright_size
        if into is None or not _fits(into, (height, width, 3)) or np.may_share_memory(into, self._bytes):
            into = np.empty((height, width, 3), np.uint8)
        convert.convert(self._bytes, self._layout, self.full_range, self.rotation_deg, into)
        return into


def _fits(into: NDArray[Any], shape: tuple[int, ...]) -> bool:
    return into.shape == shape and into.dtype == np.uint8 and into.flags.c_contiguous and into.flags.writeable


def _to_int(name: str, value: object) -> int:
    if isinstance(value, (bool, np.bool_)):
        raise FrameError(f"{name}: expected a whole number, got {value}; give it in pixels, bytes or degrees")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise FrameError(
            f"{name}: expected a whole number, got {value!r}; give it as int, in the unit of its name"
        ) from None


def _check_size(width: int, height: int) -> None:
    size = f"{width} x {height} px"
    if min(width, height) < 1:
        raise FrameError(f"expected a width and height from 1 px up, got {size}; give the size as stored")
    if max(width, height) > MAX_SIDE_PX:
        raise FrameError(
            f"expected sides of at most {MAX_SIDE_PX:,} px, got {size}; let the camera give less"
        )
    if width * height > MAX_PIXELS:
        raise FrameError(f"expected at most {MAX_PIXELS:,} pixels, got {size}; let the camera give less")


def _check_time(time_s: object) -> None:
    if time_s is None:
        return
    if isinstance(time_s, bool) or not isinstance(time_s, (int, float, np.integer, np.floating)):
        raise FrameError(f"time_s: expected seconds or None, got {time_s!r}; give a number")
    try:
        is_finite = math.isfinite(time_s)
    except OverflowError:  # a whole number beyond any float
        is_finite = False
    if not is_finite:
        raise FrameError(f"time_s: expected finite seconds, got {time_s}; leave it out where it is not known")


def _flatten(data: object) -> Plane:
    """The data as one row of bytes, a view."""
    if isinstance(data, np.ndarray):
        if data.dtype != np.uint8:
            raise FrameError(
                f"data: expected an array of uint8, got {data.dtype}; give the bytes as they came"
            )
        if not data.flags.c_contiguous:
            raise FrameError(
                f"data: expected an array without gaps, got one of shape {data.shape} and strides {data.strides}; "
                "give the whole array with its stride_bytes, or np.ascontiguousarray of it"
            )
        return data.reshape(-1).view(np.ndarray)
    if isinstance(data, (bytes, bytearray, memoryview)):
        seen = memoryview(data)
        if not seen.c_contiguous:
            raise FrameError("data: expected a memoryview without gaps, got one with; give bytes(it)")
        return np.frombuffer(seen.cast("B"), np.uint8) if seen.nbytes else np.empty(0, np.uint8)
    raise FrameError(
        f"data: expected bytes, bytearray, memoryview or a uint8 array, got {type(data).__name__}; "
        "give the bytes of the frame"
    )
