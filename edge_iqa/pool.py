"""Run a task over a stream with several threads, in order, and with few items in flight."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2
"""Items in flight per thread: enough that no thread waits, and few enough to hold in memory."""


def map_in_order(task: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Iterator[Result]:
    """Apply `task` to every item with `jobs` threads; results come in the order of the items.

    Items are taken only as results are: at most `2 * jobs` are under way or waiting to be taken, so
    the stream may be endless. Where the task raises, the error comes out at that item's turn and
    ends the stream; so does closing the iterator. Either way, items not yet begun are dropped.
    """
    source = iter(items)
    with ThreadPoolExecutor(jobs, thread_name_prefix="edge-iqa") as pool:
        under_way: deque[Future[Result]] = deque()
        try:
            under_way.extend(pool.submit(task, item) for item in itertools.islice(source, _AHEAD * jobs))
            while under_way:
                yield under_way.popleft().result()
                under_way.extend(pool.submit(task, item) for item in itertools.islice(source, 1))
        finally:
            for future in under_way:
                future.cancel()
