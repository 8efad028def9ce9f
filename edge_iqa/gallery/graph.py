"""The only importer of usearch: neighbors among very many vectors, by a navigable graph (HNSW).

Y. A. Malkov and D. A. Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable
small world graphs", IEEE TPAMI 2020. Its answers are nearly exact; `benchmarks/search.py` says how nearly and how fast.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa.backends.base import cores
from edge_iqa.errors import GalleryError

CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH, SCALARS = 32, 256, 512, "f16"
"""Among a million photos of which many are near copies, half as many links join copies to each other alone: 0.82 of the
neighbors are found then, however long one looks, and 0.99 with these. 8-bit numbers lose 0.07 (of 100,000)."""

_ADVICE = "free some memory, or begin a new gallery and add the photos again"


@functools.cache
def load() -> ModuleType | None:
    """The module `usearch.index`; None where it is not installed."""
    try:
        import usearch.index
    except ImportError:
        return None
    module: ModuleType = usearch.index
    return module


class Graph:
    """Vectors by key. What was added is not taken out again: who asks passes over keys that have gone."""

    def __init__(self, dimension: int) -> None:
        """An empty one; `load()` must have found usearch."""
        self._index: Any = _make_index(dimension)

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, dimension: int, count: int) -> Graph | None:
        """A graph as `to_bytes` gave it; None where usearch does not read it, or it holds something else.

        Args:
            data: checked by hash already: usearch trusts what it reads.
            dimension, count: what it must hold.
        """
        graph = cls(dimension)
        try:
            graph._index.load(data)
        except (RuntimeError, ValueError, MemoryError, TypeError):
            return None
        return graph if (graph._index.ndim, len(graph)) == (dimension, count) else None

    def to_bytes(self) -> bytes:
        """All of it, to be saved."""
        return bytes(self._index.save())

    def __len__(self) -> int:
        return len(self._index)

    @property
    def memory_bytes(self) -> int:
        """What it takes in memory."""
        return int(self._index.memory_usage)

    def add(self, keys: NDArray[np.uint64], vectors: NDArray[np.float32], threads: int | None = None) -> None:
        """Add vectors, float32 (n, D), under keys that it does not hold yet; on all cores where no number is given.

        Raises:
            GalleryError: usearch could not.
        """
        try:
            self._index.add(keys, np.ascontiguousarray(vectors), threads=threads or cores())
        except (RuntimeError, ValueError, MemoryError) as error:
            raise GalleryError(f"the graph could not take more photos ({error}); {_ADVICE}") from error

    def search(self, vector: NDArray[np.float32], count: int) -> NDArray[np.uint64]:
        """Keys of the `count` nearest vectors, nearest first, on one thread.

        Raises:
            GalleryError: usearch could not.
        """
        try:
            found = self._index.search(vector, count, threads=1)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise GalleryError(f"the graph could not be searched ({error}); {_ADVICE}") from error
        return np.asarray(found.keys, np.uint64)


def _make_index(dimension: int) -> Any:
    module = load()
    if module is None:
        raise RuntimeError("usearch is not installed; look with load() first")
    return module.Index(
        ndim=dimension, metric="cos", dtype=SCALARS, connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD, expansion_search=EXPANSION_SEARCH,
    )  # fmt: skip
