"""The journal of a run: a line for each photo that was judged, on the disk before the next ones are.

The file stands beside the result until that is written. Its first line tells with what the photos are judged, every
other one holds the photo's path, size and time of change, and what was found. What a kill or a power cut left of the
last lines is cut off when the run goes on, and those photos are judged again: nothing is lost, nothing counted twice.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from edge_iqa.errors import OutputError

if sys.platform != "win32":
    import fcntl

SUFFIX = ".part"
SCHEMA = 1
_SYNC_S = 1.0
"""What a power cut may cost; a kill costs the line that is being written at most."""

Row = dict[str, Any]
Mark = tuple[int, int]
"""Size in bytes and time of change in nanoseconds, (-1, -1) where there is no such file."""


def find_path(out: str | os.PathLike[str]) -> Path:
    """Where the journal of a result stands."""
    return Path(f"{os.fspath(out)}{SUFFIX}")


def look(photo: str) -> Mark:
    """What tells whether a photo is still the one that was judged."""
    try:
        status = os.stat(photo)
    except (OSError, ValueError):
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)


class Journal:
    """Rows by photo, in a file that only grows. Usable with `with`; held by one run at a time."""

    def __init__(self, path: Path, facts: Mapping[str, Any], *, resume: bool) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: of the journal.
            facts: with what photos are judged, as plain JSON values.
            resume: go on with a journal that is there; False replaces it.

        Raises:
            OutputError: another run holds it, it is none, it was begun with other facts, or it cannot be written.
        """
        self._path = path
        self._rows: dict[str, tuple[Mark, int, int]] = {}
        self._synced_s = time.monotonic()
        self._stream: BinaryIO = _open(path)
        try:
            _lock(self._stream, path)
            if not resume:
                self._stream.truncate(0)
            self._read({"edge_iqa_batch": SCHEMA, **facts})
        except BaseException:
            self._stream.close()
            raise

    def __len__(self) -> int:
        return len(self._rows)

    def has(self, photo: str, mark: Mark) -> bool:
        """Whether this photo was judged, and has not changed since."""
        known = self._rows.get(photo)
        return known is not None and known[0] == mark

    def append(self, photo: str, mark: Mark, row: Row) -> None:
        """Keep what was found of a photo; a later row replaces an earlier one.

        Raises:
            OutputError: the disk is full, or the like.
        """
        # ASCII with escapes: a path may hold bytes that are no UTF-8
        line = (json.dumps([photo, *mark, row], allow_nan=False) + "\n").encode()
        try:
            start = self._stream.seek(0, os.SEEK_END)
            # one call, without a buffer: a kill leaves it whole or not there
            if self._stream.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            now_s = time.monotonic()
            if now_s - self._synced_s >= _SYNC_S:
                os.fsync(self._stream.fileno())
                self._synced_s = now_s
        except OSError as error:
            raise _explain(self._path, error) from error
        self._rows[photo] = (mark, start, len(line))

    def read(self, photo: str) -> Row:
        """What was found of a photo.

        Raises:
            KeyError: it was not judged.
            OutputError: the journal cannot be read any more.
        """
        _, start, length = self._rows[photo]
        try:
            self._stream.seek(start)
            row: Row = json.loads(self._stream.read(length))[3]
        except (OSError, ValueError, IndexError) as error:
            raise _explain(self._path, error) from error
        return row

    def close(self) -> None:
        """Bring everything onto the disk, and let others have the file."""
        if not self._stream.closed:
            with contextlib.suppress(OSError):
                os.fsync(self._stream.fileno())
            self._stream.close()

    def remove(self) -> None:
        """The result stands: the journal goes."""
        if sys.platform == "win32":  # where an open file has a name that cannot go
            self.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        self.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, facts: Row) -> None:
        """Take in what is there, cut off what is not whole, and begin where nothing is."""
        try:
            self._stream.seek(0)
            with open(os.dup(self._stream.fileno()), "rb") as lines:
                end = self._take_in(lines, facts)
            if end:
                self._stream.truncate(end)
                return
            self._stream.truncate(0)
            self._stream.seek(0)
            self._stream.write((json.dumps(facts) + "\n").encode())
        except OSError as error:
            raise _explain(self._path, error) from error

    def _take_in(self, lines: BinaryIO, facts: Row) -> int:
        """Rows of a journal that is there; returns where the last whole one ends, 0 where there is nothing yet."""
        first = lines.readline()
        if not first.endswith(b"\n"):  # empty, or a run that was killed at its first line
            _check_is_begun(self._path, first)
            return 0
        _check_facts(self._path, first, facts)
        end = len(first)
        for line in lines:
            entry = _read_entry(line)
            if entry is None:
                break
            photo, mark = entry
            self._rows[photo] = (mark, end, len(line))
            end += len(line)
        return end


def _open(path: Path) -> BinaryIO:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        return os.fdopen(handle, "r+b", buffering=0)
    except (OSError, ValueError) as error:
        raise _explain(path, error) from error


def _lock(stream: BinaryIO, path: Path) -> None:
    """Hold the file against other runs, where the system can; a process that dies lets go of it."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(
            f"{path}: another run is writing this result; wait for it, or choose another --out"
        ) from error
    except OSError:  # a share without locks
        return


def _read_entry(line: bytes) -> tuple[str, Mark] | None:
    """Photo and mark of a line; None where it is not whole."""
    try:
        photo, size, changed, row = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    is_whole = (
        line.endswith(b"\n") and isinstance(photo, str) and isinstance(row, dict)
        and type(size) is int and type(changed) is int
    )  # fmt: skip
    return (photo, (size, changed)) if is_whole else None


def _check_is_begun(path: Path, first: bytes) -> None:
    """A file of somebody else's is not cut to nothing."""
    start = b'{"edge_iqa_batch"'
    if not start.startswith(first[: len(start)]):
        raise OutputError(
            f"{path}: expected the journal of a run, and this is another file; move it, or choose another --out"
        )


def _check_facts(path: Path, first: bytes, facts: Row) -> None:
    _check_is_begun(path, first)
    try:
        known = json.loads(first)
    except ValueError:
        known = {}
    differing = [name for name in facts if known.get(name) != facts[name]]
    if differing:
        told = ", ".join(f"{name} {known.get(name)!r}, now {facts[name]!r}" for name in differing)
        raise OutputError(
            f"{path}: this run was begun otherwise ({told}); go on as it was begun, or begin anew with --overwrite"
        )


def _explain(path: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or error
    return OutputError(
        f"{path}: the journal of the run could not be read or written ({reason}); free some space or choose another "
        "folder for --out, then go on with --resume"
    )
