"""What `latency.py` can be asked: the options of its command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import devices
from benchmarks.device import Device
from edge_iqa import backends

CHECKOUT = Path(__file__).resolve().parent.parent
EXAMPLES = CHECKOUT / "examples" / "photos"
RESULTS = CHECKOUT / "benchmarks" / "results"
CACHE = CHECKOUT / ".cache" / "megapixels"

REPEATS = 400
"""Enough for p99, which needs 368."""
QUICK_REPEATS = 40
"""Enough for p90, which needs 36."""
EXAMPLE_PHOTOS = 4
"""Of the examples, from the smallest file to the largest: a fault in a photo takes no longer to judge."""
QUICK_PHOTOS = 3


def parse(argv: Sequence[str] | None, known: Mapping[str, Device]) -> argparse.Namespace:
    """Read the command line; exits with 2 and says why where it is wrong.

    Args:
        known: the devices that can be asked for.
    """
    parser = argparse.ArgumentParser(
        prog="latency.py",
        description="Measure how long a verdict takes, stage by stage, from a photo's encoded bytes.",
        epilog="Exit code: 0 all was measured and is valid, 1 something failed, 2 wrong usage, 3 not the device "
        "asked for, 4 the figures are INVALID: the machine was not left in peace; benchmarks/README.md says what "
        "to do about each reason.",
    )
    add = parser.add_argument
    add(
        "--device",
        choices=tuple(known),
        default=devices.HOST,
        help="what this machine must be (%(default)s); --devices says what each is known by",
    )
    add("--devices", action="store_true", help="list the devices, and measure nothing")
    add("--photos", nargs="+", type=Path, help=f"folders or files ({EXAMPLE_PHOTOS} of the example photos)")
    add(
        "--megapixels",
        nargs="+",
        type=float,
        default=[],
        help="make photos of these sizes too, kept in .cache",
    )
    add("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    add("--backend", choices=tuple(backends.RUNTIMES), help="only this one (all that are installed)")
    add("--threads", type=_count, help="threads for the model, at most one per core (1)")
    add(
        "--opencv-threads", type=_count, help="threads for the rest (as many as OpenCV chooses, as in an app)"
    )
    add("--repeats", type=_count, help=f"kept rounds per photo ({REPEATS}; with --quick {QUICK_REPEATS})")
    add("--out", type=Path, default=RESULTS, help="folder for the result (benchmarks/results)")
    add(
        "--quick",
        action="store_true",
        help=f"few rounds, {QUICK_PHOTOS} photos, and a result file of its own",
    )
    options = parser.parse_args(argv)
    if options.repeats is None:
        options.repeats = QUICK_REPEATS if options.quick else REPEATS
    return options


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)
