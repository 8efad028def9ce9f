"""What a process holds after the import, after an Inspector is open, and after its first verdict.

    python benchmarks/footprint/memory_child.py PHOTO BUNDLE BACKEND THREADS OPENCV_THREADS

Prints as JSON the unique set size and the peak after each, in bytes. Started by `benchmarks/footprint/memory.py`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

if not __package__:
    # run as a script, Python puts this folder first, where neither edge_iqa nor benchmarks is found
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks.footprint.own_memory import read_memory
from benchmarks.system import System
from edge_iqa import Inspector, opencv


def main() -> None:
    """Measure this process; what fails ends it with a traceback."""
    photo, bundle, backend, threads, opencv_threads = sys.argv[1:]
    system = System()
    cv2 = opencv.load()
    if opencv_threads:
        cv2.setNumThreads(int(opencv_threads))
    told = {"import": read_memory(system)}
    with Inspector.open(bundle, backend, int(threads)) as inspector:
        told["open"] = read_memory(system)
        report = inspector.inspect(photo)
        told["verdict"] = read_memory(system)
    sizes = {"width_px": report.width_px, "height_px": report.height_px}
    print(json.dumps({**sizes, **{step: asdict(memory) for step, memory in told.items()}}))


if __name__ == "__main__":
    main()
