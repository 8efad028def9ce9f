"""What the command `edge-iqa` takes: its subcommands, their options, and what `--help` says of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edge_iqa import __version__
from edge_iqa.batch.arguments import add_batch
from edge_iqa.camera.arguments import add_camera
from edge_iqa.gallery.arguments import add_duplicates, add_gallery
from edge_iqa.options import add_jobs_option, add_model_options, add_policy_options

if TYPE_CHECKING:
    from edge_iqa.options import Commands

Run = Callable[[argparse.Namespace], int]
"""Does the work of a command and gives its exit code."""


def make_parser(runs: Mapping[str, Run]) -> argparse.ArgumentParser:
    """The parser of all commands.

    Args:
        runs: what does the work of each command, by the command's name.

    Returns:
        A parser whose namespace has `run`, and `parser`, the one of the command.
    """
    parser = argparse.ArgumentParser(
        prog="edge-iqa", description="Is this product photo good enough? Answered on the device."
    )
    parser.add_argument("--version", action="version", version=f"edge-iqa {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_inspect(commands)
    _add_fix(commands)
    _add_report(commands)
    add_batch(commands)
    add_camera(commands)
    add_duplicates(commands)
    add_gallery(commands)
    _add_policies(commands)
    _add_doctor(commands)
    _add_schema(commands)
    for name, command in commands.choices.items():
        command.set_defaults(parser=command, run=runs[name])
    return parser


def _add_inspect(commands: Commands) -> None:
    inspect = commands.add_parser(
        "inspect",
        help="judge photos",
        description="Judge photos: accept, fix (the device can repair it), retake (and why), or review (not sure).",
        epilog="Exit code: 0 all accepted (or --override), 1 some not, 2 wrong usage, 3 something could not be read.",
    )
    _add_inspect_options(inspect)


def _add_fix(commands: Commands) -> None:
    fix = commands.add_parser(
        "fix",
        help="repair photos, or leave them as they were",
        description="Repair photos for the causes that block them: light, contrast, cast, noise, lean, framing, "
        "background, bytes. The verdict `fix` is tried, and `review` and `retake` where the score alone gives them and "
        "a cause can be repaired. A repair stands only if it makes the photo better. OUT is written where the photo "
        "was repaired, and as a copy where it is accepted already (byte for byte, unless OUT asks for another "
        "format); any other photo gives no file.",
        epilog="Exit code: 0 what was written is accepted, 1 it is better but not accepted, or the photo was left as "
        "it was, 2 wrong usage, or OUT is there already or cannot be written, 3 a photo cannot be read. Of several "
        "photos the worst counts; the rest is done all the same.",
    )
    _add_fix_options(fix)


def _add_report(commands: Commands) -> None:
    report = commands.add_parser(
        "report",
        help="write a page that shows why and where",
        description="Judge photos and write one HTML page: each photo beside its quality map, its causes, the rules "
        "of the policy, what was measured. The page loads nothing; it holds small copies of the photos "
        "(about 0.2 MB each) without the place and time at which they were taken.",
        epilog="Exit code: 0 all accepted, 1 some not, 2 wrong usage, 3 something could not be read; "
        "the page is written all the same, unless nothing could be read.",
    )
    _add_report_options(report)


def _add_policies(commands: Commands) -> None:
    policies = commands.add_parser(
        "policies",
        help="show what marketplaces ask for",
        description="List the policies that come along, or show every rule of one.",
        epilog="Exit code: 0 shown, 2 no such policy, or a file that is none.",
    )
    policies.add_argument(
        "policy", nargs="?", metavar="NAME|FILE", help="a policy, or a team's own TOML file"
    )
    policies.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _add_doctor(commands: Commands) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="check this installation",
        description="Check versions, backends and bundle, and run the bundle's golden photos.",
        epilog="Exit code: 0 all is well, 1 something is wrong.",
    )
    doctor.add_argument("--json", action="store_true", help="one JSON object instead of text")
    doctor.add_argument("--bundle", metavar="DIR", help="another bundle than the one installed")


def _add_schema(commands: Commands) -> None:
    schema = commands.add_parser(
        "schema",
        help="print the JSON Schema of reports",
        description="Print the JSON Schema (draft 2020-12) of a line of `edge-iqa inspect --json`, or of `edge-iqa "
        "fix --json`.",
    )
    schema.add_argument(
        "--of", choices=("inspect", "fix"), default="inspect", help="whose lines; inspect if not given"
    )


def _add_inspect_options(parser: argparse.ArgumentParser) -> None:
    _add_photo_options(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    output.add_argument(
        "--details",
        action="store_true",
        help="below each photo every cause and hint, and every rule with its value",
    )
    parser.add_argument(
        "--override",
        type=_reason,
        metavar="REASON",
        help="the photos go up all the same: verdicts stay, the reason is recorded, the exit code is 0",
    )
    add_model_options(parser)
    add_jobs_option(parser)


def _add_photo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="a photo, or a folder: the photos directly in it, by name"
    )
    add_policy_options(parser)


def _add_report_options(parser: argparse.ArgumentParser) -> None:
    _add_photo_options(parser)
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="the page, such as report.html")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="try the repairs that can be made on the device, and show before and after; photos stay as they are",
    )
    add_model_options(parser)
    add_jobs_option(parser)


def _add_fix_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="IN",
        help="a photo, or a folder: the photos directly in it, by name; they are only read",
    )
    parser.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="OUT",
        help="where to write: a name that ends in .jpg, .png or .webp, or a folder, which is made if its name ends "
        "in /; several photos need a folder",
    )
    add_policy_options(parser)
    parser.add_argument(
        "--strip-location",
        action="store_true",
        help="leave out where the photo was taken",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="OUT may be there already, and may be IN itself; no photo replaces another one of the same run",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line instead of text (`edge-iqa schema --of fix` describes it)",
    )
    add_model_options(parser)


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected the reason in words, got an empty text")
    return text
