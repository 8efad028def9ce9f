"""Room for intermediate results that is used again from frame to frame.

Memory that is new for each frame costs more than the work on it: the system clears it page by page. So each thread
keeps one array a purpose, of the last frame's size. None of them may reach a caller.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray


class _Rooms(threading.local):
    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[np.uint8]] = {}


_rooms = _Rooms()


def take(purpose: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An array of this shape, with whatever was left in it; the same one until another shape is asked for."""
    kept = _rooms.arrays.get(purpose)
    if kept is None or kept.shape != shape:
        kept = _rooms.arrays[purpose] = np.empty(shape, np.uint8)
    return kept
