"""Photos judged by several processes; a process that dies loses nothing but the photo it died on."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from typing import Any

from edge_iqa import opencv
from edge_iqa.errors import BackendError, PhotoError
from edge_iqa.folders import explain
from edge_iqa.inspector import Inspector
from edge_iqa.policy import Policy
from edge_iqa.report import describe_failure

Row = dict[str, Any]


class CrashedError(PhotoError):
    """A photo on which a process died, twice: of memory, or of a fault in a library."""


_MOST_CRASHES = 8
"""In a row: then it is not the photos."""
_AHEAD = 4
"""Photos in flight per process: none waits, and few are judged anew after a death."""


@dataclass(frozen=True)
class Setup:
    """With what each process judges.

    Attributes:
        bundle: folder of a bundle; None is the one installed.
        backend: `litert` or `onnx`.
        threads: of the model, in each process.
        lang: language of messages.
        policy: whose rules to check.
    """

    bundle: str | None
    backend: str
    threads: int | None
    lang: str
    policy: Policy


def judge_files(photos: Iterable[str], setup: Setup, jobs: int) -> Iterator[tuple[str, Row]]:
    """Judge photos in processes, and give each with its row, in the order in which they get done.

    Args:
        photos: paths, each once; taken as the work goes on.
        jobs: processes.

    Raises:
        BackendError: the runtime fails, or processes die whatever the photo.
    """
    waiting = iter(photos)
    crashes = 0
    while True:
        suspects: list[str] = []
        for found in _run(waiting, setup, jobs, suspects):
            crashes = 0
            yield found
        if not suspects:
            return
        for photo in suspects:  # one of them was the end of a process; alone it can take no other along
            alone: list[str] = []
            for found in _run(iter((photo,)), setup, 1, alone):
                crashes = 0
                yield found
            if alone:
                crashes += 1
                if crashes >= _MOST_CRASHES:
                    raise BackendError(
                        f"processes died on {crashes} photos in a row; look for want of memory, run `edge-iqa doctor`, "
                        "then go on with --resume"
                    )
                yield photo, _describe_crash(photo)


def _run(waiting: Iterator[str], setup: Setup, jobs: int, suspects: list[str]) -> Iterator[tuple[str, Row]]:
    """Judge until there are no more photos, or a process died: then `suspects` has those that were in flight."""
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _open, (setup,))
    flying: dict[Future[Row], str] = {}
    try:
        while True:
            for photo in islice(waiting, _AHEAD * jobs - len(flying)):
                flying[_submit(pool, photo)] = photo
            if not flying:
                return
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in done:
                photo = flying.pop(future)
                try:
                    yield photo, future.result()
                except (BrokenProcessPool, MemoryError):
                    suspects.append(photo)
            if suspects:
                suspects += flying.values()
                return
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, photo: str) -> Future[Row]:
    try:
        return pool.submit(_judge, photo)
    except BrokenProcessPool as error:  # between two photos
        future: Future[Row] = Future()
        future.set_exception(error)
        return future


def _describe_crash(photo: str) -> Row:
    message = f"{photo}: the process that judged this photo died, twice; see whether other programs open it"
    return describe_failure(photo, CrashedError(message))


# in the process

_opened: tuple[Inspector, Policy] | None = None


def _open(setup: Setup) -> None:
    """Make this process ready. It dies with the one that began it, and leaves Ctrl-C to it."""
    global _opened
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    logging.disable(logging.WARNING)  # the first process has said it
    opencv.load().setNumThreads(1)
    _opened = (Inspector.open(setup.bundle, setup.backend, setup.threads, setup.lang), setup.policy)


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _judge(photo: str) -> Row:
    if _opened is None:
        raise RuntimeError("expected _open to have run in this process")
    inspector, policy = _opened
    try:
        return inspector.inspect(photo, policy).to_dict()
    except PhotoError as error:
        return describe_failure(photo, explain(photo) if os.path.isdir(photo) else error)
