"""Judge many photos in one process, and say what each took and what the process then held.

    python -m benchmarks.scales.endurance FOLDER COUNT

Judges the files of a folder again and again until COUNT are done. Prints, as JSON: milliseconds of each, and bytes
held after the first and after every whole pass of the folder, each with the photos done until then.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)

from benchmarks.footprint.own_memory import read_status
from benchmarks.system import System
from edge_iqa import Inspector, opencv


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in this process; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="endurance.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    parser.add_argument("--backend", help="runtime of the model (what is installed, LiteRT first)")
    options = parser.parse_args(argv)
    opencv.load().setNumThreads(1)
    paths = sorted(options.folder.iterdir())
    times_ms: list[float] = []
    held: list[tuple[int, int | None]] = []
    with Inspector.open(options.bundle, options.backend, threads=1) as inspector:
        for done, path in enumerate(itertools.islice(itertools.cycle(paths), options.count), 1):
            start_s = time.perf_counter()
            inspector.inspect(path)
            times_ms.append((time.perf_counter() - start_s) * 1e3)
            if done == 1 or done % len(paths) == 0:
                held.append((done, read_status(System(), "VmRSS")))
    print(json.dumps({"times_ms": times_ms, "held": held}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
