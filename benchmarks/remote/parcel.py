"""What travels to a remote: the wheel, the bench, the photos and the bundle, and the script that runs them there."""

from __future__ import annotations

import hashlib
import io
import posixpath
import shlex
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from benchmarks.photos import SUFFIXES, Photo
from benchmarks.remote.python_there import Python
from benchmarks.remote.wheel import Wheel
from edge_iqa.bundle import Bundle
from edge_iqa.manifest import FILE_NAME

BENCH = Path(__file__).resolve().parents[1]
_NEEDED = (".py", ".toml")
UNPACK = """set -eu
umask 077
folder=$(mktemp -d "${TMPDIR:-/tmp}/edge-iqa-bench.XXXXXX")
trap 'cd /; rm -rf "$folder"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
cd "$folder"
tar -xf -
sh ./run.sh </dev/null
"""
"""Run there with the parcel on standard input. The folder goes when it ends, however it ends."""


def send(stream: BinaryIO, wheel: Wheel, photos: Sequence[Photo], bundle: Bundle | None, script: str) -> None:
    """Write the parcel.

    Args:
        bundle: `None` leaves it to the wheel's.
        script: from `write_script`.

    Raises:
        OSError: nobody takes it any more.
    """
    # GNU's format, which every tar reads; names of any length, in UTF-8
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, encoding="utf-8") as archive:
        for path, data in _list(wheel, photos, bundle, script):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))


def write_script(
    python: Python,
    wheel: Wheel,
    photos: Sequence[Photo],
    bundle: Bundle | None,
    passed: Sequence[str],
    extra: str,
) -> str:
    """The script that runs in the unpacked parcel.

    Args:
        passed: options of `latency.py` that hold there too.
        extra: the wheel's extra to install, such as `litert`; "" takes the Python as it is.
    """
    path, file = shlex.quote(python.path), shlex.quote(f"wheel/{wheel.name}")
    lines = ["set -eu", f"python={path}"]
    if extra:
        lines += _make_environment(python, wheel, file, extra)
    # first on the path, so that this very code runs whatever else is installed there
    lines += [
        f'"$python" -m zipfile -e {file} site',
        'PYTHONPATH="$PWD/site" PYTHONDONTWRITEBYTECODE=1',
        "export PYTHONPATH PYTHONDONTWRITEBYTECODE",
    ]
    words = [*passed, "--stream", "--photos", *(_source(index, photo) for index, photo in enumerate(photos))]
    words += [] if bundle is None else ["--bundle", "bundle"]
    lines.append(f'"$python" benchmarks/latency.py {shlex.join(words)}')
    return "\n".join(lines) + "\n"


def _make_environment(python: Python, wheel: Wheel, file: str, extra: str) -> list[str]:
    """One for each Python and set of requirements, kept: the next run needs no network."""
    version = ".".join(map(str, python.version))
    key = hashlib.sha256("\n".join([python.path, extra, *wheel.requirements]).encode()).hexdigest()[:12]
    return [
        f'environment="${{XDG_CACHE_HOME:-$HOME/.cache}}/edge-iqa-bench/python{version}-{key}"',
        'if [ ! -f "$environment/ready" ] || ! "$environment/bin/python" -c ""; then',
        '    rm -rf "$environment"',
        '    echo "making an environment there, once" >&2',
        '    "$python" -m venv "$environment" >&2',
        f'    "$environment/bin/python" -m pip --disable-pip-version-check install -q {file}[{extra}] >&2 || {{',
        '        echo "the packages could not be installed: it needs a package index; or name a Python that has'
        ' numpy, OpenCV and a runtime with --remote-python PATH" >&2',
        "        exit 1",
        "    }",
        '    : >"$environment/ready"',
        "fi",
        'python="$environment/bin/python"',
    ]


def _list(
    wheel: Wheel, photos: Sequence[Photo], bundle: Bundle | None, script: str
) -> Iterator[tuple[str, bytes]]:
    yield "run.sh", script.encode()
    yield f"wheel/{wheel.name}", wheel.data
    for path in sorted(BENCH.rglob("*")):
        inside = path.relative_to(BENCH)
        if path.suffix in _NEEDED and path.is_file() and inside.parts[0] != "results":
            yield f"benchmarks/{inside.as_posix()}", path.read_bytes()
    for index, photo in enumerate(photos):
        yield _place(index, photo), photo.data
    if bundle is not None:
        yield f"bundle/{FILE_NAME}", (bundle.path / FILE_NAME).read_bytes()
        for entry in bundle.manifest.files:
            yield f"bundle/{entry.path}", bundle.read(entry.path)


def _source(index: int, photo: Photo) -> str:
    """What `--photos` is given for a photo, so that it has the same name there: a folder that holds it alone."""
    place = _place(index, photo)
    return f"photos/{index:05d}" if _is_listed(photo) else place


def _place(index: int, photo: Photo) -> str:
    name = photo.name if _is_listed(photo) else photo.name.replace("/", "_")
    return f"photos/{index:05d}/{name}"


def _is_listed(photo: Photo) -> bool:
    """Whether it is found in a folder; one named as a file may have any suffix, and so may the second of a name."""
    return posixpath.splitext(photo.name)[1].lower() in SUFFIXES
