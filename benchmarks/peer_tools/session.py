"""A peer as a process that is spoken to: photos go in, readings, time and memory come out.

One that dies, says what nobody understands or says nothing in time is an error with its last words; the caller goes on
with the others.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from edge_iqa.errors import DataError

CHILD = Path(__file__).resolve().parent / "child.py"
LONGEST_S = 600.0
"""A peer that says nothing for so long hangs: the slowest one takes 100 s for 12 megapixels on a busy machine."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_LAST_BYTES = 4096
"""Of what it said, read to tell why it ended."""
_CLOSING_S = 5.0


@dataclass(frozen=True)
class Answer:
    """What a peer said of some photos.

    Attributes:
        scores: one dictionary of readings a photo, each reading the larger the better.
        wall_ns, cpu_ns: what it took, from the file's path on; cpu: by all its threads.
        base_bytes, peak_bytes: memory of its process before, and the most of it meanwhile.
        private_bytes: what its process alone held afterwards (USS); None where the system does not tell.
    """

    scores: tuple[Mapping[str, float], ...]
    wall_ns: int
    cpu_ns: int
    base_bytes: int
    peak_bytes: int
    private_bytes: int | None

    @property
    def taken_bytes(self) -> int:
        """The most that it took beyond the base."""
        return self.peak_bytes - self.base_bytes


class Refused(DataError):
    """A peer could not score a photo, and lives on."""


class Session:
    """A peer, imported and ready. Usable with `with`."""

    def __init__(
        self,
        name: str,
        python: Path,
        scorer: Path,
        arguments: Sequence[str] = (),
        longest_s: float = LONGEST_S,
    ) -> None:
        """Start it.

        Args:
            name: of the peer, for messages.
            python: of its environment.
            scorer: file with its `open_scorer`, and what that is given.
            longest_s: for one answer.

        Raises:
            DataError: it did not start.
        """
        self._name = name
        self._longest_s = longest_s
        self._said = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - bars of progress, and why it failed: until close
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                # isolated: files beside the child must not be taken for what a peer imports
                [str(python), "-I", str(CHILD), str(scorer), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
                errors="replace",
                env={**os.environ, **dict.fromkeys(_THREADS, "1")},
            )
        except OSError as error:
            self._said.close()
            raise DataError(f"{name} could not be started with {python}: {error}") from error
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            if self._read().get("ready") is not True:
                raise DataError(f"{name}: expected it to say that it is ready: {self._explain()}")
        except BaseException:  # an interrupt too: nobody else would end it
            self.close()
            raise

    def ask(self, paths: Sequence[Path]) -> Answer:
        """Score photos, all at once.

        Raises:
            Refused: it could not, and can be asked on.
            DataError: it has died, hangs or answers what is no answer: it has been ended.
        """
        line = json.dumps({"paths": [str(path.resolve()) for path in paths]})
        try:
            if self._process.stdin is None:
                raise OSError("no standard input")
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:  # ValueError: closed
            said = self._explain()
            self.close()
            raise DataError(f"{self._name} has stopped: {said}") from error
        try:
            return self._understand(self._read(), len(paths))
        except Refused:
            raise
        except DataError:
            self.close()
            raise

    def close(self) -> None:
        """End it. May be called twice."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it has died with a line unread
                self._process.stdin.close()
        try:
            self._process.wait(_CLOSING_S if not self._said.closed else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self) -> None:
        """Lines into the queue until there are no more; an empty one says so."""
        stream = self._process.stdout
        try:
            for line in stream or ():
                self._lines.put(line)
        except ValueError:  # closed while it was read
            pass
        self._lines.put("")

    def _read(self) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=self._longest_s)
        except queue.Empty:
            self._process.kill()
            raise DataError(f"{self._name} did not answer within {self._longest_s:g} s") from None
        if not line:
            raise DataError(f"{self._name} has stopped: {self._explain()}")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._misunderstood(line)
        return answer

    def _understand(self, told: Mapping[str, Any], photos: int) -> Answer:
        if "error" in told:
            raise Refused(f"{self._name}: {told['error']}")
        try:
            answer = Answer(**{**told, "scores": tuple(told["scores"])})
            fits = len(answer.scores) == photos and all(
                math.isfinite(value) for each in answer.scores for value in each.values()
            )
        except (KeyError, TypeError, AttributeError):
            raise self._misunderstood(json.dumps(told)) from None
        if not fits:
            raise Refused(f"{self._name}: expected finite scores of {photos} photos, got {told['scores']}")
        return answer

    def _misunderstood(self, line: str) -> DataError:
        return DataError(
            f"{self._name}: expected an answer in JSON with scores, time and memory, got {line.strip()[:200]!r}"
        )

    def _explain(self) -> str:
        if self._said.closed:
            return "it has been ended"
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSING_S)  # its last words come with its end
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _LAST_BYTES))
        words = self._said.read().decode("utf-8", "replace").strip()[-500:]
        return words or f"it said nothing (exit status {self._process.returncode})"
