"""`latency.py` run as a person runs it: in a process of its own, with a terminal that shows its progress."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from benchmarks import latency


def _heed_interrupts() -> None:
    """What a shell begins in the background ignores them, and so would all that it begins."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watched:
    """The command with its standard error on a terminal, where progress is drawn; `said` is what came there so far."""

    def __init__(self, *arguments: str) -> None:
        self._terminal, end = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, latency.__file__, *arguments],
            stdout=subprocess.PIPE,
            stderr=end,
            text=True,
            preexec_fn=_heed_interrupts,
        )
        os.close(end)
        self.said = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for(self, text: str) -> None:
        deadline_s = time.monotonic() + 60
        while text not in self.said:
            assert time.monotonic() < deadline_s and self.process.poll() is None, self.said
            time.sleep(0.02)

    def finish(self) -> str:
        """Wait for the end; returns what it wrote to standard output."""
        try:
            out = self.process.communicate(timeout=60)[0]
        finally:
            self.process.kill()
        self._thread.join(timeout=5)
        os.close(self._terminal)
        return out

    def _read(self) -> None:
        try:
            while data := os.read(self._terminal, 4096):
                self.said += data.decode()
        except OSError:  # the other end is closed
            pass
