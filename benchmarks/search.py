"""How fast is a photo found among a million? `python benchmarks/search.py --data photos.csv`

Embeddings of real photos (splits train and val) and of their copies, at least 20,000, are jittered to a million:
each is taken again and again, moved in a random direction as far as a copy lies from its photo (median). Asked for
are embeddings of test photos and their copies, none of which is stored. Recall is against exact search of the
vectors as float32. The graph's links and how far it looks were chosen on these vectors and the first 400 of the
queries, so those are left out. Searching runs on one thread, each query by itself, as a device asks; `Gallery.find`
also scans hashes and compares what was found, which is not in these times. Writes `search-host.json`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.accuracy import show
from benchmarks.figures import Figure
from benchmarks.vectors import Vectors, embed_copies
from compression.command import positive, run_command
from compression.data import read_photos, select
from compression.metrics import Estimate, bootstrap
from compression.progress import console, track
from edge_iqa import Inspector, machine, opencv
from edge_iqa.errors import DataError, DependencyError
from edge_iqa.files import write_json
from edge_iqa.gallery import graph as graphs
from edge_iqa.gallery.graph import Graph

RESULTS = Path(__file__).parent / "results"
NEIGHBORS = 10
MOST_MS, LEAST_RECALL, LEAST_REAL = 5.0, 0.95, 20_000
_COPIES = 5
"""Of each stored photo."""
_QUERY_COPIES = 4
_BATCH = 50_000
_CHOSEN_ON = 400
"""Queries with which the graph was chosen: a whole number of photos with their copies."""


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="CSV of real photos with splits")
    parser.add_argument("--vectors", type=positive, default=1_000_000, help="stored; default: %(default)s")
    parser.add_argument(
        "--queries", type=positive, default=755, help="most that are asked for; default: %(default)s"
    )
    parser.add_argument(
        "--photos", type=positive, help="use so many photos of each split, for a trial; default: all"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(".cache"),
        help="folder that keeps embeddings between runs; default: %(default)s",
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder of the result; default: %(default)s"
    )
    return run_command(bench, parser.parse_args(argv))


def bench(options: argparse.Namespace) -> None:
    """Embed, build, search, write, print.

    Raises:
        DataError: too few photos for the bound to speak of.
        DependencyError: usearch is missing.
    """
    if graphs.load() is None:
        raise DependencyError("usearch is needed for this bench; run `pip install 'edge-iqa[gallery]'`")
    opencv.load().setNumThreads(1)
    real, queries = _embed(options)
    if len(real) < LEAST_REAL and options.photos is None:
        raise DataError(
            f"{options.data}: expected photos for {LEAST_REAL} embeddings, got {len(real)}; give more photos"
        )
    reach = measure_reach(real)
    vectors = jitter(real, options.vectors, reach)
    graph, build_s = build(vectors)
    truth = search_exactly(vectors, queries)
    watch = machine.Watch()
    found, wall_ms, cpu_ms = search(graph, queries)
    usage = watch.read()
    figures = judge(found, truth, wall_ms, cpu_ms)
    result = {
        "what": "search of stored embeddings by the gallery's graph, one thread, one query at a time",
        "vectors": len(vectors),
        "real": len(real),
        "jitter_norm": reach,
        "queries": len(queries),
        "neighbors": NEIGHBORS,
        "graph": {
            "scalars": graphs.SCALARS,
            "connectivity": graphs.CONNECTIVITY,
            "expansion_add": graphs.EXPANSION_ADD,
            "expansion_search": graphs.EXPANSION_SEARCH,
            "memory_bytes": graph.memory_bytes,
            "saved_bytes": len(graph.to_bytes()),
            "build_s": build_s,
        },
        "figures": [figure.to_dict() for figure in figures],
        "machine": machine.describe(),
        "usage": usage.to_dict(),
    }
    path = write_json(options.out / "search-host.json", result)
    show(figures)
    console.print(f"graph: {graph.memory_bytes / 1e6:.0f} MB, built in {build_s:.0f} s")
    for warning in usage.warnings({**result["machine"], "int8_products": None}):
        console.print(warning)
    console.print(f"wrote {path}")


def _embed(options: argparse.Namespace) -> tuple[Vectors, Vectors]:
    photos = read_photos(options.data)
    stored = [photo for split in ("train", "val") for photo in select(photos, split, options.photos)]
    asked = select(photos, "test", options.photos)
    with Inspector.open(threads=1) as inspector:
        queries = embed_copies(inspector, asked, _QUERY_COPIES, options.cache)
        return embed_copies(inspector, stored, _COPIES, options.cache), leave_out_chosen(queries)[
            : options.queries
        ]


def leave_out_chosen(queries: Vectors) -> Vectors:
    """Queries on which nothing was chosen.

    Raises:
        DataError: there are no others.
    """
    if len(queries) <= _CHOSEN_ON:
        raise DataError(
            f"expected more than {_CHOSEN_ON} queries, as the graph was chosen with so many, got {len(queries)}; give "
            "more photos of split test"
        )
    return queries[_CHOSEN_ON:]


def measure_reach(real: Vectors) -> float:
    """Median distance of a copy's embedding from its photo's; vectors as `embed_copies` gives them for the store."""
    photos = real.reshape(-1, 1 + _COPIES, real.shape[1])
    return float(np.median(np.linalg.norm(photos[:, 1:] - photos[:, :1], axis=2)))


def jitter(real: Vectors, count: int, reach: float, seed: int = 0) -> Vectors:
    """`count` vectors of unit length: the real ones, then each moved by `reach` in a random direction, in turns."""
    rng = np.random.default_rng(seed)
    vectors = real[np.arange(count) % len(real)]
    for start in range(len(real), count, _BATCH):
        part = vectors[start : start + _BATCH]
        noise = rng.standard_normal(part.shape, dtype=np.float32)
        part += noise * np.float32(reach) / np.linalg.norm(noise, axis=1, keepdims=True)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def build(vectors: Vectors) -> tuple[Graph, float]:
    """The gallery's graph of all vectors, on all cores, and how long it took in seconds."""
    graph, keys = Graph(vectors.shape[1]), np.arange(len(vectors), dtype=np.uint64)
    start = time.perf_counter()
    for at in track(range(0, len(vectors), _BATCH), -(-len(vectors) // _BATCH), "graph"):
        graph.add(keys[at : at + _BATCH], vectors[at : at + _BATCH])
    return graph, time.perf_counter() - start


def search_exactly(vectors: Vectors, queries: Vectors) -> NDArray[np.intp]:
    """Rows of the true neighbors, (queries, NEIGHBORS), in no order."""
    rows = []
    for at in track(range(0, len(queries), 50), -(-len(queries) // 50), "exact search"):
        alike = queries[at : at + 50] @ vectors.T
        rows.append(np.argpartition(-alike, NEIGHBORS, axis=1)[:, :NEIGHBORS])
    return np.concatenate(rows)


def search(graph: Graph, queries: Vectors) -> tuple[list[NDArray[Any]], NDArray[Any], NDArray[Any]]:
    """Found keys, and milliseconds of each query: by the clock, and of this thread's work."""
    for query in queries[:50]:  # pages and caches are warm on a device that is in use
        graph.search(query, NEIGHBORS)
    found, wall_ms, cpu_ms = [], [], []
    for query in queries:
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        found.append(graph.search(query, NEIGHBORS))
        cpu_ms.append((time.thread_time_ns() - cpu) / 1e6)
        wall_ms.append((time.perf_counter_ns() - wall) / 1e6)
    return found, np.array(wall_ms), np.array(cpu_ms)


def judge(
    found: Sequence[NDArray[Any]], truth: NDArray[np.intp], wall_ms: NDArray[Any], cpu_ms: NDArray[Any]
) -> list[Figure]:
    """Recall and times with their intervals; queries of one photo are resampled together."""
    shares = np.array(
        [
            len(set(keys.tolist()) & set(rows.tolist())) / NEIGHBORS
            for keys, rows in zip(found, truth, strict=True)
        ]
    )
    groups = [str(at // (1 + _QUERY_COPIES)) for at in range(len(found))]

    def measure(what: str, statistic: Any, bound: float | None, at_least: bool = False) -> Figure:
        low, high = bootstrap(statistic, groups, 0)
        value = float(statistic(np.arange(len(found))))
        return Figure(what, Estimate(value, low, high, len(found)), bound, at_least)

    return [
        measure(f"recall@{NEIGHBORS} against exact search", lambda at: shares[at].mean(), LEAST_RECALL, True),
        measure("search, ms, p50", lambda at: np.quantile(wall_ms[at], 0.5), MOST_MS),
        measure("search, ms, p99", lambda at: np.quantile(wall_ms[at], 0.99), MOST_MS),
        measure("search, ms of CPU, p50", lambda at: np.quantile(cpu_ms[at], 0.5), None),
        measure("search, ms of CPU, p99", lambda at: np.quantile(cpu_ms[at], 0.99), None),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
