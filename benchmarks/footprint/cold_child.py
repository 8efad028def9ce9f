"""A new process that opens an Inspector and judges one photo, with the moment of each step.

    python benchmarks/footprint/cold_child.py PHOTO BUNDLE BACKEND THREADS OPENCV_THREADS

Prints as JSON the moments in ns of the monotonic clock, which is the same one in all processes of a machine.
Started by `benchmarks/footprint/cold.py`. Imports nothing before the clock is read that Python has not
loaded by itself.
"""

import os
import sys
import time

STARTED_NS = time.monotonic_ns()

# run as a script, Python puts this folder first, where neither edge_iqa nor benchmarks is found
sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main() -> None:
    """Measure this process; what fails ends it with a traceback."""
    photo, bundle, backend, threads, opencv_threads = sys.argv[1:]

    from edge_iqa import Inspector

    imported_ns = time.monotonic_ns()
    if opencv_threads:
        from edge_iqa import opencv

        opencv.load().setNumThreads(int(opencv_threads))
    with Inspector.open(bundle, backend, int(threads)) as inspector:
        opened_ns = time.monotonic_ns()
        inspector.inspect(photo)
        judged_ns = time.monotonic_ns()
        inspector.inspect(photo)
        again_ns = time.monotonic_ns()

    import json

    told = {
        "started": STARTED_NS,
        "imported": imported_ns,
        "opened": opened_ns,
        "judged": judged_ns,
        "again": again_ns,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
