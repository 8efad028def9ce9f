"""A gallery as one file: written whole or not at all, and read only where every byte is as it was written.

::

    32 bytes    "EDGE-IQA GALLERY", version of the layout, number of bytes of the header (little-endian)
    32 bytes    SHA-256 of the header
    header      JSON: model, counts, and of each section its size and SHA-256
    sections    names (JSON), facts, vectors, graph; one behind the other

Sizes are compared with that of the file before anything of that size is allocated, hashes before anything is parsed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import stat
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_iqa.errors import GalleryError
from edge_iqa.files import put_parts
from edge_iqa.gallery.shelf import FACTS, Content

if sys.platform != "win32":
    import fcntl

SCHEMA = 1
_MAGIC = b"EDGE-IQA GALLERY"
_PREFIX = struct.Struct("<16sQQ32s")
_MOST_HEADER_BYTES = 1 << 16
_SECTIONS = ("names", "facts", "vectors", "graph")
_MOST_DIMENSION = 1 << 14
_MOST_COUNT = 1 << 40
_AGAIN = "restore it from a copy, or delete it and add the photos again"

Part = bytes | memoryview


@dataclass(frozen=True)
class Model:
    """What made the embeddings: two models' embeddings say nothing of each other.

    Attributes:
        bundle: name and version, such as `default-0.3.1`, for messages.
        sha256: of what embeddings depend on; this decides.
    """

    bundle: str
    sha256: str


@dataclass(frozen=True)
class Mark:
    """Which state of a file was seen; another one has another mark."""

    inode: int
    size_bytes: int
    time_ns: int


def write(path: Path, content: Content, model: Model, *, replace: bool = True) -> Mark:
    """Write a gallery: a kill at any moment leaves the file that was there, or the new one.

    Args:
        replace: False refuses a file that stands there.

    Raises:
        OutputError: it cannot be written, or a file stands there that may not be replaced.
    """
    parts = [_to_bytes(part) for part in _split(content)]
    header = {
        "model": asdict(model),
        "dimension": content.vectors.shape[1],
        "count": len(content.names),
        "next_key": content.next_key,
        "graph_count": content.graph_count,
        "sections": {
            name: {"bytes": part.nbytes, "sha256": hashlib.sha256(part).hexdigest()}
            for name, part in zip(_SECTIONS, parts, strict=True)
        },
    }
    told = json.dumps(header).encode()
    prefix = _PREFIX.pack(_MAGIC, SCHEMA, len(told), hashlib.sha256(told).digest())
    # of the file before it has its name: what stands there a moment later may be another program's
    return _to_mark(put_parts(path, (prefix, told, *parts), replace=replace)[1])


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Keep other programs from saving a gallery in the same folder meanwhile, where the system can lock folders."""
    handle = _lock(path.parent)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)  # which unlocks


def _lock(folder: Path) -> int | None:
    if sys.platform == "win32":
        return None
    handle = None
    try:
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except (OSError, ValueError):  # no such folder yet, or a share without locks
        if handle is not None:
            os.close(handle)
        return None
    return handle


def look(path: Path) -> Mark | None:
    """The mark of the file that is there now; None where none is."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return _to_mark(status)


def _to_mark(status: os.stat_result) -> Mark:
    return Mark(status.st_ino, status.st_size, status.st_mtime_ns)


def read(path: Path) -> tuple[Content, Model, Mark]:
    """Read a gallery.

    Raises:
        GalleryError: there is none, it is no gallery, of another version, or damaged.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise GalleryError(f"{path}: expected the file of a gallery, got a pipe, socket or device")
            header = _read_header(stream, path, status.st_size)
            sections = list(_read_sections(stream, path, header))
    except FileNotFoundError as error:
        advice = "`edge-iqa gallery add` or `Gallery.begin(path, inspector)` begins one"
        raise GalleryError(f"{path}: no such gallery; {advice}") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or error
        raise GalleryError(f"{path}: the gallery could not be read ({reason})") from error
    content = _join(sections, header, path)
    return content, Model(**header["model"]), _to_mark(status)


def _open_at_once(path: str, flags: int) -> int:
    """Without waiting for somebody to write into a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _split(content: Content) -> Iterator[Any]:
    yield json.dumps(content.names).encode()
    yield np.ascontiguousarray(content.facts).view(np.uint8)
    yield np.ascontiguousarray(content.vectors, "<f4").view(np.uint8)
    yield content.graph


def _to_bytes(part: Any) -> memoryview:
    """Bytes without a copy; an array of no rows has no memory to show."""
    if isinstance(part, np.ndarray) and not part.size:
        return memoryview(b"")
    return memoryview(part).cast("B")


def _read_header(stream: io.BufferedReader, path: Path, size_bytes: int) -> dict[str, Any]:
    prefix = stream.read(_PREFIX.size)
    if prefix[: len(_MAGIC)] != _MAGIC:
        raise GalleryError(f"{path}: expected a gallery of Edge IQA, and this file is none; check the path")
    if len(prefix) < _PREFIX.size:
        raise _damaged(path, "it ends within its first bytes")
    _, schema, length, digest = _PREFIX.unpack(prefix)
    if schema != SCHEMA:
        raise GalleryError(
            f"{path}: expected a gallery of layout {SCHEMA}, got {schema}; use the version of edge-iqa that wrote it"
        )
    if length > _MOST_HEADER_BYTES:
        raise _damaged(path, f"its header claims {length} bytes")
    told = stream.read(length)
    if hashlib.sha256(told).digest() != digest:
        raise _damaged(path, "its header does not have the hash that it should")
    header = _check_header(_parse(told, path, "header"), path)
    expected = _PREFIX.size + length + sum(header["sections"][name]["bytes"] for name in _SECTIONS)
    if expected != size_bytes:
        raise _damaged(path, f"expected {expected} bytes, got {size_bytes}")
    return header


def _parse(data: bytes, path: Path, what: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:  # not UTF-8 is a ValueError too
        raise _damaged(path, f"its {what} cannot be parsed") from error


def _check_header(header: Any, path: Path) -> dict[str, Any]:
    """The header has the right hash: what is wrong in it was written so, by another program or on purpose."""
    try:
        count, dimension = header["count"], header["dimension"]
        numbers = [count, dimension, header["next_key"], header["graph_count"]]
        numbers += [header["sections"][name]["bytes"] for name in _SECTIONS]
        texts = [header["model"]["bundle"], header["model"]["sha256"]]
        texts += [header["sections"][name]["sha256"] for name in _SECTIONS]
        fits = (
            all(type(number) is int and 0 <= number <= _MOST_COUNT for number in numbers)
            and all(isinstance(text, str) for text in texts)
            and header["model"].keys() == {"bundle", "sha256"}
            and 1 <= dimension <= _MOST_DIMENSION
            and header["sections"]["facts"]["bytes"] == count * FACTS.itemsize
            and header["sections"]["vectors"]["bytes"] == count * dimension * 4
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"its header lacks what it must say ({error})") from error
    if not fits:
        raise _damaged(path, "its header says what cannot be")
    return dict(header)


def _read_sections(stream: io.BufferedReader, path: Path, header: dict[str, Any]) -> Iterator[bytearray]:
    for name in _SECTIONS:
        section = header["sections"][name]
        data = bytearray(section["bytes"])
        if stream.readinto(data) != len(data) or hashlib.sha256(data).hexdigest() != section["sha256"]:
            raise _damaged(path, f"its {name} do not have the hash that they should")
        yield data


def _join(sections: list[bytearray], header: dict[str, Any], path: Path) -> Content:
    names = _parse(bytes(sections[0]), path, "names")
    facts = np.frombuffer(sections[1], FACTS)
    vectors = np.frombuffer(sections[2], "<f4").reshape(header["count"], header["dimension"])
    are_names = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    if not are_names or len(set(names)) != len(names) or len(names) != header["count"]:
        raise _damaged(path, "expected as many names as photos, no two the same")
    keys = facts["key"]
    if np.any(keys[1:] <= keys[:-1]) or (len(keys) and int(keys[-1]) >= header["next_key"]):
        raise _damaged(path, "its keys are not in order")
    if len(vectors) and not np.all(np.abs(np.einsum("nd,nd->n", vectors, vectors) - 1) < 0.01):
        raise _damaged(path, "its embeddings are not of unit length")  # also where one is not a number
    return Content(names, facts, vectors, header["next_key"], memoryview(sections[3]), header["graph_count"])


def _damaged(path: Path, what: str) -> GalleryError:
    return GalleryError(f"{path}: the gallery is damaged: {what}; {_AGAIN}")
