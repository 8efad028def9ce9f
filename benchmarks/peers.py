"""What else is there? CleanVision, BRISQUE, NIQE, PIQE and the Laplacian's variance on the same photos as we.

    python benchmarks/peers.py --data photos.csv                order, time, memory, size: about 20 minutes of one core
    python benchmarks/peers.py --data photos.csv --photos 6     a quick look
    python benchmarks/peers.py --parts cost --clock cpu         time and memory alone, on a machine that others use too

Each judge is installed by pip in an environment of its own under --cache, ours too, from its wheel; it scores the same
JPEG files, photo by photo in turns with the others, on one thread. One that cannot be installed, or fails, is left out
and told. What was scored is kept in --cache, so a run that was stopped goes on. Writes `peers-host.json` and a plot.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import large_photos
from benchmarks.figures import Figure
from benchmarks.peer_tools import cost, judging, material
from benchmarks.peer_tools.environments import prepare
from benchmarks.peer_tools.plot import plot_order
from benchmarks.peer_tools.registry import LEFT_OUT, OURS, Peer, choose
from benchmarks.peer_tools.scores import Asked, Row, collect
from benchmarks.peer_tools.screen import show_peers
from benchmarks.peer_tools.tables import FILE, KIND, SCHEMA
from benchmarks.result_file import describe_shipped, mark_look
from compression.command import count, positive, run_command, some_of
from compression.data import hash_photos, read_photos, select
from compression.progress import console, progress_bar
from edge_iqa import machine, timing
from edge_iqa.errors import DataError
from edge_iqa.files import make_folder, write_json

HERE = Path(__file__).resolve().parent
PARTS = ("order", "cost")
SMALL = HERE.parent / "examples" / "photos" / "mug.jpg"
MUST_BEAT = ("cleanvision", "brisque", "niqe")
CHEAPER_THAN = "cleanvision"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="peers.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, help="CSV of real photos with splits; needed for the part `order`")
    add("--split", choices=("val", "test"), default="test", help="of --data (%(default)s)")
    add("--photos", type=count, default=24, help="of them, spread evenly (%(default)s)")
    add("--canvases", type=count, default=8, help="things on white besides (%(default)s)")
    add("--large", type=count, default=2, help="photos of 12 megapixels besides, blurred (%(default)s)")
    add(
        "--rounds",
        type=positive,
        default=6,
        help="of times with the four photos of 12 megapixels (%(default)s)",
    )
    add("--memory-runs", type=positive, default=2, help="of memory with the same photos (%(default)s)")
    add("--clock", choices=("wall", "cpu"), default="wall", help="cpu on a busy machine (%(default)s)")
    add("--parts", type=some_of(PARTS), default=PARTS, help=f"what to measure, of {','.join(PARTS)} (all)")
    add("--peers", nargs="+", help="names of those to ask (all but the slowest)")
    add(
        "--cache",
        type=Path,
        default=HERE.parent / ".cache" / "peers",
        help="environments, files, scores (.cache/peers)",
    )
    add("--out", type=Path, default=HERE / "results", help="folder of the result (%(default)s)")
    options = parser.parse_args(argv)
    options.look = mark_look(options, parser, "photos", "canvases", "large", "rounds", "memory_runs")
    return run_command(bench, options)


def bench(options: argparse.Namespace) -> None:
    """Install, ask, judge, write, print.

    Raises:
        EdgeIqaError: the photos cannot be read, or we ourselves cannot be installed or fail.
    """
    make_folder(options.out, "--out")
    if "order" in options.parts and options.data is None:
        raise DataError("the part `order` needs photos: give --data photos.csv, or --parts cost alone")
    if options.data is not None and not options.data.exists():
        raise DataError(f"{options.data}: expected a CSV or a folder of photos, found nothing there")
    watch = machine.Watch()
    missing: dict[str, str] = {}
    everybody = install((OURS, *choose(options.peers)), options.cache, missing)
    result = run(everybody, options, missing)
    facts, usage = machine.describe(), watch.read()
    result |= {"machine": facts, "usage": usage.to_dict(), "warnings": usage.warnings(facts)}
    some = "" if set(options.parts) == set(PARTS) else f"-{'-'.join(options.parts)}"
    path = write_json(options.out / FILE.replace(".json", f"{some}{options.look}.json"), result)
    show_peers(result)
    console.print(f"wrote {path}")
    if result["order"]:
        console.print(f"wrote {plot_order(path.with_suffix('.png'), result)}")


def install(peers: Sequence[Peer], cache: Path, missing: dict[str, str]) -> list[Asked]:
    """Those that could be installed; the others go into `missing`, with the reason.

    Raises:
        DataError: we ourselves cannot be.
    """
    everybody = []
    for peer in peers:
        try:
            everybody.append(Asked(peer, prepare(peer, cache / "environments", console.print)))
        except DataError as error:
            if peer is OURS:
                raise
            missing[peer.name] = str(error)
    return everybody


def run(everybody: Sequence[Asked], options: argparse.Namespace, missing: dict[str, str]) -> dict[str, Any]:
    """Both parts, of those judges that are given, ours first; a part that is not asked for is empty."""
    ours = everybody[0].peer.name
    order: dict[str, judging.Order] = {}
    found: list[Figure] = []
    rows: list[Row] = []
    files: dict[str, Any] = {}
    data = None
    if "order" in options.parts:
        photos = select(read_photos(options.data), options.split, options.photos)
        some = [asked for asked in everybody if "order" in asked.peer.parts]
        rows = list(ask_all(some, photos, select(read_photos(options.data), options.split), options))
        pairs = judging.list_pairs(rows)
        if not pairs:
            raise DataError(
                f"nothing to look at: no photo in split {options.split!r} of --data could be read"
            )
        for asked in some:
            _note(asked, missing)
            judged = judging.judge_order(pairs, asked.peer.name) if asked.stopped is None else None
            if judged is not None:
                order[asked.peer.name] = judged
        _need(ours, order, missing)
        found += judging.make_figures(pairs, order, ours, MUST_BEAT)
        data, files = hash_photos(photos), _count(rows) | {"pairs": len(pairs)}
    costs: dict[str, Any] = {}
    if "cost" in options.parts:
        costs, figures = measure_cost(everybody, options, missing)
        found += figures
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "device": "host",
        "ours": ours,
        "bundle": describe_shipped(),
        "settings": {
            "threads": 1,
            "parts": list(options.parts),
            "clock": options.clock,
            "rounds": options.rounds,
            "memory_runs": options.memory_runs,
            "confidence": timing.CONFIDENCE,
        },
        "split": options.split if files else None,
        "data_sha256": data,
        "files": files,
        "peers": [_describe(asked) for asked in everybody],
        "missing": missing,
        "left_out": LEFT_OUT,
        "order": {name: _tell(judged, rows, name) for name, judged in order.items()},
        "cost": costs,
        "figures": [figure.to_dict() for figure in found],
    }


def ask_all(
    everybody: Sequence[Asked], photos: Sequence[Any], stock: Sequence[Any], options: argparse.Namespace
) -> Iterator[Row]:
    """Rows of all files of all sources, under a bar."""
    folder = options.cache / "files"
    sources = chain(
        material.render_photos(photos, folder),
        material.render_canvases(stock, options.canvases, folder),
        material.render_large(options.large, folder),
    )
    with progress_bar() as bar:
        task = bar.add_task("sources", total=len(photos) + options.canvases + options.large, note="")
        yield from collect(everybody, sources, options.cache / "scores", lambda: bar.advance(task))


def measure_cost(
    everybody: Sequence[Asked], options: argparse.Namespace, missing: dict[str, str]
) -> tuple[dict[str, Any], list[Figure]]:
    """Time and memory of everybody who is asked about large photos."""
    some = [asked for asked in everybody if "cost" in asked.peer.parts and asked.stopped is None]
    ours = everybody[0].peer.name
    photos = large_photos.draw_twelve(options.cache / "files")
    with progress_bar() as bar:
        task = bar.add_task("times", total=len(photos) * options.rounds, note="")
        times = cost.measure_times(some, photos, options.rounds, lambda: bar.advance(task))
        task = bar.add_task("memory", total=len(photos) * options.memory_runs, note="")
        memory = cost.measure_memory(some, SMALL, photos, options.memory_runs, lambda: bar.advance(task))
    for asked in some:
        _note(asked, missing)
    _need(ours, times, missing)
    _need(ours, memory, missing)
    told = cost.describe(times, memory, ours, options.clock, len(photos))
    return told, cost.make_figures(times, memory, ours, CHEAPER_THAN, options.clock, len(photos))


def _need(ours: str, found: object, missing: dict[str, str]) -> None:
    if ours not in found:  # type: ignore[operator]
        raise DataError(f"we ourselves were not measured: {missing.get(ours, 'no photo was answered')}")


def _note(asked: Asked, missing: dict[str, str]) -> None:
    if asked.stopped is not None:
        missing[asked.peer.name] = asked.stopped


def _describe(asked: Asked) -> dict[str, Any]:
    peer, environment = asked.peer, asked.environment
    return {
        "name": peer.name,
        "title": peer.title,
        "licence": peer.licence,
        "python": environment.version,
        "installed": list(environment.installed),
        "size_bytes": environment.size_bytes,
        "refused": len(asked.refused),
        "refusals": sorted(set(asked.refused.values()))[:5],
    }


def _tell(judged: judging.Order, rows: Sequence[Row], peer: str) -> dict[str, Any]:
    answers = [row["answers"][peer] for row in rows if peer in row["answers"] and row["kind"] != "large"]
    return {
        "reading": judged.reading,
        "readings": dict(judged.readings),
        "unanswered_pairs": judged.unanswered,
        "shares": {name: share.to_dict() for name, share in judged.shares.items()},
        "time_per_file": {
            clock: timing.summarize([answer[f"{clock}_ns"] * 1e-6 for answer in answers]).to_dict()
            for clock in ("wall", "cpu")
        }
        if answers
        else {},
    }


def _count(rows: Sequence[Row]) -> dict[str, int]:
    sources = {(row["kind"], row["photo"]) for row in rows}
    return {kind: sum(each == kind for each, _ in sources) for kind in judging.KINDS} | {"files": len(rows)}


if __name__ == "__main__":
    raise SystemExit(main())
