"""The command `edge-iqa`. The only module that prints.

Exit codes of `inspect` and `report`: 0 every photo is accepted (`inspect`: or set aside by `--override`), 1 some are
not, 2 wrong usage (or no bundle, policy or backend to run with), 3 something could not be read; the rest is
done all the same. `fix`: 0 what stands at OUT is accepted, 1 it is better but not accepted, or the photo was left as it
was and nothing is written, 2 as above, or OUT may not or cannot be written, 3 as above; of several photos the worst.
`doctor`: 0 all is well, 1 something is wrong. `policies`: 0, or 2 where there is no such policy. `schema`: 0.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from edge_iqa import __version__
from edge_iqa.errors import EdgeIqaError, OutputError, PhotoError
from edge_iqa.formats import SUFFIXES
from edge_iqa.plain_json import dump
from edge_iqa.words import list_languages

if TYPE_CHECKING:
    from edge_iqa.inspector import Inspector
    from edge_iqa.policy import Policy
    from edge_iqa.report import Failure, Report

ACCEPTED, NOT_ACCEPTED, USAGE, UNREADABLE = 0, 1, 2, 3
_INTERRUPTED = 130  # what shells report for SIGINT
BROKEN_PIPE = 141  # and for SIGPIPE

_BACKENDS = ("litert", "onnx")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: without the program's name; None takes those of the process.
    """
    if sys.stderr is None:  # closed, as by `2>&-`
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    if sys.stdout is None:
        print("edge-iqa: expected an output to write results to, and it is closed", file=sys.stderr)
        return USAGE
    logging.basicConfig(format="%(name)s: %(message)s")  # warnings go to stderr
    options = _parse(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has gone, as `| head` does
        drop_output()
        return BROKEN_PIPE
    except OSError as error:  # say, a full disk below `> results.jsonl`
        drop_output()
        print(f"edge-iqa: the results could not be written ({error.strerror or error})", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except EdgeIqaError as error:
        print(f"edge-iqa: {error}", file=sys.stderr)
        return USAGE
    return code


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; what a command does not know is told with the usage of that command."""
    options, unknown = _make_parser().parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def drop_output() -> None:
    """Send what is still buffered nowhere, so that Python does not fail on it again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-iqa", description="Is this product photo good enough? Answered on the device."
    )
    parser.add_argument("--version", action="version", version=f"edge-iqa {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    inspect = commands.add_parser(
        "inspect",
        help="judge photos",
        description="Judge photos: accept, fix (the device can repair it), retake (and why), or review (not sure).",
        epilog="Exit code: 0 all accepted (or --override), 1 some not, 2 wrong usage, 3 something could not be read.",
    )
    _add_inspect_options(inspect)
    doctor = commands.add_parser(
        "doctor",
        help="check this installation",
        description="Check versions, backends and bundle, and run the bundle's golden photos.",
        epilog="Exit code: 0 all is well, 1 something is wrong.",
    )
    doctor.add_argument("--json", action="store_true", help="one JSON object instead of text")
    doctor.add_argument("--bundle", metavar="DIR", help="another bundle than the one installed")
    doctor.set_defaults(run=_doctor)
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
    policies.set_defaults(run=_policies)
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
    fix = commands.add_parser(
        "fix",
        help="repair photos, or leave them as they were",
        description="Repair photos whose verdict is `fix`: light, color, noise, lean, framing, background. A repair "
        "stands only if it makes the photo better. OUT is written where the photo was repaired, and as a copy where "
        "it is accepted already (byte for byte, unless OUT asks for another format); one to take anew, to be looked "
        "at, or that no repair makes better gives no file.",
        epilog="Exit code: 0 what was written is accepted, 1 it is better but not accepted, or the photo was left as "
        "it was, 2 wrong usage, or OUT is there already or cannot be written, 3 a photo cannot be read. Of several "
        "photos the worst counts; the rest is done all the same.",
    )
    _add_fix_options(fix)
    schema = commands.add_parser(
        "schema",
        help="print the JSON Schema of reports",
        description="Print the JSON Schema (draft 2020-12) of a line of `edge-iqa inspect --json`, or of `edge-iqa "
        "fix --json`.",
    )
    schema.add_argument(
        "--of", choices=("inspect", "fix"), default="inspect", help="whose lines; inspect if not given"
    )
    schema.set_defaults(run=_schema)
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


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
    _add_model_options(parser)
    _add_jobs_option(parser)
    parser.set_defaults(run=_inspect)


def _add_photo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="a photo, or a folder: the photos directly in it, by name"
    )
    _add_policy_options(parser)


def _add_policy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy",
        metavar="NAME|FILE",
        help="whose rules to check (`edge-iqa policies` lists them); else general",
    )
    parser.add_argument(
        "--lang",
        metavar="LANG",
        default="en",
        help=f"language of causes and advice: {', '.join(list_languages())}",
    )


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", metavar="DIR", help="another bundle than the one installed")
    parser.add_argument("--backend", choices=_BACKENDS, help="what runs the model; else the best installed")
    parser.add_argument("--threads", type=_positive, metavar="N", help="threads of the model; 1 if not given")


def _add_jobs_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=_positive, metavar="N", help="photos at the same time; one per core if not given"
    )


def _add_report_options(parser: argparse.ArgumentParser) -> None:
    _add_photo_options(parser)
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="the page, such as report.html")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="try the repairs that can be made on the device, and show before and after; photos stay as they are",
    )
    _add_model_options(parser)
    _add_jobs_option(parser)
    parser.set_defaults(run=_write_report)


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
    _add_policy_options(parser)
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
    _add_model_options(parser)
    parser.set_defaults(run=_fix)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected the reason in words, got an empty text")
    return text


def _inspect(options: argparse.Namespace) -> int:
    from edge_iqa.inspector import Inspector  # --help and --version need no numpy

    with Inspector.open(options.bundle, options.backend, options.threads, options.lang) as inspector:
        paths = [path for photo in options.photos for path in _expand(photo)]
        results = _explain_folders(
            inspector.inspect_many(paths, options.jobs, options.policy, options.override)
        )
        counts = _print_lines(results) if options.json else _print_table(results, paths, options.details)
    if counts["error"]:
        return UNREADABLE
    accepted = counts["accept"] == sum(counts.values()) or options.override is not None
    return ACCEPTED if accepted else NOT_ACCEPTED


def _write_report(options: argparse.Namespace) -> int:
    from edge_iqa.inspector import Inspector
    from edge_iqa.page.command import check_target, write_report
    from edge_iqa.page.repairing import repair_for_page
    from edge_iqa.policy import DEFAULT, open_policy
    from edge_iqa.words import open_words

    paths = [path for photo in options.photos for path in _expand(photo)]
    if not _tell_unless_any_reads(paths):
        print(f"edge-iqa: {options.out}: nothing written, as no photo could be read", file=sys.stderr)
        return UNREADABLE
    check_target(options.out)
    policy = open_policy(DEFAULT if options.policy is None else options.policy)
    with Inspector.open(options.bundle, options.backend, options.threads, options.lang) as inspector:
        progress = _count_to(len(paths)) if sys.stderr.isatty() and len(paths) > 1 else None
        written = write_report(
            inspector, paths, options.out, policy, open_words(options.lang),
            repair=repair_for_page if options.fix else None, jobs=options.jobs, progress=progress,
        )  # fmt: skip
    _escape_what_does_not_fit()
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(written.outcomes.items()))
    print(f"{written.path}: {counts} ({written.size_bytes / 1e6:.1f} MB)")
    if written.outcomes["failed"]:
        return UNREADABLE
    return ACCEPTED if written.outcomes["accept"] == len(paths) else NOT_ACCEPTED


def _tell_unless_any_reads(paths: list[str]) -> bool:
    """Whether at least one photo can be read; where none can, each error is told."""
    from edge_iqa import image

    problems = []
    for path in paths:
        try:
            image.read(path)
            return True
        except PhotoError as error:
            problems.append(_explain_folder(path) if os.path.isdir(path) else error)
    for problem in problems:
        print(f"edge-iqa: {problem}", file=sys.stderr)
    return False


def _fix(options: argparse.Namespace) -> int:
    from edge_iqa.inspector import Inspector
    from edge_iqa.policy import DEFAULT, open_policy

    policy = open_policy(DEFAULT if options.policy is None else options.policy)
    is_one = len(options.photos) == 1 and not os.path.isdir(options.photos[0])
    if not is_one:
        _check_folder(options.out)
    with Inspector.open(options.bundle, options.backend, options.threads, options.lang) as inspector:
        return (_fix_one if is_one else _fix_many)(inspector, policy, options)


def _check_folder(out: str) -> None:
    from edge_iqa.files import make_folder
    from edge_iqa.fix.place import is_folder

    if not is_folder(out):
        raise OutputError(
            f"{out}: expected a folder for several photos: one that exists, or a name that ends in /"
        )
    make_folder(out, "-o")


def _fix_one(inspector: Inspector, policy: Policy, options: argparse.Namespace) -> int:
    from edge_iqa.fix.command import fix_file
    from edge_iqa.report import Failure

    try:
        fixed = fix_file(
            inspector, options.photos[0], options.out, policy,
            strip_location=options.strip_location, overwrite=options.overwrite,
        )  # fmt: skip
    except PhotoError as error:
        if options.json:
            print(dump(Failure(options.photos[0], error).to_dict()))
        print(f"edge-iqa: {error}", file=sys.stderr)
        return UNREADABLE
    _escape_what_does_not_fit()
    print(dump(fixed.to_dict()) if options.json else fixed.to_text())
    return fixed.code


def _fix_many(inspector: Inspector, policy: Policy, options: argparse.Namespace) -> int:
    from edge_iqa.fix.batch import Unfixed, fix_files

    paths = [path for photo in options.photos for path in _expand(photo)]
    progress = _count_to(len(paths)) if sys.stderr.isatty() else None
    counts: Counter[str] = Counter()
    code = ACCEPTED
    _escape_what_does_not_fit()
    results = fix_files(
        inspector, paths, options.out, policy,
        strip_location=options.strip_location, overwrite=options.overwrite,
    )  # fmt: skip
    for done, result in enumerate(results, 1):
        if isinstance(result, Unfixed) and os.path.isdir(result.source):
            result = Unfixed(result.source, _explain_folder(result.source))
        code = max(code, result.code)
        counts[result.outcome] += 1
        if progress is not None and sys.stdout.isatty():
            print("\r", end="", file=sys.stderr, flush=True)  # the line goes over the count
        print(dump(result.to_dict()) if options.json else result.to_line(), flush=True)
        if progress is not None:
            progress(done)
    if not options.json:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        print(f"{len(paths)} photo{'' if len(paths) == 1 else 's'}: {told}")
    return code


def _count_to(total: int) -> Callable[[int], None]:
    """Progress in one line of stderr."""

    def show(done: int) -> None:
        print(f"\r{done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return show


def _expand(photo: str) -> Iterator[str]:
    """A file as it is; a folder as the photos directly in it, in the order of their names."""
    if not os.path.isdir(photo):
        yield photo
        return
    try:
        names = sorted(name for name in os.listdir(photo) if name.lower().endswith(SUFFIXES))
    except OSError:
        names = []
    shown = [os.path.join(photo, name) for name in names if not name.startswith(".")]
    yield from shown or [photo]  # a folder without photos is an error, told as that of a photo


def _explain_folders(results: Iterator[Report | Failure]) -> Iterator[Report | Failure]:
    """Tell of a folder without photos what is wrong with it, rather than that it is no photo."""
    from edge_iqa.report import Failure

    for result in results:
        if isinstance(result, Failure) and os.path.isdir(result.file):
            result = Failure(result.file, _explain_folder(result.file))
        yield result


def _explain_folder(folder: str) -> PhotoError:
    return PhotoError(f"{folder}: no photo directly in this folder; name a photo, or a folder that has some")


def _print_lines(results: Iterator[Report | Failure]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for result in results:
        counts[_outcome(result)] += 1
        print(dump(result.to_dict()), flush=True)
    return counts


def _print_table(results: Iterator[Report | Failure], paths: list[str], details: bool) -> Counter[str]:
    from edge_iqa.report import Report
    from edge_iqa.table import Layout, format_details, format_head, format_row, format_summary

    terminal = sys.stdout.isatty()
    _escape_what_does_not_fit()
    width = shutil.get_terminal_size().columns if terminal else None
    layout = Layout.fit(paths, width, terminal and _wants_color())
    print(format_head(layout))
    counts: Counter[str] = Counter()
    for result in results:
        counts[_outcome(result)] += 1
        print(format_row(result, layout), flush=True)
        if details and isinstance(result, Report):
            print("\n".join(format_details(result, layout)), flush=True)
    print(format_summary(counts))
    return counts


def _escape_what_does_not_fit() -> None:
    """A file name, or the title of a policy, may hold letters that the terminal's encoding lacks."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _outcome(result: Report | Failure) -> str:
    from edge_iqa.report import Failure

    return "error" if isinstance(result, Failure) else result.verdict.value


def _wants_color() -> bool:
    """See https://no-color.org."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _doctor(options: argparse.Namespace) -> int:
    from edge_iqa.doctor import diagnose

    diagnosis = diagnose(options.bundle)
    print(dump(diagnosis.to_dict()) if options.json else diagnosis.to_text())
    return 0 if diagnosis.healthy else 1


def _policies(options: argparse.Namespace) -> int:
    from edge_iqa.policies_screen import list_to_dict, show_policies, show_policy
    from edge_iqa.policy import open_policy

    _escape_what_does_not_fit()
    if options.policy is None:
        print(dump(list_to_dict()) if options.json else show_policies())
        return 0
    policy = open_policy(options.policy)
    print(dump(policy.to_dict()) if options.json else show_policy(policy))
    return 0


def _schema(options: argparse.Namespace) -> int:
    from edge_iqa.schema import make_fix_schema, make_schema

    print(json.dumps(make_fix_schema() if options.of == "fix" else make_schema(), indent=1))
    return 0
