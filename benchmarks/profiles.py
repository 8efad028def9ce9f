"""How thorough `latency.py` is: `--profile rapid|standard|submission`, one table of what each sets."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.photos import Photo, pick

SCENARIOS = ("SingleStream", "MultiStream", "Offline")
"""Those of MLPerf's LoadGen that say something of one device; its fourth, Server, is about many clients."""
NONE = "none"
"""As `--scenario`: our own loop alone."""


@dataclass(frozen=True)
class Profile:
    """What is measured unless the command line says otherwise.

    Attributes:
        repeats: kept rounds of our own loop, per photo.
        tries: of a photo's rounds, where they drift or never settle.
        examples: example photos that are measured, from the smallest file to the largest.
        at_most: photos out of `--photos`; None takes all.
        scenarios: LoadGen's, after our own loop.
        scenario_seconds: least duration of each; None: as long and as often as LoadGen's own rules have it.
        suffix: in the name of the result file, so that none takes another one's place.
    """

    name: str
    repeats: int
    tries: int
    examples: int
    at_most: int | None
    scenarios: tuple[str, ...]
    scenario_seconds: float | None
    suffix: str

    def choose(self, photos: Sequence[Photo], given: bool, chosen: bool = False) -> list[Photo]:
        """Photos to measure, of those `given` by the user, or else of the examples; all where they were `chosen`
        already, on the computer that sent them here."""
        most = None if chosen else self.at_most if given else self.examples
        return list(photos) if most is None else pick(photos, most)


RAPID = Profile("rapid", 40, 1, 3, 3, (), 2.0, "-rapid")
"""A look: enough rounds for p90, which needs 36."""
STANDARD = Profile("standard", 400, 3, 4, None, SCENARIOS, 10.0, "")
"""Enough rounds for p99, which needs 368."""
SUBMISSION = Profile("submission", 1000, 3, 4, None, SCENARIOS, None, "-submission")
"""p99 between two ranks that lie closer; scenarios take ten minutes each at least."""
PROFILES = {each.name: each for each in (RAPID, STANDARD, SUBMISSION)}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that choose a profile, and those that override what it says of scenarios."""
    add = parser.add_argument
    add(
        "--profile",
        choices=tuple(PROFILES),
        default=STANDARD.name,
        help="how thorough (%(default)s): rapid is a look at few photos; submission takes LoadGen's own durations, "
        "ten minutes a scenario and model at least; those two write files of their own",
    )
    add(
        "--scenario",
        nargs="+",
        choices=(*SCENARIOS, NONE),
        help="of MLPerf's LoadGen, after our own loop (rapid: none; the others: all three, where it is installed)",
    )
    add(
        "--scenario-seconds",
        type=_seconds,
        metavar="S",
        help=f"least duration of a scenario ({STANDARD.scenario_seconds:g}; submission: as LoadGen's rules have it)",
    )


def apply(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Fill in what the command line left to its profile; `options.profile` is the `Profile` afterwards.

    `options.scenarios` is what to run, `options.scenario` stays what was asked for, or None.
    """
    options.profile = profile = PROFILES[options.profile]
    if options.repeats is None:
        options.repeats = profile.repeats
    if options.scenario_seconds is None:
        options.scenario_seconds = profile.scenario_seconds
    asked = options.scenario
    if asked and NONE in asked and len(asked) > 1:
        parser.error(f"argument --scenario: {NONE} stands alone, got {' '.join(asked)}")
    wanted = profile.scenarios if asked is None else asked
    options.scenarios = tuple(each for each in SCENARIOS if each in wanted)


def count_tries(options: argparse.Namespace) -> int:
    """How often a photo may be measured: as asked, or as its profile has it."""
    tries: int = options.tries or options.profile.tries
    return tries


def to_settings(options: argparse.Namespace) -> dict[str, Any]:
    """What the result file says of it."""
    return {
        "profile": options.profile.name,
        "tries": count_tries(options),
        "scenarios": list(options.scenarios),
        "scenario_seconds": options.scenario_seconds,
    }


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.001 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"expected seconds between 0.001 and 86400, got {text!r}")
    return seconds
