"""An environment a peer, made by pip under the cache: their needs go neither with ours nor with each other's."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.checkout import CHECKOUT, copy_sources
from benchmarks.fixes import hash_code
from benchmarks.peer_tools.registry import Peer
from edge_iqa.errors import DataError
from edge_iqa.files import write_json

_TOOLS = ("pip", "setuptools", "wheel", "pkg_resources", "_distutils_hack", "distutils-precedence")
"""Installers, which are no part of a peer."""
_LONGEST_S = 1800


@dataclass(frozen=True)
class Environment:
    """A peer, installed.

    Attributes:
        python: of the environment.
        version: of that Python.
        installed: what pip lists, `name==version`.
        size_bytes: of its packages, without the installers.
        key: tells it, and with it the peer's scores, from another one.
    """

    python: Path
    version: str
    installed: tuple[str, ...]
    size_bytes: int
    key: str


def prepare(peer: Peer, cache: Path, say: Callable[[str], None] = print) -> Environment:
    """Install a peer where it is not installed yet.

    Args:
        cache: folder of all environments.
        say: told what will be installed.

    Raises:
        DataError: its Python is missing, or pip could not install it; with pip's reason.
    """
    version, base = find_python(peer)
    key = _key(peer, version)
    folder = cache / f"{peer.requirements[0].partition('==')[0] if not peer.local else peer.name}-{key}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    told = folder / "installed.json"  # written last: without it the environment is not whole
    if told.is_file():
        known = json.loads(told.read_text(encoding="utf-8"))
        return Environment(python, version, tuple(known["installed"]), known["size_bytes"], key)
    say(f"{peer.title}: pip installs {', '.join(peer.requirements)} for Python {version} in {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    what = f"{peer.title} could not be installed"
    _run(what, [str(base), "-m", "venv", str(folder)])
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run(what, [*pip, "install", *peer.requirements])
    if peer.local:
        with tempfile.TemporaryDirectory() as copy:
            _run(what, [*pip, "install", "--no-deps", str(copy_sources(Path(copy)))])
    # not `freeze`, which tells what came from a folder by its path
    listed = _run(what, [*pip, "list", "--format=freeze"]).split()
    installed = tuple(each for each in listed if each.partition("==")[0] not in _TOOLS)
    environment = Environment(python, version, installed, measure_size(folder), key)
    write_json(told, {**asdict(environment), "python": None})
    return environment


def find_python(peer: Peer) -> tuple[str, Path]:
    """The first of its Pythons that is there: the running one, one on PATH, or pyenv's.

    Raises:
        DataError: none is.
    """
    for version in peer.pythons:
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            return version, Path(sys.executable)
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
        found = [
            *sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True),
            *(Path(path) for path in (shutil.which(f"python{version}"),) if path),
        ]
        for path in found:
            said = subprocess.run([path, "-c", _WHICH], capture_output=True, text=True, check=False).stdout
            if said.strip() == version:  # a shim may stand for a Python that is not there
                return version, path
    raise DataError(f"{peer.title} needs Python {' or '.join(peer.pythons)}, which is not installed here")


_WHICH = "import sys; print('%d.%d' % sys.version_info[:2])"


def measure_size(folder: Path) -> int:
    """Bytes of the packages of an environment, without the installers."""
    site = next(iter([*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]), None)
    if site is None:
        raise DataError(f"{folder}: expected an environment with site-packages, found none")
    return sum(
        path.lstat().st_size
        for path in site.rglob("*")
        if path.is_file() and not path.relative_to(site).parts[0].startswith(_TOOLS)
    )


def _key(peer: Peer, version: str) -> str:
    parts = [version, *peer.requirements]
    if peer.local:
        parts.append(hash_code(CHECKOUT, ("edge_iqa",)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _run(what: str, command: Sequence[str]) -> str:
    # a PIP_QUIET of whoever started this would take pip's reason away
    aloud = {name: value for name, value in os.environ.items() if name != "PIP_QUIET"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_LONGEST_S, env=aloud
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{what}: {error}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        reasons = [line for line in lines if line.startswith("ERROR")] or lines
        raise DataError(f"{what}: {' '.join(reasons)[-500:]}")
    return done.stdout
