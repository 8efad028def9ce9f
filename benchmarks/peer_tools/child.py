"""Runs in a peer's own environment: answers each line of standard input with one of standard output, both JSON.

    python -I child.py SCORER.py [ARGUMENTS]

SCORER.py has a function `open_scorer(*arguments)` that imports the peer and returns what scores: a function from paths
to one dictionary of readings a path, each the larger the better. Asked is `{"paths": [...]}`; answered are the
readings, time and memory. The other end is `benchmarks/peer_tools/session.py`. Imports nothing of ours, and runs on
Python from 3.7 on.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import resource
import sys
import time

STATUS = "/proc/self/status"


def main():
    """Speak until standard input ends."""
    # what a peer prints, C libraries too, must not come between the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # `exit()`, which one peer calls where a photo is too small, closes sys.stdin
    questions = os.fdopen(os.dup(0))
    spec = importlib.util.spec_from_file_location("scorer", sys.argv[1])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    start_ns = time.perf_counter_ns()
    score = module.open_scorer(*sys.argv[2:])
    tell(answers, {"ready": True, "import_ns": time.perf_counter_ns() - start_ns})
    for line in questions:
        tell(answers, ask(score, json.loads(line)["paths"]))


def ask(score, paths):
    """Score once; readings, and what that took."""
    gc.collect()
    resets = reset_peak()
    base = read_status("VmRSS") if resets else read_most()
    wall_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
    try:
        told = {"scores": [{name: float(value) for name, value in each.items()} for each in score(paths)]}
    except (Exception, SystemExit) as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    cpu_ns, wall_ns = time.process_time_ns() - cpu_ns, time.perf_counter_ns() - wall_ns
    peak = read_status("VmHWM") if resets else read_most()
    return dict(
        told, wall_ns=wall_ns, cpu_ns=cpu_ns, base_bytes=base, peak_bytes=peak, private_bytes=read_private()
    )


def tell(stream, value):
    """One line."""
    stream.write(json.dumps(value) + "\n")
    stream.flush()


def reset_peak():
    """Set the most that was held back to what is held; whether the system can."""
    try:
        with open("/proc/self/clear_refs", "w") as stream:
            stream.write("5")
    except OSError:
        return False
    return True


def read_most():
    """The most that was ever held, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read_status(name):
    """A size that Linux tells of this process, bytes."""
    with open(STATUS) as stream:
        return next(int(line.split()[1]) * 1024 for line in stream if line.startswith(name + ":"))


def read_private():
    """What this process alone holds (USS), bytes; None where the system does not tell."""
    try:
        with open("/proc/self/smaps_rollup") as stream:
            return sum(int(line.split()[1]) * 1024 for line in stream if line.startswith("Private_"))
    except OSError:
        return None


if __name__ == "__main__":
    main()
