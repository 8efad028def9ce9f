"""Options of `latency.py --device android` where the phone hangs on a cable."""

from __future__ import annotations

import argparse
from pathlib import Path

_ON_THE_PHONE = (
    "photos",
    "megapixels",
    "backend",
    "opencv_threads",
    "tries",
    "scenario",
    "stream",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what chooses the phone and the program on it."""
    add = parser.add_argument_group("--device android through adb: the model alone").add_argument
    add("--serial", help="which phone, where `adb devices` shows several")
    add(
        "--benchmark-model",
        type=Path,
        metavar="FILE",
        help="LiteRT's benchmark_model for the phone, to copy there (else /data/local/tmp/benchmark_model on it)",
    )


def find_misplaced(options: argparse.Namespace) -> str | None:
    """An option that would do nothing through adb, as it is typed."""
    given = [name for name in _ON_THE_PHONE if getattr(options, name)]
    return f"--{given[0].replace('_', '-')}" if given else None
