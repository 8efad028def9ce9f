"""The command `edge-iqa`. The only module that prints.

Exit codes of `inspect` and `report`: 0 every photo is accepted (`inspect`: or set aside by `--override`), 1 some are
not, 2 wrong usage (or no bundle, policy or backend to run with), 3 something could not be read; the rest is
done all the same. `fix`: 0 what stands at OUT is accepted, 1 it is better but not accepted, or the photo was left as it
was and nothing is written, 2 as above, or OUT may not or cannot be written, 3 as above; of several photos the worst.
`camera`: 0 watched to the end, and the best frame is accepted where it was written, 1 it is not, 2 as above, or no
window, 3 the camera was lost, or there was no frame. `batch`: as `inspect`, and 2 where OUT cannot be written.
`duplicates`: 0 there are none, 1 there are, 2 and 3 as above. `gallery`: 0 no photo was there already, 1 some were,
2 and 3 as above. `doctor`: 0 all is well, 1 something is wrong. `policies`: 0, or 2 where there is no such policy.
`schema`: 0.
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

from edge_iqa.arguments import make_parser
from edge_iqa.errors import EdgeIqaError, PhotoError
from edge_iqa.folders import expand, explain, explain_failures
from edge_iqa.plain_json import dump

if TYPE_CHECKING:
    from edge_iqa.fix.batch import Unfixed
    from edge_iqa.fix.command import FixedFile
    from edge_iqa.gallery.command import Answer, Unread
    from edge_iqa.gallery.gallery import Gallery
    from edge_iqa.report import Failure, Report

ACCEPTED, NOT_ACCEPTED, USAGE, UNREADABLE = 0, 1, 2, 3
_INTERRUPTED = 130  # what shells report for SIGINT
BROKEN_PIPE = 141  # and for SIGPIPE


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
    options, unknown = make_parser(_RUNS).parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def drop_output() -> None:
    """Send what is still buffered nowhere, so that Python does not fail on it again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _inspect(options: argparse.Namespace) -> int:
    from edge_iqa.inspector import Inspector  # --help and --version need no numpy

    with Inspector.open(options.bundle, options.backend, options.threads, options.lang) as inspector:
        paths = [path for photo in options.photos for path in expand(photo)]
        results = explain_failures(
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

    paths = [path for photo in options.photos for path in expand(photo)]
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
            problems.append(explain(path) if os.path.isdir(path) else error)
    for problem in problems:
        print(f"edge-iqa: {problem}", file=sys.stderr)
    return False


def _fix(options: argparse.Namespace) -> int:
    from edge_iqa.fix.batch import fix_files
    from edge_iqa.fix.place import make_results_folder
    from edge_iqa.inspector import Inspector
    from edge_iqa.policy import DEFAULT, open_policy

    policy = open_policy(DEFAULT if options.policy is None else options.policy)
    paths = [path for photo in options.photos for path in expand(photo)]
    is_one = len(options.photos) == 1 and not os.path.isdir(options.photos[0])
    if not is_one:
        make_results_folder(options.out)
    _escape_what_does_not_fit()
    with Inspector.open(options.bundle, options.backend, options.threads, options.lang) as inspector:
        results = fix_files(
            inspector, paths, options.out, policy,
            strip_location=options.strip_location, overwrite=options.overwrite,
        )  # fmt: skip
        if is_one:
            return _print_fixed(next(results), options.json)
        return _print_all_fixed(results, len(paths), options.json)


def _print_fixed(result: FixedFile | Unfixed, as_json: bool) -> int:
    """Of one photo all is told, and an error where errors go."""
    from edge_iqa.fix.batch import Unfixed

    if as_json:
        print(dump(result.to_dict()))
    if isinstance(result, Unfixed):
        print(f"edge-iqa: {result.error}", file=sys.stderr)
    elif not as_json:
        print(result.to_text())
    return result.code


def _print_all_fixed(results: Iterator[FixedFile | Unfixed], total: int, as_json: bool) -> int:
    progress = _count_to(total) if sys.stderr.isatty() else None
    counts: Counter[str] = Counter()
    code = ACCEPTED
    for done, result in enumerate(results, 1):
        code = max(code, result.code)
        counts[result.outcome] += 1
        if progress is not None and sys.stdout.isatty():
            print("\r", end="", file=sys.stderr, flush=True)  # the line goes over the count
        print(dump(result.to_dict()) if as_json else result.to_line(), flush=True)
        if progress is not None:
            progress(done)
    if not as_json:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        print(f"{total} photo{'' if total == 1 else 's'}: {told}")
    return code


def _count_to(total: int) -> Callable[[int], None]:
    """Progress in one line of stderr."""

    def show(done: int) -> None:
        print(f"\r{done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return show


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


def _camera(options: argparse.Namespace) -> int:
    from edge_iqa.camera.command import run_camera

    _escape_what_does_not_fit()
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() and not options.json else None

    def write(text: str) -> None:
        print(text, end="", flush=True)

    def complain(text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)

    return run_camera(options, write, complain, columns)


def _batch(options: argparse.Namespace) -> int:
    from edge_iqa.batch.command import run_batch

    _escape_what_does_not_fit()

    def complain(text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)

    told, code = run_batch(options, complain, sys.stderr.isatty())
    print(told, file=sys.stderr if code == _INTERRUPTED else sys.stdout)
    return code


def _doctor(options: argparse.Namespace) -> int:
    from edge_iqa.doctor import diagnose

    diagnosis = diagnose(options.bundle)
    print(dump(diagnosis.to_dict()) if options.json else diagnosis.to_text())
    return 0 if diagnosis.healthy else 1


def _duplicates(options: argparse.Namespace) -> int:
    from edge_iqa.gallery.duplicates import find_duplicates
    from edge_iqa.gallery.screen import format_duplicates
    from edge_iqa.inspector import Inspector

    paths = [path for photo in options.photos for path in expand(photo)]
    _escape_what_does_not_fit()
    with Inspector.open(options.bundle, options.backend, options.threads) as inspector:
        progress = _count_to(len(paths)) if sys.stderr.isatty() and len(paths) > 1 else None
        found = find_duplicates(
            inspector, paths, mirrored=options.mirrored, jobs=options.jobs, progress=progress
        )
    print(dump(found.to_dict()) if options.json else format_duplicates(found))
    for failure in found.failures if not options.json else ():
        print(f"edge-iqa: {failure.error}", file=sys.stderr)
    if found.failures:
        return UNREADABLE
    return NOT_ACCEPTED if found.groups else ACCEPTED


def _gallery(options: argparse.Namespace) -> int:
    from edge_iqa.gallery.command import add_photos, check_target, find_photos, open_or_begin
    from edge_iqa.gallery.gallery import Gallery
    from edge_iqa.inspector import Inspector

    _escape_what_does_not_fit()
    with Inspector.open(options.bundle, options.backend, options.threads) as inspector:
        if options.action == "remove":
            gallery = Gallery.open(options.gallery, inspector)
            for name in options.names:
                gallery.remove(name)
            gallery.save()  # only reached where every one of them was there
            return 0
        paths = [path for photo in options.photos for path in expand(photo)]
        if options.action == "find":
            gallery = Gallery.open(options.gallery, inspector)
            return _print_answers(
                find_photos(inspector, gallery, paths, options.k, options.mirrored, options.jobs),
                options.json,
            )
        check_target(options.gallery)
        gallery = open_or_begin(options.gallery, inspector)
        taken = add_photos(
            inspector, gallery, paths, anyway=options.anyway, mirrored=options.mirrored, jobs=options.jobs
        )
        answers = _save_and_collect(gallery, taken, len(paths))
    return _print_answers(iter(answers), options.json)


def _save_and_collect(
    gallery: Gallery, answers: Iterator[Answer | Unread], total: int
) -> list[Answer | Unread]:
    """All answers, once what was added is on the disk: "added" is told of nothing that may still be lost."""
    progress = _count_to(total) if sys.stderr.isatty() and total > 1 else None
    collected = []
    try:
        for done, answer in enumerate(answers, 1):
            collected.append(answer)
            if progress is not None:
                progress(done)
    finally:  # after an interrupt too: those that were added need not be added again
        if gallery.is_changed:
            gallery.save()
    return collected


def _print_answers(answers: Iterator[Answer | Unread], as_json: bool) -> int:
    code = ACCEPTED
    for answer in answers:
        code = max(code, answer.code)
        print(dump(answer.to_dict()) if as_json else answer.to_text(), flush=True)
    return code


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


_RUNS = {
    "inspect": _inspect,
    "doctor": _doctor,
    "policies": _policies,
    "report": _write_report,
    "fix": _fix,
    "batch": _batch,
    "camera": _camera,
    "duplicates": _duplicates,
    "gallery": _gallery,
    "schema": _schema,
}
