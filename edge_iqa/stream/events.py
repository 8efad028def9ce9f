"""What happens to a source besides frames, and who is told."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

KEPT_EVENTS = 100


@dataclass(frozen=True)
class Event:
    """Something that happened to a source.

    Attributes:
        kind: "stalled" (no frame for too long), "unplugged" (reading failed, or garbage alone came), "garbage" (one
            frame could not be used), "recovered" (frames come again) or "ended" (by itself; not by `close`).
        message: what happened, in words.
        time_s: when, by `time.monotonic`.
    """

    kind: str
    message: str
    time_s: float = field(default_factory=time.monotonic)


OnEvent = Callable[[Event], object]


class EventLog:
    """The last events of a source, and the one who wants to be told."""

    def __init__(self, on_event: OnEvent | None = None) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._on_event = on_event

    def tell(self, event: Event) -> None:
        """Keep an event, and pass it on in the thread that calls this."""
        self._events.append(event)
        if self._on_event is not None:
            self._on_event(event)

    def __iter__(self) -> Iterator[Event]:
        return iter(tuple(self._events))
