"""One file by several names: links, and paths that are written otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence


def drop_aliases(paths: Sequence[str]) -> list[str]:
    """Each file once, by the name that is no link where one is: as its own copy it might be deleted."""
    names: dict[tuple[int, int] | str, str] = {}
    for path in paths:
        identity = _identify(path)
        if identity not in names or (_is_link(names[identity]) and not _is_link(path)):
            names[identity] = path
    return list(names.values())


def _identify(path: str) -> tuple[int, int] | str:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # reading it will tell
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _is_link(path: str) -> bool:
    return os.path.realpath(path) != os.path.abspath(path)
