"""The thread that reads a camera and keeps only its newest frame."""

from __future__ import annotations

import atexit
import threading
import time
import weakref

from edge_iqa.errors import CameraError, FrameError, PhotoError
from edge_iqa.stream.buffer import Buffer
from edge_iqa.stream.inbox import Inbox
from edge_iqa.stream.inputs import Camera, Input

JOIN_S = 2.0
"""So long `close` waits for the thread. One that hangs in a driver is left behind, and lets go of the camera when the
driver comes back."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0


def start_reader(source: Input, inbox: Inbox, recover: bool, in_real_time: bool) -> threading.Thread:
    """Begin to read.

    Args:
        source: what to read from; the thread lets go of it.
        inbox: where frames go; the thread ends soon after it is closed.
        recover: open again what is lost, until it is closed.
        in_real_time: wait for each frame's time, as a file is played.
    """
    pace = _Pace(inbox) if in_real_time else None
    thread = threading.Thread(
        target=_run, args=(source, inbox, recover, pace), name="edge-iqa camera", daemon=True
    )
    thread.start()
    _running[thread] = inbox
    return thread


def stop_reader(thread: threading.Thread, inbox: Inbox) -> None:
    """Close the inbox and wait for the thread."""
    inbox.close()
    if thread is not threading.current_thread():
        thread.join(JOIN_S)


class _Pace:
    """When a frame is due, by its time and that of the first."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._lead_s: float | None = None

    def wait(self, frame: object) -> bool:
        """False where it was closed meanwhile."""
        if not isinstance(frame, Buffer) or frame.time_s is None:
            return True
        if self._lead_s is None:
            self._lead_s = time.monotonic() - frame.time_s
        return self._inbox.sleep(max(0.0, self._lead_s + frame.time_s - time.monotonic()))


def _run(source: Input, inbox: Inbox, recover: bool, pace: _Pace | None) -> None:
    try:
        while not inbox.is_closed and _read_once(source, inbox, recover, pace):
            pass
    except StopIteration:
        inbox.end()
    except BaseException as error:  # whatever it is, the caller's thread raises it
        inbox.end(error)
    finally:
        source.release()


def _read_once(source: Input, inbox: Inbox, recover: bool, pace: _Pace | None) -> bool:
    """Read a frame; False where there is no more to read."""
    try:
        frame = source.read()
    except (FrameError, PhotoError) as error:
        inbox.refuse(error)
    except CameraError as error:
        inbox.lose(str(error))
        return recover and _open_again(source, inbox)
    else:
        if pace is None or pace.wait(frame):
            inbox.offer(frame)
    return not inbox.is_garbage or (recover and _open_again(source, inbox))


def _open_again(source: Input, inbox: Inbox) -> bool:
    """Try with growing pauses; False where it was closed meanwhile. Of what cannot be opened again, reading goes on."""
    if not isinstance(source, Camera):
        return True
    pause_s = FIRST_PAUSE_S
    source.release()
    while inbox.sleep(pause_s):
        try:
            source.reopen()
            return True
        except CameraError:
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
    return False


_running: weakref.WeakKeyDictionary[threading.Thread, Inbox] = weakref.WeakKeyDictionary()


def _stop_all() -> None:
    """Before Python ends: a thread within OpenCV would else be cut off there."""
    for thread, inbox in list(_running.items()):
        stop_reader(thread, inbox)


atexit.register(_stop_all)
