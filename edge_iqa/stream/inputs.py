"""What frames are read from: a camera, a video, a folder, an iterable; one after the other, in one thread."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import GeneratorType
from typing import Any, Protocol

from edge_iqa import image
from edge_iqa.errors import CameraError, FrameError
from edge_iqa.stream import capture
from edge_iqa.stream.buffer import Buffer
from edge_iqa.stream.clock import KeptClock
from edge_iqa.stream.pool import FramePool

_PHOTO_STEP_S = 1.0
_USUAL_FPS = 30.0


class Input(Protocol):
    """What a source reads from.

    Attributes:
        step_s: between frames that tell no time.
        may_be_lost: too much garbage in a row is an error.
    """

    step_s: float
    may_be_lost: bool

    def read(self) -> object:
        """The next frame, of whatever kind.

        Raises:
            StopIteration: there is none any more.
            FrameError, PhotoError: it is garbage; the next may be better.
            CameraError: it is lost.
        """

    def release(self) -> None:
        """Let go of what it reads from; again does nothing."""


class Camera:
    """A camera by its index, or a stream by its URL."""

    step_s = 1 / _USUAL_FPS
    may_be_lost = True

    def __init__(self, target: int | str, stall_s: float) -> None:
        self._target = target
        self._stall_s = stall_s
        self._pool = FramePool()
        self.name = capture.name_target(target)
        self._video = capture.open_camera(target, stall_s)

    def read(self) -> Buffer:
        buffer = _read_frame(self._video, self._pool)
        if buffer is None:
            raise CameraError(
                f"{self.name}: reading a frame failed; look whether it is plugged in and no other program has it"
            )
        return buffer

    def reopen(self) -> None:
        """Open it again.

        Raises:
            CameraError: it cannot be opened.
        """
        self.release()
        self._video = capture.open_camera(self._target, self._stall_s)

    def release(self) -> None:
        self._video.release()


class Video:
    """A video file, from its beginning to its end.

    Attributes:
        fps: frames per second, as the file has it.
    """

    may_be_lost = True

    def __init__(self, path: str) -> None:
        self._video = capture.open_file(path)
        self._pool = FramePool()
        fps = float(self._video.get(capture.FPS))
        self.fps = fps if math.isfinite(fps) and 0.1 < fps < 1000 else _USUAL_FPS
        self.step_s = 1 / self.fps
        self._clock = KeptClock(self.step_s)
        self._first: Buffer | None = None
        with contextlib.suppress(FrameError):
            self._first = self._next()
            if self._first is None:
                self.release()
                raise CameraError(
                    f"{path}: expected a video, got a file in which no frame can be read; convert it to MP4 or AVI"
                )

    def read(self) -> Buffer:
        buffer, self._first = self._first or self._next(), None
        if buffer is None:
            raise StopIteration
        # some files tell no positions, or such as go back and forth
        return replace(buffer, time_s=self._clock.stamp(buffer.time_s))

    def _next(self) -> Buffer | None:
        return _read_frame(
            self._video, self._pool, lambda: float(self._video.get(capture.POSITION_MS)) / 1000
        )

    def release(self) -> None:
        self._video.release()


def _read_frame(video: Any, pool: FramePool, tell_time: Callable[[], float] | None = None) -> Buffer | None:
    """The next frame; None where reading fails.

    Raises:
        FrameError: what came is no picture.
    """
    room = pool.take()
    read, pixels = capture.read(video, room)
    if not read:
        return None
    buffer = capture.to_buffer(pixels, None if tell_time is None else tell_time())
    if pixels is not room:
        pool.give(pixels)
    return buffer


class Folder:
    """Photos, by name, a second apart."""

    step_s = _PHOTO_STEP_S
    may_be_lost = False

    def __init__(self, paths: list[str]) -> None:
        self._paths = enumerate(paths)

    def read(self) -> Buffer:
        index, path = next(self._paths)
        pixels = image.read(path).pixels
        height, width = pixels.shape[:2]
        return Buffer(pixels, "RGB", width, height, time_s=index * _PHOTO_STEP_S)

    def release(self) -> None:
        self._paths = enumerate(())


class Iterated:
    """Whatever an iterator gives."""

    step_s = 1 / _USUAL_FPS
    may_be_lost = True

    def __init__(self, frames: Iterator[object]) -> None:
        self._frames = frames

    def read(self) -> object:
        return next(self._frames)

    def release(self) -> None:
        """A generator may hold a camera of its own."""
        frames, self._frames = self._frames, iter(())
        if isinstance(frames, GeneratorType):
            with contextlib.suppress(ValueError):  # it is running, in a thread that does not come back
                frames.close()
