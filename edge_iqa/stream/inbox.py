"""Where a camera's thread leaves the newest frame, and the caller's thread takes it."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace

from edge_iqa.errors import EdgeIqaError, FrameError
from edge_iqa.stream.clock import LiveClock
from edge_iqa.stream.events import KEPT_EVENTS, Event
from edge_iqa.stream.shot import GARBAGE_IN_A_ROW, Shot, make_buffer


class Inbox:
    """Room for one frame: a newer one takes its place, and the older is dropped and counted.

    Nothing here holds the source: a thread may keep the inbox while the source is let go of. The lock can be taken
    again by the thread that has it, as a source may be collected, and closed by that, at any moment.
    """

    def __init__(self, may_be_lost: bool = True) -> None:
        """With `may_be_lost`, too much garbage in a row is told as a loss."""
        self._may_be_lost = may_be_lost
        self._changed = threading.Condition(threading.RLock())
        self._clock = LiveClock()
        self._waiting: Shot | None = None
        self._events: deque[tuple[int, Event]] = deque()  # with how many frames came before
        self._failure: BaseException | None = None
        self._arrived = 0
        self._dropped = 0
        self._garbage = 0
        self._is_ended = False
        self._is_closed = False

    @property
    def dropped(self) -> int:
        """Frames that came and will not be taken."""
        return self._dropped

    @property
    def is_closed(self) -> bool:
        """Whether nobody takes frames any more."""
        return self._is_closed

    def offer(self, frame: object) -> bool:
        """Leave a frame; False where it was passed over. Never raises for what a camera may deliver."""
        try:
            buffer = make_buffer(frame)
        except FrameError as error:
            self.refuse(error)
            return False
        with self._changed:
            if self._is_closed or self._is_ended:
                return False
            index, self._arrived, self._garbage = self._arrived, self._arrived + 1, 0
            time_s = self._clock.stamp(buffer.time_s, time.monotonic())
            if time_s is None:
                self._dropped += 1
                return False
            self._dropped += self._waiting is not None
            self._waiting = Shot(buffer, index, time_s, 0)
            self._changed.notify_all()
            return True

    def refuse(self, error: EdgeIqaError) -> None:
        """Count a frame that cannot be used. More than `GARBAGE_IN_A_ROW` in a row are a loss."""
        with self._changed:
            if self._is_closed or self._is_ended:
                return
            self._arrived += 1
            self._dropped += 1
            self._garbage += 1
            self._post(Event("garbage", str(error)))
            if self.is_garbage:
                self._post(Event("unplugged", tell_garbage(error)))

    @property
    def is_garbage(self) -> bool:
        """Whether frames that cannot be used have just become too many."""
        is_full = self._garbage > 0 and self._garbage % (GARBAGE_IN_A_ROW + 1) == 0
        return is_full and self._may_be_lost

    def lose(self, message: str) -> None:
        """Tell that reading failed."""
        with self._changed:
            self._post(Event("unplugged", message))

    def end(self, failure: BaseException | None = None) -> None:
        """Tell that no frame will come any more: the one that waits can still be taken."""
        with self._changed:
            self._is_ended = True
            self._failure = failure
            self._changed.notify_all()

    def close(self) -> None:
        """Tell that no frame will be taken any more; the one that waits is dropped."""
        with self._changed:
            self._dropped += self._waiting is not None
            self._waiting = None
            self._is_closed = True
            self._changed.notify_all()

    def take(self, timeout_s: float | None) -> Shot | Event | None:
        """What comes next, an event or the newest frame, in the order in which they came; None if nothing came in time.

        Raises:
            StopIteration: closed, or ended and nothing is left.
            BaseException: what ended it, once.
        """
        with self._changed:
            self._changed.wait_for(self._has_news, timeout_s)
            if self._is_closed:
                raise StopIteration
            if self._events and (self._waiting is None or self._events[0][0] <= self._waiting.index):
                return self._events.popleft()[1]
            if self._waiting is not None:
                shot, self._waiting = replace(self._waiting, dropped=self._dropped), None
                return shot
            if not self._is_ended:
                return None
            failure, self._failure = self._failure, None
        raise StopIteration if failure is None else failure

    def sleep(self, seconds: float) -> bool:
        """Wait, at most until it is closed; False then."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._is_closed, seconds)

    def _has_news(self) -> bool:
        return self._waiting is not None or bool(self._events) or self._is_ended or self._is_closed

    def _post(self, event: Event) -> None:
        """Leave an event; where nobody takes them, only the first ones are kept, and one that the camera is lost."""
        is_loss = event.kind == "unplugged" and all(each.kind != "unplugged" for _, each in self._events)
        if is_loss or len(self._events) < KEPT_EVENTS:
            self._events.append((self._arrived, event))
            self._changed.notify_all()


def tell_garbage(error: EdgeIqaError) -> str:
    """What to say where garbage alone came."""
    return f"{GARBAGE_IN_A_ROW + 1} frames in a row could not be used; the last one: {error}"
