"""A source that loses no frame: each is read when it is asked for, in the thread that asks."""

from __future__ import annotations

import threading
import weakref

from edge_iqa.errors import CameraError, EdgeIqaError, FrameError, PhotoError
from edge_iqa.stream.clock import KeptClock
from edge_iqa.stream.events import Event, EventLog
from edge_iqa.stream.inbox import tell_garbage
from edge_iqa.stream.inputs import Input
from edge_iqa.stream.shot import GARBAGE_IN_A_ROW, Shot, make_buffer
from edge_iqa.stream.source import BaseSource


class KeptSource(BaseSource):
    """Gives every frame out, read in the thread that asks for it."""

    def __init__(self, opened: Input, log: EventLog, lost: str) -> None:
        super().__init__(log, lost if opened.may_be_lost else "recover")
        self._input = opened
        self._clock = KeptClock(opened.step_s)
        self._reading = threading.RLock()  # again, as reading may run code that closes this source
        self._is_closed = False
        self._arrived = 0
        self._dropped = 0
        self._garbage = 0
        self._refused: EdgeIqaError | None = None
        self._release = weakref.finalize(self, opened.release)

    @property
    def dropped(self) -> int:
        return self._dropped

    @property
    def is_live(self) -> bool:
        return False

    def __next__(self) -> Shot:
        while True:
            try:
                shot = self._read()
            except StopIteration:
                if not self._is_closed:
                    self._end()
                raise
            except (FrameError, PhotoError) as error:
                self._refuse(error)
                continue
            except CameraError as error:  # of an iterable that reads a camera of its own
                self.lose(Event("unplugged", str(error)))
                continue
            except BaseException:
                self.close()
                raise
            self._garbage = 0
            self.tell_recovered()
            return shot

    def _end(self) -> None:
        if self._refused is not None and self._dropped == self._arrived:
            self.close()
            raise CameraError(
                f"none of {self._arrived} frames could be used; the last one: {self._refused}"
            ) from self._refused
        self.end("no frame is left")

    def _read(self) -> Shot:
        try:
            with self._reading:
                if self._is_closed:
                    raise StopIteration
                buffer = make_buffer(self._input.read())
                index, self._arrived = self._arrived, self._arrived + 1
        finally:
            is_closed = self._let_go_if_closed()
        if is_closed:
            self._dropped += 1
            raise StopIteration
        return Shot(buffer, index, self._clock.stamp(buffer.time_s), self._dropped)

    def _refuse(self, error: EdgeIqaError) -> None:
        self._arrived += 1
        self._dropped += 1
        self._garbage += 1
        self._refused = error
        self.log.tell(Event("garbage", str(error)))
        if self._garbage and self._garbage % (GARBAGE_IN_A_ROW + 1) == 0 and self._input.may_be_lost:
            self.lose(Event("unplugged", tell_garbage(error)))

    def close(self) -> None:
        self._is_closed = True
        self._let_go_if_closed()

    def _let_go_if_closed(self) -> bool:
        """Release what is read from, never while a thread reads: that thread does it then, when it comes back."""
        if self._is_closed and self._reading.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._reading.release()
        return self._is_closed
