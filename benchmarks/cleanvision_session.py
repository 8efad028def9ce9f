"""CleanVision (github.com/cleanlab/cleanvision) beside us: in an environment of its own, in turns with ours.

It judges photos by their pixels too (dark, light, blurry, low information, odd size, duplicates), by no model and no
policy, and is what people take for the task. Its needs would not go together with ours, so it gets a folder of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from edge_iqa.errors import DataError

VERSION = "0.3.7"
_CHILD = Path(__file__).resolve().parent / "cleanvision_child.py"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def prepare(folder: Path) -> Path:
    """Make the environment if it is not there; returns its Python.

    Raises:
        DataError: it cannot be made, or CleanVision not be installed.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(folder)])
    try:
        _run([str(python), "-c", "import cleanvision"])
    except DataError:
        _run([str(python), "-m", "pip", "install", "--quiet", f"cleanvision=={VERSION}"])
    return python


class Session:
    """CleanVision, imported and ready, with the photos that it is to check. Usable with `with`.

    Attributes:
        version: as its distribution says.
    """

    def __init__(self, python: Path, photos: Sequence[Path]) -> None:
        """Start it.

        Raises:
            DataError: it did not start.
        """
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - its bars of progress, and why it failed: until close
        self._process = subprocess.Popen(
            # isolated: files beside the child must not be taken for what CleanVision imports
            [str(python), "-I", str(_CHILD), *(str(photo.resolve()) for photo in photos)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, **dict.fromkeys(_THREADS, "1")},
        )
        try:
            self.version = str(self._read()["version"])
        except DataError:
            self.close()
            raise

    def check(self) -> dict[str, int]:
        """Check all photos once; returns `wall_ns` and `cpu_ns`.

        Raises:
            DataError: it failed.
        """
        if self._process.stdin is None:
            raise DataError("CleanVision cannot be spoken to: it has no standard input")
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        except OSError as error:
            raise DataError(f"CleanVision has stopped: {self._explain()}") from error
        return {name: int(value) for name, value in self._read().items()}

    def close(self) -> None:
        """End it. May be called twice."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()
        self._said.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> dict[str, object]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise DataError(f"CleanVision has stopped: {self._explain()}")
        answer: dict[str, object] = json.loads(line)
        return answer

    def _explain(self) -> str:
        self._said.seek(0)
        return self._said.read().strip()[-500:]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise DataError(f"CleanVision {VERSION} could not be installed: {said}")
