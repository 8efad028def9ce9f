"""Runs in CleanVision's own environment: checks the photos named, once for each line that comes, and tells how long.

The other end is `benchmarks/cleanvision_session.py`. Imports nothing of ours, and nothing of ours is installed there.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import sys
import time

from cleanvision import Imagelab


def main() -> None:
    """Answer each line of standard input with one of standard output, as JSON, until it ends."""
    answers = sys.stdout
    photos = sys.argv[1:]
    print(json.dumps({"version": importlib.metadata.version("cleanvision")}), file=answers, flush=True)
    for _ in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            wall_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
            Imagelab(filepaths=photos).find_issues(n_jobs=1, verbose=False)
            told = {"wall_ns": time.perf_counter_ns() - wall_ns, "cpu_ns": time.process_time_ns() - cpu_ns}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
