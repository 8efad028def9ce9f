"""What every source of frames can do, and what becomes of one that is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn, Protocol

from edge_iqa.errors import CameraError
from edge_iqa.stream.events import Event, EventLog
from edge_iqa.stream.shot import Shot

if TYPE_CHECKING:
    from typing_extensions import Self

LOST = ("raise", "end", "recover")


class Source(Protocol):
    """Gives frames out, one after the other.

    Attributes:
        dropped: frames that came and were passed over: older than the newest, late, doubled, garbage.
        is_live: whether frames come by themselves, and those that are not taken in time are lost.
        events: the last 100.
    """

    @property
    def dropped(self) -> int: ...

    @property
    def is_live(self) -> bool: ...

    @property
    def events(self) -> tuple[Event, ...]: ...

    def __iter__(self) -> Iterator[Shot]: ...

    def __next__(self) -> Shot: ...

    def close(self) -> None:
        """Let go of the camera; at any time, from any thread, more than once. The iterator ends."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class BaseSource:
    """What sources share: the log of events, and what becomes of a loss."""

    def __init__(self, log: EventLog, lost: str) -> None:
        self.log = log
        self._lost = lost
        self._is_lost = False

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(self.log)

    def close(self) -> None:
        raise NotImplementedError

    def __iter__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lose(self, event: Event) -> None:
        """Tell of a loss; then raise, end or go on, as was asked."""
        self.log.tell(event)
        if self._lost == "recover":
            self._is_lost = True
            return
        self.close()
        if self._lost == "raise":
            raise CameraError(f"{event.message}; open it again, or pass lost='recover' or lost='end'")
        self.end("as it was lost")

    def end(self, why: str) -> NoReturn:
        self.close()
        self.log.tell(Event("ended", why))
        raise StopIteration

    def tell_recovered(self) -> None:
        if self._is_lost:
            self._is_lost = False
            self.log.tell(Event("recovered", "frames come again"))
