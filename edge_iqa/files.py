"""Write a result whole or not at all: to a temporary file beside the target, then rename."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edge_iqa.errors import OutputError

TAKEN = "{}: there is a file already; choose another name, or allow it to be replaced (--overwrite)"
"""Of a place where something stands that may not be replaced."""


def write_bytes(path: str | os.PathLike[str], data: bytes, *, replace: bool = True) -> Path:
    """Write `data` to `path`, making missing parent folders.

    A kill or a full disk at any moment leaves either the old file or the new one, never a part. A new file gets the
    mode that the umask allows; one that replaces another keeps the other's, where modes can be set.

    One window stays: with `replace=False` on a file system without links (some cards and shares), a kill in the last
    step can leave an empty file of that name, which was made to keep others from taking it.

    Args:
        path, data: where to, and what.
        replace: False refuses a file that stands there, even one that was made a moment ago.

    Raises:
        OutputError: the folder cannot be made or written, the disk is full, or a file stands there that may not be
            replaced.
    """
    return write_parts(path, (data,), replace=replace)


def write_parts(
    path: str | os.PathLike[str], parts: Iterable[bytes | memoryview], *, replace: bool = True
) -> Path:
    """The same for what is too large to stand in memory twice: its parts, one behind the other.

    Raises:
        OutputError: as `write_bytes`.
    """
    return put_parts(path, parts, replace=replace)[0]


def put_parts(
    path: str | os.PathLike[str], parts: Iterable[bytes | memoryview], *, replace: bool = True
) -> tuple[Path, os.stat_result]:
    """The same, and what the system says of the file that was written, taken before it had its name.

    Raises:
        OutputError: as `write_bytes`.
    """
    target = settle(path)
    temporary = target.parent / f".edge-iqa.{secrets.token_hex(8)}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            status = _write(temporary, parts, target)
            _put(temporary, target, replace)
        finally:  # after an interrupt too; where all went well it has its new name already
            _drop(temporary)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        if not replace and isinstance(error, FileExistsError) and os.path.lexists(target):
            raise OutputError(TAKEN.format(target)) from error
        raise OutputError(_explain(target, error)) from error
    return target, status


def settle(path: str | os.PathLike[str]) -> Path:
    """A path without `..`, so that what is looked at now is what will be written once missing folders are made.

    Raises:
        OutputError: the way there cannot be followed.
    """
    given = Path(path)
    if ".." not in given.parent.parts:
        return given
    try:
        return given.parent.resolve() / given.name
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links that lead round in a circle
        raise OutputError(_explain(given, error)) from error


def _write(temporary: Path, parts: Iterable[bytes | memoryview], target: Path) -> os.stat_result:
    """Bring the data onto the disk, in a file that has the mode of the one it will replace."""
    # not by tempfile, whose files are for their owner alone: opened like this, the system applies the umask
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as stream:
        stream.writelines(parts)
        stream.flush()
        os.fsync(stream.fileno())
        written = os.fstat(stream.fileno())
    with contextlib.suppress(FileNotFoundError):
        status = os.lstat(target)
        if stat.S_ISREG(status.st_mode):
            with contextlib.suppress(PermissionError):  # cards and shares have modes of their own
                os.chmod(temporary, stat.S_IMODE(status.st_mode))
    return written


def _put(temporary: Path, target: Path, replace: bool) -> None:
    if replace:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)  # fails where anything stands, which a look beforehand cannot promise
    except FileExistsError:
        raise
    except OSError:  # a card or a share that has no links
        _put_without_links(temporary, target)


def _put_without_links(temporary: Path, target: Path) -> None:
    """Take the name with an empty file, which fails where anything stands, then replace that."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        os.replace(temporary, target)
    except BaseException:  # an interrupt too
        if os.path.lexists(temporary):  # else it was replaced already
            _drop(target)
        raise


def _drop(path: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        os.unlink(path)


def _explain(target: Path, error: Exception) -> str:
    number = getattr(error, "errno", None)
    is_full = number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    advice = "free some space or choose another folder" if is_full else "choose another name or folder"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "allow this user to write there or choose another folder"
    reason = getattr(error, "strerror", None) or error
    return f"{target}: could not be written ({reason}); {advice}, then run this again"


def make_folder(path: str | os.PathLike[str], option: str) -> None:
    """Make a folder for results, before minutes of work rather than after them.

    Args:
        option: the one that chose it, for the message.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{os.fspath(path)}: expected a folder for the result, and it could not be made "
            f"({error.strerror or error}); choose another folder for {option}"
        ) from error


def write_json(path: str | os.PathLike[str], value: Any) -> Path:
    """Write `value` as indented UTF-8 JSON; not-a-number is refused, as JSON has none.

    Raises:
        OutputError: as `write_bytes`.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return write_bytes(path, text.encode())
