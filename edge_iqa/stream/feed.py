"""Frames that a camera hands over by callback, in a thread of its own."""

from __future__ import annotations

from edge_iqa.errors import CameraError
from edge_iqa.stream.inbox import Inbox


class Feed:
    """Takes frames in the camera's thread, for a source that gives them out in another: the newest alone.

    ::

        feed = Feed()
        camera.on_frame(lambda image: feed.push(Buffer(image.bytes, "NV21", 1920, 1080, rotation_deg=90)))
        for report in inspector.watch(feed): ...

    A frame's data may not change while it waits or is looked at: where the camera takes its memory back after the
    callback, push a copy.
    """

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._is_open = False

    def push(self, frame: object) -> bool:
        """Hand over a frame, from any thread; never waits, and never raises for what a camera may deliver.

        Args:
            frame: a `Buffer`, or a uint8 array (HxW gray, HxWx3 RGB, HxWx4 RGBA). What else comes is an event
                "garbage".

        Returns:
            Whether it waits to be taken. False: it was passed over, as its time does not grow (late, doubled, out of
            order), it is garbage, or the feed is closed.
        """
        return self._inbox.offer(frame)

    def close(self) -> None:
        """Tell that no frame will come any more; the one that waits is still taken."""
        self._inbox.end()

    @property
    def is_closed(self) -> bool:
        """Whether the source that takes from it was closed: the camera can stop."""
        return self._inbox.is_closed

    def _begin(self) -> Inbox:
        """The inbox, for the one source that takes from it."""
        if self._is_open:
            raise CameraError(
                "expected a feed of its own, got one that another source takes from; make a new Feed"
            )
        self._is_open = True
        return self._inbox
