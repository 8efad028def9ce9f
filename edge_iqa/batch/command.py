"""The work of `edge-iqa batch`: judge what is left to do, keep it, and write the result when all is there."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edge_iqa import __version__, backends, files
from edge_iqa.backends.base import cores
from edge_iqa.batch import formats, journal
from edge_iqa.batch.clock import Progress
from edge_iqa.batch.journal import Journal
from edge_iqa.batch.workers import Setup, judge_files
from edge_iqa.errors import OutputError
from edge_iqa.folders import expand
from edge_iqa.inspector import Inspector
from edge_iqa.policy import DEFAULT, open_policy

Row = dict[str, Any]

ACCEPTED, NOT_ACCEPTED, UNREADABLE, INTERRUPTED = 0, 1, 3, 130


def run_batch(
    options: argparse.Namespace, complain: Callable[[str], None], is_terminal: bool
) -> tuple[str, int]:
    """Judge photos into one file.

    Args:
        options: as `edge_iqa.batch.arguments` reads them.
        complain: takes text for stderr as it is to be shown.
        is_terminal: whether that is a terminal.

    Returns:
        What to say at the end, and the exit code.

    Raises:
        EdgeIqaError: no such bundle, backend, policy or language; OUT cannot be written, or a run stands there.
    """
    write = formats.choose(options.out)
    # each once, in the order in which they are given
    paths = list(dict.fromkeys(path for photo in options.photos for path in expand(photo, options.recursive)))
    setup, facts = _choose_setup(options)
    out, part = files.settle(options.out), journal.find_path(files.settle(options.out))
    _check_place(out, part, options.resume, options.overwrite)
    with Journal(part, facts, resume=options.resume) as kept:
        try:
            _judge(paths, setup, options.jobs or cores(), kept, complain, is_terminal)
        except KeyboardInterrupt:
            return f"{part}: {len(kept)} of {len(paths)} photos are kept; go on with --resume", INTERRUPTED
        counts: Counter[str] = Counter()
        rows = _read_and_count(kept, paths, counts)
        files.write_parts(out, write(rows), replace=options.overwrite or options.resume)
        kept.remove()
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    code = UNREADABLE if counts["error"] else ACCEPTED if counts["accept"] == len(paths) else NOT_ACCEPTED
    return f"{out}: {len(paths)} photo{'' if len(paths) == 1 else 's'}: {told}", code


def _choose_setup(options: argparse.Namespace) -> tuple[Setup, Row]:
    """What all processes judge with, and what two runs must have in common to be parts of one.

    Found out here, once: none of them finds something else, and what is wrong is told before any begins.
    """
    policy = open_policy(DEFAULT if options.policy is None else options.policy)
    with Inspector.open(options.bundle, options.backend, options.threads, options.lang) as inspector:
        backend = backends.NAMES[inspector.backend.name]
        facts = {
            "edge_iqa": __version__,
            "model": inspector.bundle.judging_sha256,
            "backend": backend,
            "policy": hashlib.sha256(repr(policy).encode()).hexdigest(),
            "lang": options.lang,
        }
    return Setup(options.bundle, backend, options.threads, options.lang, policy), facts


def _check_place(out: Path, part: Path, resume: bool, overwrite: bool) -> None:
    if resume and overwrite:
        raise OutputError("expected --resume or --overwrite, got both; --overwrite begins anew")
    if part.exists() and not resume and not overwrite:
        raise OutputError(
            f"{part}: a run was stopped here; go on with --resume, or begin anew with --overwrite"
        )
    if os.path.lexists(out) and not overwrite and not part.exists():
        raise OutputError(files.TAKEN.format(out))


def _judge(
    paths: Sequence[str],
    setup: Setup,
    jobs: int,
    kept: Journal,
    complain: Callable[[str], None],
    is_terminal: bool,
) -> None:
    """Judge those photos that the journal does not have, or that have changed since."""
    marks: dict[str, journal.Mark] = {}
    done = sum(kept.has(path, journal.look(path)) for path in paths) if len(kept) else 0
    progress = Progress(len(paths), done, complain, is_terminal)

    def find_rest() -> Iterator[str]:
        for path in paths:
            mark = journal.look(path)
            if not kept.has(path, mark):
                marks[path] = mark
                yield path

    if done == len(paths):
        return
    for path, row in judge_files(find_rest(), setup, min(jobs, len(paths) - done)):
        kept.append(path, marks.pop(path), row)
        progress.count("error" in row)
    progress.close()


def _read_and_count(kept: Journal, paths: Sequence[str], counts: Counter[str]) -> Iterator[Row]:
    """Rows in the order of the paths, counted by outcome as they pass."""
    for path in paths:
        row = kept.read(path)
        counts["error" if "error" in row else row["verdict"]] += 1
        yield row
