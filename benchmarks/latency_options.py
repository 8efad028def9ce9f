"""What `latency.py` can be asked: the options of its command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import devices, profiles
from benchmarks.device import Device
from benchmarks.phone import options as phone_options
from benchmarks.remote import options as remote_options
from edge_iqa import backends

CHECKOUT = Path(__file__).resolve().parent.parent
EXAMPLES = CHECKOUT / "examples" / "photos"
RESULTS = CHECKOUT / "benchmarks" / "results"
CACHE = CHECKOUT / ".cache" / "megapixels"
_MOST = 9_999_999
_TRIES = ", ".join(f"{each.name} {each.tries}" for each in profiles.PROFILES.values())
_REPEATS = ", ".join(f"{each.name} {each.repeats}" for each in profiles.PROFILES.values())


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
        "to do about each reason. A run that is cut off (a link that drops: 1, Ctrl-C: 130) keeps the photos that were "
        "done in a file -partial.json, which is INVALID. 5 with --compare: something got slower.",
        allow_abbrev=False,  # a remote gets the options as they are typed
    )
    add = parser.add_argument
    add(
        "--device",
        choices=tuple(known),
        default=devices.HOST,
        help="what this machine must be (%(default)s); --devices says what each is known by",
    )
    add("--devices", action="store_true", help="list the devices, and measure nothing")
    add(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("BEFORE", "AFTER"),
        help="compare two results and measure nothing; exit code 5 if anything got slower",
    )
    add("--photos", nargs="+", type=Path, help="folders or files (a few of the example photos)")
    add(
        "--megapixels",
        nargs="+",
        type=float,
        default=[],
        help="make photos of these sizes too, out of the photos, kept in .cache",
    )
    add("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    add("--backend", choices=tuple(backends.RUNTIMES), help="only this one (all that are installed)")
    add("--threads", type=_count, help="threads for the model, at most one per core (1)")
    add(
        "--opencv-threads", type=_count, help="threads for the rest (as many as OpenCV chooses, as in an app)"
    )
    add("--repeats", type=_count, help=f"kept rounds per photo ({_REPEATS})")
    add(
        "--tries",
        type=_count,
        metavar="N",
        help=f"where a photo's rounds drift or never settle, measure it again, N times at most ({_TRIES})",
    )
    add("--out", type=Path, default=RESULTS, help="folder for the result (benchmarks/results)")
    add(
        "--simulate",
        action="store_true",
        help="measure nothing: from the device's data sheet, the least time that the network takes there",
    )
    profiles.add_options(parser)
    remote_options.add_options(parser)
    phone_options.add_options(parser)
    add(
        "--no-footprint",
        dest="footprint",
        action="store_false",
        help="measure neither cold start, memory, energy nor sizes",
    )
    options = parser.parse_args(argv)
    remote_options.check_options(parser, options)
    _check_alone(parser, options)
    measuring = ("photos", "megapixels", "opencv_threads", "repeats", "tries", "scenario", "remote", "stream")
    if options.simulate and (meant := [name for name in measuring if getattr(options, name)]):
        parser.error(f"--simulate measures nothing: leave out --{meant[0].replace('_', '-')}")
    profiles.apply(options, parser)
    return options


def _check_alone(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with 2 where an option would do nothing beside another that measures nothing, or elsewhere."""
    for alone in ("devices", "compare"):
        if getattr(options, alone):
            typed = (
                "photos",
                "megapixels",
                "bundle",
                "backend",
                "threads",
                "repeats",
                "tries",
                "scenario",
                "remote",
                "simulate",
            )
            others = [
                name for name in (*typed, "devices", "compare") if name != alone and getattr(options, name)
            ]
            if others:
                parser.error(f"--{alone} measures nothing: leave out --{others[0]}")
    on_phone = options.device == "android" and options.remote is None
    if not on_phone and (given := [name for name in ("serial", "benchmark_model") if getattr(options, name)]):
        parser.error(f"--{given[0].replace('_', '-')} goes with --device android, through adb")
    if (
        options.scenario_seconds is not None
        and options.profile == profiles.RAPID.name
        and not options.scenario
    ):
        parser.error("--scenario-seconds: this profile has no scenarios; name one with --scenario")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text[:10]) >= 1 or len(text) > 7:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {_MOST:,}, got {text[:40]!r}")
    return int(text)
