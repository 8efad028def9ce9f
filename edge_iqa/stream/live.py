"""A source of the newest frame, whoever brings it."""

from __future__ import annotations

import threading
import weakref

from edge_iqa.stream.events import Event, EventLog
from edge_iqa.stream.inbox import Inbox
from edge_iqa.stream.reader import stop_reader
from edge_iqa.stream.shot import Shot
from edge_iqa.stream.source import BaseSource


class LiveSource(BaseSource):
    """Gives the newest frame out, whoever brings it: a reader's thread, or a feed."""

    def __init__(
        self, inbox: Inbox, thread: threading.Thread | None, log: EventLog, lost: str, stall_s: float | None
    ) -> None:
        super().__init__(log, lost)
        self._inbox = inbox
        self._thread = thread
        self._stall_s = stall_s
        self._release = weakref.finalize(
            self, inbox.close
        )  # the thread, which then ends, does not hold `self`

    @property
    def dropped(self) -> int:
        return self._inbox.dropped

    @property
    def is_live(self) -> bool:
        return True

    def __next__(self) -> Shot:
        while True:
            try:
                news = self._inbox.take(None if self._is_lost else self._stall_s)
            except StopIteration:
                if not self._inbox.is_closed:
                    self.end("no frame is left")
                raise
            except BaseException:  # what ended the reader, or an interrupt
                self.close()
                raise
            if isinstance(news, Shot):
                self.tell_recovered()
                return news
            if news is None:
                self.lose(Event("stalled", f"no frame came for {self._stall_s:g} s"))
            elif news.kind == "unplugged":
                self.lose(news)
            else:
                self.log.tell(news)

    def close(self) -> None:
        if self._thread is None:
            self._inbox.close()
        else:
            stop_reader(self._thread, self._inbox)
