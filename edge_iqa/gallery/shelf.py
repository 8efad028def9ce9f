"""The photos of a gallery in columns, and who of them is near: exactly while they are few, by a graph when many."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa.gallery import graph as graphs
from edge_iqa.gallery.fingerprint import COLOR_PX, GRAY_PX, NO_FILE, Fingerprint
from edge_iqa.gallery.graph import Graph
from edge_iqa.gallery.phash import count_differences

logger = logging.getLogger("edge_iqa")

EXACT_MOST = 50_000
"""Photos up to which all are looked at: that takes a few milliseconds, and no graph need be built or saved."""
_STALE_MOST = 0.2
"""Share of photos in the graph that have gone, from which it is built anew."""

_MOST_FILE_BYTES = (1 << 32) - 1
"""Larger files are remembered as of this size: it only tells which of two is larger."""
_LEAST_ROWS = 64

FACTS = np.dtype(
    [
        ("key", "<u8"),
        ("phash", "<u8"),
        ("pixels_sha256", "u1", (32,)),
        ("file_sha256", "u1", (32,)),
        ("score", "<f4"),
        ("width_px", "<u4"),
        ("height_px", "<u4"),
        ("file_bytes", "<u4"),
        ("gray", "u1", (GRAY_PX, GRAY_PX)),
        ("color", "u1", (COLOR_PX, COLOR_PX, 3)),
    ]
)
"""One photo but for its name and its embedding; keys rise from row to row, and are never used twice."""


@dataclass(frozen=True, eq=False)
class Content:
    """All that a gallery must remember.

    Attributes:
        names: of the photos, each once.
        facts: `FACTS` (n,).
        vectors: float32 (n, D), unit length.
        next_key: of the next photo to be added.
        graph: of many photos, as `Graph.to_bytes` gives it; empty where there is none.
        graph_count: how many vectors are in it.
    """

    names: list[str]
    facts: NDArray[np.void]
    vectors: NDArray[np.float32]
    next_key: int
    graph: bytes | memoryview = b""
    graph_count: int = 0


class Shelf:
    """Photos by name. Rows stay where they are until `pack`, which takes out those that were removed."""

    def __init__(self, dimension: int) -> None:
        """An empty one.

        Args:
            dimension: D, of embeddings.
        """
        self._names: list[str | None] = []
        self._rows: dict[str, int] = {}
        self._facts = np.zeros(0, FACTS)
        self._vectors = np.zeros((0, dimension), np.float32)
        self._next_key = 0
        self._graph: Graph | None = None
        self._warned = False
        self._gone: list[int] = []

    @classmethod
    def from_content(cls, content: Content) -> Shelf:
        """What `pack` gave, taken up again; the arrays are used as they are."""
        dimension = content.vectors.shape[1]
        shelf = cls(dimension)
        shelf._names = list(content.names)
        shelf._rows = {name: row for row, name in enumerate(content.names)}
        shelf._facts, shelf._vectors, shelf._next_key = content.facts, content.vectors, content.next_key
        is_large = len(content.names) > EXACT_MOST  # else it is not needed, and usearch trusts what it reads
        if is_large and len(content.graph) and graphs.load() is not None:
            shelf._graph = Graph.from_bytes(content.graph, dimension, content.graph_count)
        return shelf

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._rows))

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def add(self, name: str, photo: Fingerprint) -> None:
        """Add a photo under a name that is not taken."""
        row = len(self._names)
        if row == len(self._facts):
            self._grow(max(_LEAST_ROWS, row + row // 2))
        fact = self._facts[row]
        fact["key"], fact["phash"] = self._next_key, photo.phash
        fact["pixels_sha256"] = np.frombuffer(photo.pixels_sha256, np.uint8)
        fact["file_sha256"] = np.frombuffer(photo.file_sha256, np.uint8)
        fact["gray"], fact["color"] = photo.gray, photo.color
        fact["score"], fact["file_bytes"] = photo.score, min(photo.file_bytes, _MOST_FILE_BYTES)
        fact["width_px"], fact["height_px"] = photo.width_px, photo.height_px
        self._vectors[row] = photo.embedding
        self._names.append(name)
        self._rows[name] = row
        self._next_key += 1
        if self._graph is not None:
            self._graph.add(self._facts["key"][row : row + 1], self._vectors[row : row + 1], threads=1)

    def remove(self, name: str) -> None:
        """Take out a photo that is there."""
        row = self._rows.pop(name)
        self._names[row] = None
        self._gone.append(row)
        if self._graph is not None and len(self._rows) < len(self._graph) / 2:
            self._graph = None  # built anew when it is asked for
        if len(self._names) > _LEAST_ROWS and len(self._gone) > len(self._names) / 2:
            self._compact()  # else photos that come and go would take ever more memory

    def get(self, name: str) -> Fingerprint:
        """The photo of a name that is there."""
        return self._read(self._rows[name])

    def find_exact(self, photo: Fingerprint) -> list[str]:
        """Names of photos that are the same file or the same pixels."""
        found = np.zeros(len(self._names), bool)
        for column, digest in (("pixels_sha256", photo.pixels_sha256), ("file_sha256", photo.file_sha256)):
            if digest == NO_FILE:
                continue
            stored = self._facts[column][: len(self._names)]
            rows = np.flatnonzero(stored[:, 0] == digest[0])
            found[rows[(stored[rows] == np.frombuffer(digest, np.uint8)).all(1)]] = True
        return [name for row in np.flatnonzero(found) if (name := self._names[row]) is not None]

    def find_near(self, photo: Fingerprint, count: int) -> list[tuple[str, Fingerprint, float]]:
        """The `count` photos whose embeddings are nearest: name, fingerprint and distance, nearest first."""
        rows = self._search(photo.embedding, count)
        return self._describe(rows, photo)

    def find_by_hash(self, photo: Fingerprint, count: int, most: int) -> list[tuple[str, Fingerprint, float]]:
        """At most `count` photos whose perceptual hash differs in at most `most` bits, likewise."""
        differing = count_differences(self._facts["phash"][: len(self._names)], photo.phash)
        rows = np.flatnonzero(differing <= most)
        ordered = rows[np.argsort(differing[rows], kind="stable")]
        return self._describe(self._drop_gone(ordered)[:count], photo)

    def pack(self) -> Content:
        """All that must be remembered; photos that were removed are taken out for good."""
        self._compact()
        count = len(self._names)
        graph = self._keep_graph()
        return Content(
            names=[name for name in self._names if name is not None],
            facts=self._facts[:count],
            vectors=self._vectors[:count],
            next_key=self._next_key,
            graph=b"" if graph is None else graph.to_bytes(),
            graph_count=0 if graph is None else len(graph),
        )

    def _read(self, row: int) -> Fingerprint:
        fact = self._facts[row]
        return Fingerprint(
            embedding=self._vectors[row].copy(),
            gray=fact["gray"].copy(),
            color=fact["color"].copy(),
            phash=int(fact["phash"]),
            pixels_sha256=fact["pixels_sha256"].tobytes(),
            file_sha256=fact["file_sha256"].tobytes(),
            score=float(fact["score"]),
            width_px=int(fact["width_px"]),
            height_px=int(fact["height_px"]),
            file_bytes=int(fact["file_bytes"]),
        )

    def _describe(self, rows: NDArray[np.intp], photo: Fingerprint) -> list[tuple[str, Fingerprint, float]]:
        described = []
        for row in rows.tolist():
            name = self._names[row]
            if name is not None:
                distance = 1 - float(self._vectors[row] @ photo.embedding)
                described.append((name, self._read(row), max(0.0, distance)))
        return described

    def _search(self, vector: NDArray[np.float32], count: int) -> NDArray[np.intp]:
        """Rows of the nearest photos."""
        graph = self._keep_graph()
        rows = len(self._names)
        if graph is None:
            alike = self._vectors[:rows] @ vector
            alike[self._gone] = -2  # behind all that are there
            nearest = np.argpartition(-alike, count)[:count] if count < rows else np.arange(rows)
            return self._drop_gone(nearest[np.argsort(-alike[nearest], kind="stable")])
        asked = min(len(graph), count + count // 4 + 8)
        left = self._search_graph(graph, vector, asked)
        while len(left) < count and asked < len(graph):  # what is gone was nearer
            asked = min(len(graph), 2 * asked)
            left = self._search_graph(graph, vector, asked)
        return left[:count]

    def _search_graph(self, graph: Graph, vector: NDArray[np.float32], count: int) -> NDArray[np.intp]:
        """Rows, still there, of the `count` nearest photos in the graph."""
        rows = len(self._names)
        keys = self._facts["key"][:rows]
        found = graph.search(vector, count)
        at = np.searchsorted(keys, found)
        is_there = (at < rows) & (keys[np.minimum(at, rows - 1)] == found)
        return self._drop_gone(at[is_there])

    def _drop_gone(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """The rows of photos that were not removed, in their order."""
        return rows[~np.isin(rows, self._gone)] if self._gone else rows

    def _keep_graph(self) -> Graph | None:
        """The graph where there are many photos, built where it is missing or too much in it has gone."""
        if len(self._rows) <= EXACT_MOST:
            self._graph = None
            return None
        if graphs.load() is None:
            self._warn()
            return None
        if self._graph is None or len(self._rows) < (1 - _STALE_MOST) * len(self._graph):
            self._compact()
            count = len(self._names)
            logger.warning("gallery: building the graph of %d photos, which takes a while", count)
            self._graph = Graph(self._vectors.shape[1])
            self._graph.add(self._facts["key"][:count].copy(), self._vectors[:count])
        return self._graph

    def _warn(self) -> None:
        if not self._warned:
            logger.warning(
                "gallery: %d photos are searched one by one, which is exact and slow beyond %d; "
                "install usearch (`pip install 'edge-iqa[gallery]'`)", len(self._rows), EXACT_MOST,
            )  # fmt: skip
        self._warned = True

    def _compact(self) -> None:
        if len(self._rows) == len(self._names):
            return
        kept = np.array(sorted(self._rows.values()), np.intp)
        self._facts, self._vectors = self._facts[kept], self._vectors[kept]
        self._names, self._gone = [self._names[row] for row in kept], []
        self._rows = {name: row for row, name in enumerate(self._names) if name is not None}

    def _grow(self, rows: int) -> None:
        facts = np.zeros(rows, FACTS)
        vectors = np.zeros((rows, self._vectors.shape[1]), np.float32)
        facts[: len(self._facts)], vectors[: len(self._vectors)] = self._facts, self._vectors
        self._facts, self._vectors = facts, vectors
