"""The only place that opens OpenCV's video captures: cameras, streams and files; and says what to do if it cannot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.errors import CameraError, FrameError
from edge_iqa.stream.buffer import Buffer

POSITION_MS, FPS = 0, 5
"""OpenCV's CAP_PROP_POS_MSEC and CAP_PROP_FPS."""
SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "rtp", "tcp", "srt")
_OPEN_TIMEOUT_S = 10.0
_SILENT = 0
"""OpenCV's LOG_LEVEL_SILENT."""


def name_target(target: int | str) -> str:
    """How a camera is called in messages: a URL without user and password."""
    if isinstance(target, int):
        return f"camera {target}"
    parts = urlsplit(target)
    return target.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1) if "@" in parts.netloc else target


def open_camera(target: int | str, stall_s: float) -> Any:
    """Open a camera by its index or device, or a stream by its URL.

    Raises:
        CameraError: it cannot be opened.
    """
    video = open_video(target, stall_s)
    if video.isOpened():
        return video
    video.release()
    name = name_target(target)
    if isinstance(target, str) and "://" in target:
        raise CameraError(
            f"{name}: expected a stream, and it could not be opened; check the address and the network"
        )
    raise CameraError(
        f"{name}: expected a camera, and it could not be opened; plug one in, close other programs that use it, allow "
        "this user to use it, or give another index (0 is the first)"
    )


def open_file(path: str) -> Any:
    """Open a video file.

    Raises:
        CameraError: it is no video, or of a format that this OpenCV does not read.
    """
    video = open_video(path)
    if video.isOpened():
        return video
    video.release()
    raise CameraError(
        f"{path}: expected a video, and it could not be opened as one; check that it plays, or convert it to MP4 or AVI"
    )


def open_video(target: int | str, stall_s: float | None = None) -> Any:
    """A `cv2.VideoCapture`, opened or not. Of a stream, opening and reading give up after a time."""
    cv2 = opencv.load()
    os.environ.setdefault(
        "OPENCV_FFMPEG_LOGLEVEL", "-8"
    )  # errors are told here; FFmpeg's own lines help nobody
    with _quiet():
        if (
            isinstance(target, str)
            and "://" in target
            and cv2.CAP_FFMPEG in cv2.videoio_registry.getBackends()
        ):
            read_ms = 1000 * (stall_s or _OPEN_TIMEOUT_S)
            limits = (
                (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 1000 * _OPEN_TIMEOUT_S),
                (cv2.CAP_PROP_READ_TIMEOUT_MSEC, max(1, read_ms)),
            )
            return cv2.VideoCapture(
                target, cv2.CAP_FFMPEG, [int(number) for limit in limits for number in limit]
            )
        return cv2.VideoCapture(target)


@contextmanager
def _quiet() -> Iterator[None]:
    """OpenCV writes a warning of its own for every way in which it could not open something."""
    cv2 = opencv.load()
    logging = getattr(cv2.utils, "logging", None)  # later versions
    get, set_ = (
        (cv2.getLogLevel, cv2.setLogLevel) if logging is None else (logging.getLogLevel, logging.setLogLevel)
    )
    level = get()
    set_(_SILENT)
    try:
        yield
    finally:
        set_(level)


def read(video: Any, room: NDArray[np.uint8] | None) -> tuple[bool, Any]:
    """The next frame, into memory that is there where it fits, and whether there was one.

    Raises:
        FrameError: OpenCV refused what came.
    """
    try:
        read, pixels = video.read() if room is None else video.read(room)
    except opencv.load().error as error:
        raise FrameError(f"a frame could not be decoded ({error}); the next one may be better") from error
    return read, pixels


def to_buffer(pixels: Any, time_s: float | None) -> Buffer:
    """What OpenCV decoded, BGR or gray, as a buffer.

    Raises:
        FrameError: it is no such picture.
    """
    if not isinstance(pixels, np.ndarray) or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)):
        shape = getattr(pixels, "shape", None)
        raise FrameError(
            f"expected HxWx3 (BGR) or HxW, got {type(pixels).__name__} of shape {shape}; choose another mode of the "
            "camera"
        )
    height, width = pixels.shape[:2]
    return Buffer(pixels, "BGR" if pixels.ndim == 3 else "GRAY", width, height, time_s=time_s)
