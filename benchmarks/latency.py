"""How long does a verdict take here? From a photo's encoded bytes to its report, on real photos.

    python benchmarks/latency.py                                   example photos, default bundle
    python benchmarks/latency.py --photos DIR --threads 2          your photos, two threads
    python benchmarks/latency.py --bundle bundles/default-0.3.1    float beside int8
    python benchmarks/latency.py --profile rapid                   a look, in a minute
    python benchmarks/latency.py --compare a.json b.json           faster, slower or not told apart
    python benchmarks/latency.py --device jetson                   refuses where this is no Jetson
    python benchmarks/latency.py --device jetson --remote me@orin  the same, run there through ssh
    python benchmarks/latency.py --device android                  a phone on a cable: the model alone
    python benchmarks/latency.py --device rpi5 --simulate          measures nothing: the least time there

Needs `edge_iqa` (the checkout's, else the installed one) with at least one inference runtime, and no
torch; rich, where installed, draws the tables. Every model file of the bundle that an installed
runtime can run is measured, in turn (see `edge_iqa.timing`), through the `Inspector` that an app uses; then,
where `mlcommons-loadgen` is installed, in the scenarios of MLPerf's LoadGen (`benchmarks/scenarios/`).

A run that is cut off, by Ctrl-C or by a link that drops, keeps the photos that were done, marked as partial.

Figures count only where the machine was left in peace (`benchmarks/validity.py`); the others are INVALID,
each with its reasons, and go to a file that says so in its name.

Exit code: 0 all was measured and is valid, 1 something failed, 2 wrong usage, 3 not the device asked for,
4 the figures are INVALID, 5 with --compare something got slower.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:
    # run as a script, Python puts benchmarks/ first, where neither edge_iqa nor benchmarks is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import comparing, devices, simulation
from benchmarks.keeper import Keeper, Streamer
from benchmarks.latency_file import SLOWER
from benchmarks.latency_options import parse
from benchmarks.latency_run import check_plan, choose_photos, measure
from benchmarks.phone.run import NAME as ANDROID
from benchmarks.phone.run import run_on_phone
from benchmarks.remote.run import run_there
from benchmarks.system import System
from benchmarks.table import show
from edge_iqa import files
from edge_iqa.errors import EdgeIqaError


def main(argv: Sequence[str] | None = None, system: System | None = None) -> int:
    """Run the command on this machine (tests hand over another); returns its exit code."""
    system = system or System()
    try:
        known = devices.read_devices()
    except EdgeIqaError as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return 1
    options = parse(argv, known)
    if options.devices:
        show(devices.to_table(known))
        return 0
    keeper = Streamer() if options.stream else Keeper()
    try:
        if options.compare:
            return _compare(*options.compare)
        if options.simulate:
            return simulation.run(options, known)
        if options.remote is not None:
            return run_there(options, sys.argv[1:] if argv is None else argv, known, choose_photos(options))
        device = devices.find(options.device, known, system)
        if device is None and options.device == ANDROID:
            return run_on_phone(options, known, system)
        if device is None:
            print(devices.refuse(options.device, known, system), file=sys.stderr)
            return 3
        check_plan(options)
        if not options.stream:
            files.make_folder(options.out, "--out")
        measure(options, device, system, keeper)
        return keeper.finish(options)
    except EdgeIqaError as error:
        print(f"latency.py: {error}", file=sys.stderr)
        return keeper.cut(options, "it failed", 1)
    except KeyboardInterrupt:
        print(
            f"\nlatency.py: stopped{'; nothing was written' if keeper.last is None else ''}", file=sys.stderr
        )
        return keeper.cut(options, "it was interrupted", 130)


def _compare(before: Path, after: Path) -> int:
    """Print what got faster or slower; returns the exit code.

    Raises:
        DataError: the two cannot be compared.
    """
    rows, notes = comparing.compare_files(before, after)
    show(comparing.to_table(rows))
    for note in notes:
        print(f"note: {note}")
    return SLOWER if comparing.is_regression(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
