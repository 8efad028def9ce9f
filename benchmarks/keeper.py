"""Keeps what a run has measured so far, photo by photo, so that a run cut off does not lose it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from benchmarks.latency_file import conclude, conclude_partial, exit_code
from benchmarks.progress import Progress
from benchmarks.remote.records import write_record
from edge_iqa.errors import OutputError

_EVERY_S = 1.0
"""Progress handed out costs another process a little; and it shows at once where nobody listens any more."""
_UNHEARD = 141
"""Exit code of a program that writes to nobody, as shells have it."""


class Keeper:
    """Holds the last result in memory, and shows progress to whoever sits here."""

    def __init__(self) -> None:
        self.last: Mapping[str, Any] | None = None
        self.asked = 0

    def watch(self, task: str, rounds: int) -> Progress:
        """Progress of one photo."""
        return Progress(task, rounds)

    def beat(self) -> None:
        """The run is alive: for parts that show progress of their own, or none."""

    def keep(self, result: Mapping[str, Any], asked: int) -> None:
        """Take the result of the photos done so far, out of `asked`."""
        self.last, self.asked = result, asked

    def finish(self, options: argparse.Namespace) -> int:
        """The last result is the whole: write and print it; returns the exit code.

        Raises:
            OutputError: it could not be written.
        """
        return conclude(options, self.measured())

    def cut(self, options: argparse.Namespace, why: str, code: int) -> int:
        """The run was cut off: write and print what there is, if anything, marked as partial; returns `code`."""
        if self.last is None:
            return code
        try:
            conclude_partial(options, self.last, self.asked, why)
        except OutputError as error:
            print(f"latency.py: {error}", file=sys.stderr)
        return code

    def measured(self) -> Mapping[str, Any]:
        """The last result.

        Raises:
            ValueError: there is none.
        """
        if self.last is None:
            raise ValueError("nothing was measured")
        return self.last


class Streamer(Keeper):
    """Hands it all out as records (see `remote.records`) for another process to keep: `latency.py --stream`.

    What is handed out is `{"record": "progress", task, done, rounds}` about once a second,
    `{"record": "result", asked, result}` after each photo, and `{"record": "end"}` where the run came to its end.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream or sys.stdout
        self._beaten_s = 0.0

    def beat(self) -> None:
        """So that a run whose link has dropped ends within a second, and not when it has something to tell."""
        now_s = time.monotonic()
        if now_s - self._beaten_s >= _EVERY_S:
            self._beaten_s = now_s
            _send(self._stream, {"record": "progress", "task": "", "done": 1, "rounds": 1})

    def watch(self, task: str, rounds: int) -> Progress:
        return _Sent(task, rounds, self._stream)

    def keep(self, result: Mapping[str, Any], asked: int) -> None:
        super().keep(result, asked)
        _send(self._stream, {"record": "result", "asked": asked, "result": result})

    def finish(self, options: argparse.Namespace) -> int:
        """Say that the result last handed out is the whole."""
        _send(self._stream, {"record": "end"})
        return exit_code(self.measured())

    def cut(self, options: argparse.Namespace, why: str, code: int) -> int:
        """Whoever reads this keeps what was handed out."""
        return code


class _Sent(Progress):
    """Progress that another process draws."""

    def __init__(self, task: str, rounds: int, stream: TextIO) -> None:
        super().__init__(task, rounds)
        self._stream = stream
        self._sent_s = 0.0

    def on_round(self, done: int) -> None:
        now_s = time.monotonic()
        if now_s - self._sent_s < _EVERY_S:
            return
        self._sent_s = now_s
        told = {"record": "progress", "task": self._task, "done": done, "rounds": self._rounds}
        _send(self._stream, told)

    def clear(self) -> None:
        pass


def _send(stream: TextIO, value: Any) -> None:
    """Write a record; the run ends where nobody reads any more."""
    try:
        write_record(stream, value)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), stream.fileno()
        )  # what is left to write has somewhere to go
        raise SystemExit(_UNHEARD) from None
