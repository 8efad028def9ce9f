"""The wheel of `edge_iqa` that travels: built from the checkout, or packed from what is installed."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import edge_iqa
from benchmarks.checkout import CHECKOUT, copy_sources
from benchmarks.remote.ssh import RemoteError

_OLDEST_SETUPTOOLS = 77
"""As in pyproject.toml; where it is installed the build needs no network."""


@dataclass(frozen=True)
class Wheel:
    """A wheel: its file's name, which pip reads, and its content."""

    name: str
    data: bytes

    @property
    def requirements(self) -> tuple[str, ...]:
        """What it asks for, as its metadata has it."""
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            lines = archive.read(name).decode().splitlines()
        return tuple(line for line in lines if line.startswith(("Requires-Dist:", "Requires-Python:")))


def get_wheel(given: Path | None) -> Wheel:
    """Read, build or pack the wheel of the `edge_iqa` that this process has.

    Args:
        given: a wheel to take as it is.

    Raises:
        RemoteError: it is none, or cannot be built.
    """
    if given is not None:
        return _read(given)
    package = Path(edge_iqa.__file__).resolve().parent
    if package == CHECKOUT / "edge_iqa" and (CHECKOUT / "pyproject.toml").is_file():
        return _build()
    return _pack(package)


def _read(path: Path) -> Wheel:
    try:
        wheel = Wheel(path.name, path.read_bytes())
        found = bool(wheel.requirements)
    except (OSError, zipfile.BadZipFile, StopIteration, UnicodeDecodeError) as error:
        raise RemoteError(f"--wheel: {path}: expected a wheel of edge-iqa ({error})") from error
    if not found or not re.fullmatch(r"edge_iqa-[\w.+!-]+\.whl", path.name):
        raise RemoteError(
            f"--wheel: {path}: expected a wheel of edge-iqa, such as edge_iqa-0.2.0-py3-none-any.whl"
        )
    return wheel


def _build() -> Wheel:
    with tempfile.TemporaryDirectory(prefix="edge-iqa-wheel.") as name:
        source, out = Path(name) / "source", Path(name) / "out"
        source.mkdir()
        copy_sources(source)
        isolation = ["--no-build-isolation"] if _has_setuptools() else []
        options = ["-q", "--no-deps", *isolation, "--wheel-dir", str(out), str(source)]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *options], capture_output=True, text=True, check=False
        )
        built = sorted(out.glob("*.whl"))
        if done.returncode or not built:
            lines = done.stderr.strip().splitlines() or ["no reason was given"]
            raise RemoteError(
                f"the wheel of edge_iqa could not be built ({lines[-1]}); build one where pip works "
                "(`pip wheel --no-deps .`), and name it with --wheel FILE"
            )
        return Wheel(built[0].name, built[0].read_bytes())


def _has_setuptools() -> bool:
    try:
        return int(importlib.metadata.version("setuptools").partition(".")[0]) >= _OLDEST_SETUPTOOLS
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def _pack(package: Path) -> Wheel:
    """Put the files of an installed package into a wheel again."""
    try:
        installed = importlib.metadata.distribution("edge-iqa")
    except importlib.metadata.PackageNotFoundError as error:
        raise RemoteError(
            f"edge_iqa at {package} is neither this checkout nor installed by pip; name a wheel with --wheel FILE"
        ) from error
    kept = {}
    for file in installed.files or ():
        path = file.as_posix()
        if path.startswith(("edge_iqa/", "edge_iqa-")) and "__pycache__" not in path:
            kept[path] = file.read_binary()
    folder = next((path.partition("/")[0] for path in kept if path.endswith(".dist-info/METADATA")), None)
    if folder is None or "edge_iqa/__init__.py" not in kept:
        raise RemoteError(
            f"edge_iqa at {package}: not all of its files are there; name a wheel with --wheel FILE"
        )
    for own in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
        kept.pop(f"{folder}/{own}", None)
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in kept.items())
    kept[f"{folder}/RECORD"] = f"{record}{folder}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in kept.items():
            archive.writestr(path, data)
    return Wheel(f"edge_iqa-{installed.version}-py3-none-any.whl", packed.getvalue())


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
