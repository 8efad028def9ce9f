"""Write a result whole or not at all: to a temporary file beside the target, then rename."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from edge_iqa.errors import OutputError


def write_bytes(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write `data` to `path`, making missing parent folders.

    A kill or a full disk at any moment leaves either the old file or the new one, never a part.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full.
    """
    target = Path(path)
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes 0600, which a service account could not read
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OutputError(
            f"{target}: could not be written ({error.strerror or error}); "
            "free some space or choose another folder, then run this again"
        ) from error
    return target


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
