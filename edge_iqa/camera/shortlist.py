"""The frames that may turn out best: a few copies, apart in time, in memory that is taken once."""

from __future__ import annotations

from dataclasses import dataclass

from edge_iqa.stream.buffer import Buffer

Rank = tuple[float, ...]
"""What makes a frame better than another, as tuples compare."""

_MOST_BYTES = 256 << 20
_FEWEST = 3
"""Frames of 12 megapixels have up to 36 MB: of larger ones fewer are kept, but never less than so many."""


@dataclass(eq=False)
class Kept:
    """A frame that was copied.

    Attributes:
        rank: the higher the better.
        time_s, index: of the frame.
        buffer: the frame, in memory of the list.
    """

    rank: Rank
    time_s: float
    index: int
    buffer: Buffer


class Shortlist:
    """Keeps the best frame of each stretch of time, and of these stretches the best."""

    def __init__(self, most: int, apart_s: float) -> None:
        """Begin.

        Args:
            most: frames that are kept.
            apart_s: length of a stretch. The best frames of two stretches may lie nearer than that.
        """
        self._most = most
        self._apart_s = apart_s
        self._kept: list[Kept] = []

    @property
    def kept(self) -> tuple[Kept, ...]:
        """The frames, the best first."""
        return tuple(sorted(self._kept, key=lambda each: each.rank, reverse=True))

    def offer(self, buffer: Buffer, rank: Rank, time_s: float, index: int) -> bool:
        """Copy a frame if it is among the best.

        Returns:
            Whether it was.
        """
        # by the clock, not by what lies around a kept frame: where frames slowly get better that would slide along
        stretch = time_s // self._apart_s
        near = [each for each in self._kept if each.time_s // self._apart_s == stretch]
        if any(each.rank >= rank for each in near):
            return False
        # what is near and worse goes; else the worst of all, where there is no room
        out = near
        if not near and len(self._kept) >= self._find_most(buffer):
            worst = min(self._kept, key=lambda each: each.rank)
            if worst.rank >= rank:
                return False
            out = [worst]
        room = out[0].buffer.data if out else None
        self._kept = [each for each in self._kept if each not in out]
        self._kept.append(Kept(rank, time_s, index, buffer.copy(room)))
        return True

    @staticmethod
    def _weigh(buffer: Buffer) -> int:
        return buffer.width_px * buffer.height_px * 3

    def _find_most(self, buffer: Buffer) -> int:
        """How many frames of this size there is room for."""
        return min(self._most, max(_FEWEST, _MOST_BYTES // self._weigh(buffer)))
