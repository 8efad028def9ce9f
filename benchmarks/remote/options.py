"""Options of `latency.py` that say where it runs, and which of the others go on to a remote."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--remote` and what belongs to it."""
    add = parser.add_argument_group("on another machine (benchmarks/README.md)").add_argument
    add("--remote", metavar="USER@HOST", help="run there through ssh, and bring the result here")
    add("--ssh-config", type=Path, metavar="FILE", help="configuration of ssh, instead of your own")
    add(
        "--remote-python",
        metavar="PATH",
        help="a Python there that has numpy, OpenCV and a runtime, used as it is (else an environment is made there)",
    )
    add("--wheel", type=Path, metavar="FILE", help="wheel of edge-iqa to send (else it is built)")
    add(
        "--stream",
        action="store_true",
        help="write no file: hand out progress and each photo's result on standard output, as RFC 7464 has it",
    )


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with 2 where an option would do nothing."""
    if options.remote is None:
        for name in ("ssh_config", "remote_python", "wheel"):
            if getattr(options, name) is not None:
                parser.error(f"--{name.replace('_', '-')} goes with --remote")
    elif options.stream:
        parser.error("--stream and --remote: the remote's stream is read here; leave one out")


def pass_on(argv: Sequence[str]) -> list[str]:
    """The options that the remote's `latency.py` gets as they are: all but those that concern this side."""
    here = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_options(here)
    here.add_argument("--out")
    here.add_argument("--bundle")
    here.add_argument("--photos", nargs="+")
    here.add_argument("--megapixels", nargs="+")  # made here, and sent
    return here.parse_known_args(argv)[1]
