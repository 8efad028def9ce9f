"""`latency.py --remote`: look at the host, send what is needed, run it there, and bring the result back."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from benchmarks.device import Device
from benchmarks.latency_file import INVALID, conclude, conclude_partial
from benchmarks.photos import Photo
from benchmarks.progress import Progress
from benchmarks.remote import parcel
from benchmarks.remote.options import pass_on
from benchmarks.remote.python_there import find_python
from benchmarks.remote.received import check
from benchmarks.remote.records import RecordReader
from benchmarks.remote.ssh import LINK_FAILED, Complaints, RemoteError, Ssh
from benchmarks.remote.wheel import get_wheel
from edge_iqa import files
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError
from edge_iqa.table import make_printable

INTERRUPTED = 130
_SPOKEN = (0, 1, INVALID)
"""Exit codes of a run there that came to its end."""
_REFUSED = (2, 3)
"""Wrong usage, and not the device asked for; it has said why."""
_CHUNK_BYTES = 64 * 1024


def run_there(
    options: argparse.Namespace, argv: Sequence[str], known: Mapping[str, Device], photos: Sequence[Photo]
) -> int:
    """Measure on the host of `options.remote`; returns the exit code that the same command has here.

    Args:
        argv: the whole command line; what concerns the measurement goes on to the remote.
        known: all devices.
        photos: what to measure on.

    Raises:
        KeyboardInterrupt: as pressed, where nothing was measured before.
        EdgeIqaError: nothing came back. What was measured before a link dropped is written, and gives 1.
    """
    bundle = Bundle.open(options.bundle)
    files.make_folder(options.out, "--out")
    ssh = Ssh(options.remote, options.ssh_config)
    python = find_python(ssh, options.remote_python)
    wheel, sent = get_wheel(options.wheel), bundle if options.bundle else None
    extra = "" if options.remote_python else options.backend or "litert"
    script = parcel.write_script(python, wheel, photos, sent, pass_on(argv), extra)
    talk = _Talk()
    code, why = _hold(ssh, talk, lambda stream: parcel.send(stream, wheel, photos, sent, script))
    if code in _REFUSED and not why:
        return code
    if talk.result is None and code == INTERRUPTED:
        raise KeyboardInterrupt
    if talk.result is None:
        raise RemoteError(
            f"{ssh.host}: {why or f'the run there failed (exit code {code})'}; nothing was measured"
        )
    hashes = {photo.sha256 for photo in photos}
    result = check(talk.result, options.device, known, bundle.manifest_sha256, hashes)
    if talk.ended and code in _SPOKEN and not why:
        return conclude(options, result)
    conclude_partial(options, result, talk.asked, why or "the run there failed")
    return INTERRUPTED if code == INTERRUPTED else 1


class _Talk:
    """What has come so far.

    Attributes:
        result: of the photos done, not yet checked; `None` before the first.
        asked: photos that were to be measured.
        ended: whether it was said that this is all.
    """

    def __init__(self) -> None:
        self.result: Any = None
        self.asked = 0
        self.ended = False
        self._progress: Progress | None = None
        self._task = ""

    def take(self, record: Any) -> None:
        """Take a record of `benchmarks.keeper.Streamer`; others are passed over."""
        told = record if isinstance(record, dict) else {}
        kind = told.get("record")
        if kind == "result" and _is_count(told.get("asked")):
            self.result, self.asked = told.get("result"), told["asked"]
        elif (
            kind == "progress"
            and _is_count(told.get("done"))
            and told["done"]
            and _is_count(told.get("rounds"))
        ):
            self._draw(make_printable(str(told.get("task")))[:120], told["done"], told["rounds"])
        elif kind == "end":
            self.ended = True

    def clear(self) -> None:
        if self._progress is not None:
            self._progress.clear()

    def _draw(self, task: str, done: int, rounds: int) -> None:
        if self._progress is None or task != self._task:
            self.clear()
            self._progress, self._task = Progress(task, rounds, every_s=0), task
        self._progress.on_round(done)


def _hold(ssh: Ssh, talk: _Talk, send: Callable[[BinaryIO], None]) -> tuple[int, str]:
    """Send, and listen to the end; returns the exit code, and what cut it off ("" for nothing)."""

    def say(line: str) -> None:
        talk.clear()
        print(f"[{ssh.host}] {line}", file=sys.stderr)

    with ssh.open(parcel.UNPACK) as process:
        complaints = Complaints(process, say)
        try:
            code = _listen(process, talk, send)
        except KeyboardInterrupt:
            return INTERRUPTED, "it was interrupted"
        except DataError as error:
            return 1, f"what came back is no result ({error})"
        finally:
            talk.clear()
        said = complaints.text()
    if code != LINK_FAILED:
        return code, ""
    return code, "the link dropped" if talk.result is not None else ssh.explain(said)


def _listen(process: subprocess.Popen[bytes], talk: _Talk, send: Callable[[BinaryIO], None]) -> int:
    with contextlib.suppress(OSError):  # it ended early, and the exit code says how
        send(process.stdin)
        process.stdin.close()
    reader = RecordReader()
    while data := process.stdout.read1(_CHUNK_BYTES):
        for record in reader.feed(data):
            talk.take(record)
    return process.wait()


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31
