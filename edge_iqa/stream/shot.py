"""A frame with what its source knows of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_iqa.errors import FrameError
from edge_iqa.stream.buffer import Buffer

GARBAGE_IN_A_ROW = 30
"""So many frames in a row that cannot be used are passed over; one more, and the camera counts as lost."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One frame that was taken from a source.

    Attributes:
        buffer: the frame.
        index: how many frames came before it, taken or not.
        time_s: when it was taken; grows from shot to shot.
        dropped: frames passed over since the source began: older than the newest, late, doubled, or garbage.
    """

    buffer: Buffer
    index: int
    time_s: float
    dropped: int


def make_buffer(frame: object) -> Buffer:
    """A frame of any kind that sources take, as a buffer that looks at it where it lies.

    Args:
        frame: a `Buffer`, or an array, uint8: HxW gray, HxWx3 RGB or HxWx4 RGBA.

    Raises:
        FrameError: anything else.
    """
    if isinstance(frame, Buffer):
        return frame
    if not isinstance(frame, np.ndarray):
        raise FrameError(
            f"expected a Buffer or a uint8 array (HxW, HxWx3 RGB or HxWx4 RGBA), got {type(frame).__name__}; "
            "give what the camera delivered as a Buffer"
        )
    formats = {2: "GRAY"} if frame.ndim == 2 else {3: "RGB", 4: "RGBA"}
    format = formats.get(frame.shape[-1] if frame.ndim == 3 else frame.ndim)
    if format is None or frame.dtype != np.uint8:
        raise FrameError(
            f"expected a uint8 array of HxW, HxWx3 (RGB) or HxWx4 (RGBA), got {frame.dtype} of shape {frame.shape}; "
            "give one frame at a time, channels last"
        )
    return Buffer(np.ascontiguousarray(frame), format, frame.shape[1], frame.shape[0])
