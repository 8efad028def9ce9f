"""Where live frames come from: cameras, URLs, videos, folders, feeds and iterables, through one door."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable
from typing import Any

import numpy as np

from edge_iqa.errors import CameraError
from edge_iqa.folders import expand, explain
from edge_iqa.formats import SUFFIXES
from edge_iqa.stream import capture
from edge_iqa.stream.buffer import Buffer
from edge_iqa.stream.events import Event, EventLog, OnEvent
from edge_iqa.stream.feed import Feed
from edge_iqa.stream.inbox import Inbox
from edge_iqa.stream.inputs import Camera, Folder, Input, Iterated, Video
from edge_iqa.stream.kept import KeptSource
from edge_iqa.stream.live import LiveSource
from edge_iqa.stream.reader import start_reader
from edge_iqa.stream.shot import Shot
from edge_iqa.stream.source import LOST, Source

FrameSource = int | str | os.PathLike[str] | Feed | Iterable[object]
"""What frames are taken from; see `open_source`."""

__all__ = ["Event", "Feed", "Shot", "Source", "FrameSource", "open_source"]

_LAST_CAMERA = 9999
"""OpenCV takes larger numbers for those of its own kinds of cameras, or for none."""


def open_source(
    source: FrameSource,
    drop: bool | None = None,
    lost: str = "raise",
    stall_s: float = 2.0,
    on_event: OnEvent | None = None,
) -> Source:
    """Open what frames come from.

    Args:
        source: the index of a camera (0 is the first); the URL of a stream (rtsp://, http:// and the like: nothing
            else is ever fetched); the path of a video, a photo, a folder of photos, or a camera (/dev/video0); a
            `Feed`; or an iterable of `Buffer`s or uint8 arrays (HxW gray, HxWx3 RGB, HxWx4 RGBA).
        drop: whether frames that are not taken in time are dropped. None: cameras, streams and feeds do (they cannot
            else), all others give every frame, in the caller's thread. True: a video is played in real time, and an
            iterable runs in a thread of its own.
        lost: what happens where a camera is unplugged (or gives garbage alone) or stalls: "raise" `CameraError`, "end"
            as a file ends, or "recover": open it again after growing pauses (0.2 to 5 s), until it is closed. A read
            that hangs is waited for; what cannot be opened again (a feed, an iterable) is listened to further.
        stall_s: after so long without a frame a live source counts as stalled.
        on_event: is called with each `Event`, in the thread that takes frames.

    Returns:
        An iterator of shots, and a context manager; times grow from shot to shot. Where frames tell no time, those of
        live sources have the time at which they came (`time.monotonic`), the others begin at 0:
        1/30 s apart, photos 1 s.

    Raises:
        CameraError: it is not there or cannot be opened, or no such thing can be a source. While frames are taken:
            the camera is lost, and `lost` is "raise".
    """
    if lost not in LOST:
        raise ValueError(f"lost: expected one of {', '.join(LOST)}, got {lost!r}")
    if not (isinstance(stall_s, (int, float)) and math.isfinite(stall_s) and stall_s > 0):
        raise ValueError(f"stall_s: expected seconds above 0, got {stall_s!r}")
    log = EventLog(on_event)
    if isinstance(source, Feed):
        _check_drop(drop, "a feed")
        return LiveSource(source._begin(), None, log, lost, stall_s)
    opened, is_live = _open_input(source, stall_s)
    if is_live:
        _check_drop(drop, "a camera")
    if not (is_live or drop):
        return KeptSource(opened, log, lost)
    inbox = Inbox(opened.may_be_lost)
    thread = start_reader(opened, inbox, lost == "recover", in_real_time=isinstance(opened, (Video, Folder)))
    waits = is_live or isinstance(opened, Iterated)
    return LiveSource(inbox, thread, log, lost, stall_s if waits else None)


def _check_drop(drop: bool | None, what: str) -> None:
    if drop is False:
        raise ValueError(f"drop: {what} gives its newest frame, and cannot keep the others; leave drop out")


def _open_input(source: Any, stall_s: float) -> tuple[Input, bool]:
    """What to read from, and whether it is live."""
    if isinstance(source, (int, np.integer)) and not isinstance(source, bool):
        if not 0 <= source <= _LAST_CAMERA:
            raise CameraError(
                f"expected the index of a camera from 0 to {_LAST_CAMERA}, got {source}; 0 is the first camera"
            )
        return Camera(int(source), stall_s), True
    if isinstance(source, (str, os.PathLike)):
        return _open_named(os.fsdecode(source), stall_s)
    is_frame = isinstance(source, (Buffer, bytes, bytearray, memoryview))
    if is_frame or (isinstance(source, np.ndarray) and source.ndim < 4) or not isinstance(source, Iterable):
        advice = (
            "give a list of frames" if is_frame or isinstance(source, np.ndarray) else "give one of these"
        )
        raise CameraError(
            "expected the index of a camera, a URL, the path of a video or folder, a Feed or an iterable of frames, "
            f"got {type(source).__name__}; {advice}"
        )
    return Iterated(iter(source)), False


def _open_named(name: str, stall_s: float) -> tuple[Input, bool]:
    scheme, separator, _ = name.partition("://")
    if separator:
        if scheme.lower() not in capture.SCHEMES:
            raise CameraError(
                f"{capture.name_target(name)}: expected a URL of {', '.join(capture.SCHEMES)}, got {scheme}; give the "
                "path of a file as it is"
            )
        return Camera(name, stall_s), True
    try:
        mode = os.stat(name).st_mode
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or error
        raise CameraError(
            f"{name}: expected a video, a folder of photos or a camera, and it cannot be opened ({reason}); check the "
            "path, or give a camera by its number"
        ) from error
    if stat.S_ISCHR(mode):
        return Camera(name, stall_s), True
    if stat.S_ISDIR(mode) or name.lower().endswith(SUFFIXES):
        photos = list(expand(name))
        if photos == [name] and stat.S_ISDIR(mode):
            raise CameraError(str(explain(name)))
        return Folder(photos), False
    if not stat.S_ISREG(mode):
        raise CameraError(
            f"{name}: expected a video, got a pipe or socket; give the path of a file, or a URL"
        )
    return Video(name), False
