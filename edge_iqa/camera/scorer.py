"""Scores of live frames, in a thread of its own: a frame's answer does not wait for the model."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa.stream.buffer import Buffer

_NICE = 10
"""How much less urgent than a frame's answer a score is."""

ScorePixels = Callable[[NDArray[np.uint8]], dict[str, float]]
"""Upright RGB pixels → `overall` and attributes, 0 to 1."""


@dataclass(frozen=True)
class Scores:
    """What the model says of one frame.

    Attributes:
        values: `overall` and attributes, 0 to 1.
        picture: number of the still picture that it was.
        cost_ms: time that it took.
    """

    values: dict[str, float]
    picture: int
    cost_ms: float


def _step_back() -> None:
    """Let the frames go first where both want one core. Only on Linux and Android has a thread a rank of its own."""
    if sys.platform == "linux" and hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class Scorer:
    """Works on one frame at a time; who asks too early is refused, not queued. May be closed from any thread."""

    def __init__(self, score: ScorePixels) -> None:
        self._score = score
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._work: Future[Scores] | None = None
        self._rgb: NDArray[np.uint8] | None = None
        self._worker: int | None = None
        self._is_closed = False

    @property
    def is_busy(self) -> bool:
        """Whether a frame is being worked on, or its scores were not taken yet."""
        return self._work is not None

    def start(self, buffer: Buffer, picture: int) -> None:
        """Take a frame. It is converted here: the camera may have its memory back as soon as this returns.

        Where it is closed, nothing happens.

        Raises:
            ValueError: it is busy.
        """
        if self._work is not None:
            raise ValueError("a frame is being scored; take its scores first")
        self._rgb = buffer.to_rgb(self._rgb)
        with self._lock:
            if self._is_closed:
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, "edge-iqa-scorer")
            self._work = self._pool.submit(self._run, self._rgb, picture)

    def take(self, wait: bool = False) -> Scores | None:
        """The scores, once, when they are there; `wait` for them. None where it was closed meanwhile.

        Raises:
            BackendError: the runtime failed.
        """
        work = self._work
        if work is None or not (wait or work.done()):
            return None
        self._work = None
        try:
            return work.result()
        except CancelledError:
            return None

    def close(self) -> None:
        """End the thread, after the frame that it works on. May be called twice, and by that thread itself."""
        with self._lock:
            self._is_closed = True
            pool, self._pool, self._work = self._pool, None, None
        if pool is not None:
            pool.shutdown(wait=self._worker != threading.get_ident(), cancel_futures=True)

    def _run(self, rgb: NDArray[np.uint8], picture: int) -> Scores:
        if self._worker is None:
            self._worker = threading.get_ident()
            _step_back()
        start = time.perf_counter()
        return Scores(self._score(rgb), picture, 1000 * (time.perf_counter() - start))
