"""One file by several names: links, and paths that are written otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence


def drop_aliases(paths: Sequence[str]) -> list[str]:
    """Each file once, by the name that is no link where one is: as its own copy it might be deleted."""
    names: dict[tuple[int, int] | str, str] = {}
    for path in paths:
        identity = _identify(path)
        if identity not in names or _rank(path) < _rank(names[identity]):
            names[identity] = path
    return list(names.values())


def _identify(path: str) -> tuple[int, int] | str:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # reading it will tell
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _rank(path: str) -> tuple[bool, bool]:
    """The least is the file's own name: no link, and then no folder on the way is one."""
    return os.path.islink(path), os.path.realpath(path) != os.path.abspath(path)
