"""A host reached through the system's OpenSSH: nobody is asked anything, and only a known host key will do."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_iqa.errors import EdgeIqaError
from edge_iqa.table import make_printable

LINK_FAILED = 255
"""Exit code of ssh itself; every other one is the remote command's."""
_OPTIONS = (
    "BatchMode=yes",  # no questions: a password or a new host key is not asked for, it fails
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=15",
    "ServerAliveInterval=5",  # a dead link is noticed after 15 s
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
)
# neither may begin with "-", which ssh would take for an option
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]*@)?[A-Za-z0-9_:][A-Za-z0-9_.:%-]*")
_ADVICE = {
    "REMOTE HOST IDENTIFICATION HAS CHANGED": "its host key is not the one that is known: ask who runs it, and take "
    "the old key away with `ssh-keygen -R HOST` only where they changed it",
    "Host key verification failed": "its host key is not known here: look at it with `ssh HOST` once, and accept it "
    "if it is the right one",
    "Permission denied": "it does not let you in without a password: set up a key with `ssh-copy-id HOST`, and load "
    "it with `ssh-add` where it has a passphrase",
    "Could not resolve hostname": "no such host: look at the spelling, or give its address",
    "Connection refused": "nothing answers there: is sshd running (`sudo systemctl start ssh`), and is the port right?",
    "timed out": "it does not answer: is it switched on, and in this network?",
    "No route to host": "it does not answer: is it switched on, and in this network?",
}


class RemoteError(EdgeIqaError):
    """A remote cannot be reached, lacks something, dropped, or sent what no bench sends."""


@dataclass(frozen=True)
class Ssh:
    """A host, and how it is reached.

    Attributes:
        host: `user@host`, `host`, or a name from the configuration.
        config: a configuration file to use instead of the user's; ports, keys and jumps stand there.

    Raises:
        RemoteError: the host's name is none, there is no such file, or no ssh is installed.
    """

    host: str
    config: Path | None = None

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise RemoteError(
                f"--remote: expected user@host, without blanks or a leading '-', got {self.host!r}"
            )
        if self.config is not None and not self.config.is_file():
            raise RemoteError(
                f"--ssh-config: {self.config}: expected a configuration file of ssh, found none"
            )
        if shutil.which("ssh") is None:
            raise RemoteError("--remote needs ssh: install OpenSSH's client (`apt install openssh-client`)")

    def command(self, script: str) -> list[str]:
        """What to run here so that a POSIX shell runs `script` there, whatever the login shell is."""
        config = [] if self.config is None else ["-F", str(self.config)]
        options = [word for option in _OPTIONS for word in ("-o", option)]
        return ["ssh", "-T", *config, *options, "--", self.host, f"sh -c {shlex.quote(script)}"]

    def ask(self, script: str, most_bytes: int = 64 * 1024, longest_s: float = 120) -> str:
        """What a short script there says.

        Raises:
            RemoteError: it cannot be reached, or does not answer in time.
        """
        with self.open(script) as process:
            process.stdin.close()
            timer = threading.Timer(longest_s, process.kill)
            timer.daemon = True  # an interrupt does not wait for it
            timer.start()
            try:
                complaints = Complaints(process)
                said = process.stdout.read(most_bytes)
                process.stdout.close()
                code = process.wait()
            finally:
                timer.cancel()
        if code < 0:
            raise RemoteError(f"{self.host}: connected, but did not answer within {longest_s:.0f} s")
        if code == LINK_FAILED:
            raise RemoteError(self.explain(complaints.text()))
        return said.decode("utf-8", "replace")

    @contextlib.contextmanager
    def open(self, script: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a script there while the block runs, with pipes to it; the link is cut where it runs longer."""
        process = subprocess.Popen(
            self.command(script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError):  # what could not be sent is still in its buffer
                    stream.close()

    def explain(self, said: str) -> str:
        """Why the link failed, and what to do: from what ssh said."""
        advice = next((advice for sign, advice in _ADVICE.items() if sign in said), "")
        lines = [line.strip() for line in said.splitlines() if line.strip().strip("@")]
        reason = lines[-1] if lines else "ssh did not say why"
        told = f"{self.host}: could not be reached ({reason})"
        return make_printable(told) + (f"; {advice.replace('HOST', self.host)}" if advice else "")


class Complaints:
    """What comes on standard error, read beside everything else so that nothing there waits for it.

    Args of the constructor: the process, and what to do with each line: it is printable, and not too long.
    """

    _MOST_BYTES = 256 * 1024
    _LONGEST = 500

    def __init__(
        self, process: subprocess.Popen[bytes], on_line: Callable[[str], None] | None = None
    ) -> None:
        self._stream, self._on_line = process.stderr, on_line
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """All of it; waits for the end."""
        self._thread.join(timeout=5)
        return "\n".join(self._lines)

    def _read(self) -> None:
        left = self._MOST_BYTES
        with contextlib.suppress(ValueError, OSError):  # it was closed meanwhile
            while data := self._stream.readline(4096):
                left -= len(data)
                if left < 0:
                    continue  # read on, or whoever writes would wait
                line = make_printable(data.decode("utf-8", "replace").rstrip("\r\n"))[: self._LONGEST]
                self._lines.append(line)
                if self._on_line is not None and line:
                    self._on_line(line)
