"""Fixed work that every round does besides, so that two runs can be compared on a machine whose speed changes.

A laptop's clock, a neighbour on the same host: they make everything slower for a while, and a run that came then is no
slower code. What a round takes over what the yardstick takes in the same round says more. The work is Python's own
library alone, so no change of ours, of OpenCV or of a runtime changes it.
"""

from __future__ import annotations

import random
import zlib

VERSION = 1
"""Of the work: times over yardsticks of two versions are not to be compared."""
NAME = "yardstick"
_PACKED_BYTES, _COPIED_BYTES = 100_000, 20_000_000


class Yardstick:
    """Some work for the processor, and more for the memory: what neighbours on the same host slow down most."""

    def __init__(self) -> None:
        rng = random.Random(0)
        words = [rng.randbytes(12) for _ in range(400)]
        self._text = b"".join(rng.choice(words) for _ in range(_PACKED_BYTES // 12))
        self._source = memoryview(bytearray(_COPIED_BYTES))
        self._target = memoryview(bytearray(_COPIED_BYTES))

    def run(self) -> None:
        zlib.compress(self._text, 1)
        self._target[:] = self._source
