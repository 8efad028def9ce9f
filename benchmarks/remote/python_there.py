"""Which Python of a remote the bench runs on, and what it lacks."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from benchmarks.remote.ssh import RemoteError, Ssh
from edge_iqa import backends
from edge_iqa.table import make_printable

OLDEST, NEWEST = (3, 10), (3, 13)
_MARK = "edge-iqa-bench "
_CANDIDATES = ("python3", *(f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)))
# must be understood by any Python, the oldest too: it is there to say how old it is
_PROBE = """
import sys, json
def has(name):
    try:
        import importlib.util
        return importlib.util.find_spec(name) is not None
    except Exception:
        return False
names = ("numpy", "cv2", "tomli", "ensurepip", "onnxruntime", "ai_edge_litert", "tflite_runtime")
print("edge-iqa-bench " + json.dumps({"path": sys.executable, "version": list(sys.version_info[:2]),
    "has": [name for name in names if has(name)]}))
"""
_RUNTIMES = frozenset({"onnxruntime", "ai_edge_litert", "tflite_runtime"})


@dataclass(frozen=True)
class Python:
    """A Python of the remote.

    Attributes:
        path: where it is there.
        version: such as (3, 11).
        has: of the packages that matter, those that it finds.
    """

    path: str
    version: tuple[int, int]
    has: frozenset[str]

    @property
    def fits(self) -> bool:
        return OLDEST <= self.version <= NEWEST

    @property
    def lacks(self) -> list[str]:
        """Packages to install so that the bench runs on this Python as it is."""
        needed = {"numpy": "numpy", "cv2": "opencv-python-headless"}
        if self.version < (3, 11):
            needed["tomli"] = "tomli"
        lacking = [package for name, package in needed.items() if name not in self.has]
        return lacking if self.has & _RUNTIMES else [*lacking, backends.PACKAGES["litert"]]


def find_python(ssh: Ssh, asked: str | None) -> Python:
    """Find a Python there that the bench can run on; nothing is written there.

    Args:
        asked: the user's own, to be used as it is; `None` looks for one that can make an environment.

    Raises:
        RemoteError: no link, no such Python, or one that lacks packages; says both ways on.
    """
    found = _look(ssh, _CANDIDATES if asked is None else (asked,))
    fitting = [python for python in found if python.fits]
    versions = f"Python {'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}"
    if not fitting:
        came = ", ".join(f"{each.path} ({each.version[0]}.{each.version[1]})" for each in found) or "none"
        where = "" if asked is None else f" at {asked}"
        raise RemoteError(
            f"{ssh.host}: needs {versions}{where}, found {came}; install one there, "
            "or name one with --remote-python PATH"
        )
    if asked is not None:
        lacks = fitting[0].lacks
        if lacks:
            raise RemoteError(
                f"{ssh.host}: {fitting[0].path} lacks {', '.join(lacks)}; run there `{fitting[0].path} -m pip install "
                f"{' '.join(lacks)}`, or leave out --remote-python to have an environment made there"
            )
        return fitting[0]
    for python in fitting:
        if "ensurepip" in python.has:
            return python
    raise RemoteError(
        f"{ssh.host}: {fitting[0].path} cannot make environments; install its venv module there (`apt install "
        "python3-venv`), or name a Python that has numpy, OpenCV and a runtime with --remote-python PATH"
    )


def _look(ssh: Ssh, candidates: tuple[str, ...]) -> list[Python]:
    tries = "; ".join(f"{shlex.quote(name)} -c {shlex.quote(_PROBE)} 2>/dev/null" for name in candidates)
    said = ssh.ask(f"{tries}; echo '{_MARK}end'")
    lines = [line.removeprefix(_MARK) for line in said.splitlines() if line.startswith(_MARK)]
    if not lines or lines[-1] != "end":
        raise RemoteError(
            f"{ssh.host}: expected a POSIX shell (Linux or macOS), and it did not answer as one"
        )
    found = [python for line in lines[:-1] if (python := _read(line))]
    return list({python.path: python for python in found}.values())


def _read(line: str) -> Python | None:
    """What one Python said of itself; `None` for what cannot be that."""
    try:
        told: Any = json.loads(line)
        major, minor = told["version"]
        path, has = told["path"], frozenset(map(str, told["has"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(path, str) and path and type(major) is type(minor) is int):
        return None
    return Python(path, (major, minor), has) if path == make_printable(path) else None
