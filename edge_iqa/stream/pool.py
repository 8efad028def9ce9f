"""Memory for decoded frames that is used again once nobody looks at it any more."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

_MOST = 4
"""One is read into, one waits, one is looked at, and one is kept by whoever looks at the change between two."""


class FramePool:
    """Hands out arrays of one shape; one that something still holds is never handed out again."""

    def __init__(self) -> None:
        self._arrays: list[NDArray[np.uint8]] = []

    def take(self) -> NDArray[np.uint8] | None:
        """An array that nobody holds; None where there is none."""
        for index in range(len(self._arrays)):
            if sys.getrefcount(self._arrays[index]) == _FREE:
                return self._arrays[index]
        return None

    def give(self, array: NDArray[np.uint8]) -> None:
        """Add an array that was made as there was none, or as frames have changed their shape."""
        if any(array is kept for kept in self._arrays):
            return
        if self._arrays and self._arrays[0].shape != array.shape:
            self._arrays.clear()
        if len(self._arrays) < _MOST:
            self._arrays.append(array)


def _count_free() -> int:
    """How many references Python counts of an array that the pool alone holds; versions may differ."""
    arrays = [np.empty(1, np.uint8)]
    return next(sys.getrefcount(arrays[index]) for index in range(1))


_FREE = _count_free()
