"""A phone at the end of `adb`: which one, what it answers, and what is put on it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_iqa.errors import EdgeIqaError
from edge_iqa.table import make_printable

FOLDER = "/data/local/tmp"
"""Where the shell's user of every phone may write and run programs."""
_MOST_BYTES = 4 * 1024 * 1024
_SHORT_S = 20.0
_STATES = {
    "unauthorized": "it does not trust this computer yet: unlock it, and accept the question about USB debugging",
    "offline": "it does not answer: unlock it, pull the cable out and put it in again",
    "no": "this user may not use the port: install the rules (`apt install android-sdk-platform-tools-common`)",
    "recovery": "it is in recovery: start it normally",
    "sideload": "it is in recovery: start it normally",
    "bootloader": "it is in its bootloader: start it normally",
}


class NoPhoneError(EdgeIqaError):
    """There is no phone to measure, or not a single one; the message says what to do."""


class PhoneError(EdgeIqaError):
    """A phone was lost in between, lacks a program, or says what no program says."""


@dataclass(frozen=True)
class Phone:
    """A phone that is connected and lets us in. `serial` is what adb calls it."""

    serial: str

    def run(self, command: Sequence[str]) -> str | None:
        """What a program says there; `None` where it fails, as `System.run` has it."""
        try:
            code, said = self.shell(shlex.join(command))
        except PhoneError:
            return None
        return said.strip() if code == 0 else None

    def shell(self, script: str, longest_s: float = _SHORT_S) -> tuple[int, str]:
        """Exit code of a script there, and what it says.

        Raises:
            PhoneError: the phone was lost, or takes too long.
        """
        done = _adb(["-s", self.serial, "shell", script], longest_s)
        said = done.stdout[:_MOST_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
        if done.returncode and not said and done.stderr.lstrip().startswith((b"error:", b"adb:")):
            raise PhoneError(
                f"the phone was lost: {_last(done.stderr)}; look at its cable, and run this again"
            )
        return done.returncode, said

    def push(self, path: Path, target: str) -> None:
        """Copy a file there.

        Raises:
            PhoneError: it could not be copied.
        """
        done = _adb(["-s", self.serial, "push", str(path), target], longest_s=300)
        if done.returncode:
            raise PhoneError(
                f"{path.name} could not be copied to the phone: {_last(done.stderr or done.stdout)}"
            )


def find_phone(serial: str | None = None) -> Phone:
    """The phone that is connected, or the one of this serial number.

    Raises:
        NoPhoneError: no adb, no phone, several, or one that lets nobody in.
    """
    if shutil.which("adb") is None:
        raise NoPhoneError(
            "looked for `adb` to reach a phone, and it is not installed: `apt install adb`, or Android's SDK "
            "Platform-Tools"
        )
    states = _list()
    if serial is not None and serial not in states:
        raise NoPhoneError(f"`adb devices` shows no {serial!r}, but {', '.join(states) or 'no phone at all'}")
    if serial is None and not states:
        raise NoPhoneError(
            "`adb devices` shows no phone: connect one by USB, and turn on USB debugging in its developer options"
        )
    if serial is None and len(states) > 1:
        raise NoPhoneError(f"`adb devices` shows several: choose one with --serial {' or '.join(states)}")
    chosen = serial or next(iter(states))
    if states[chosen] != "device":
        advice = _STATES.get(states[chosen], "`adb kill-server`, and connect it again")
        raise NoPhoneError(f"`adb devices` shows {chosen} as {states[chosen]!r}: {advice}")
    return Phone(chosen)


def _list() -> dict[str, str]:
    """Serial number → state of all that are connected."""
    try:
        done = _adb(["devices"], 60)
    except PhoneError as error:
        raise NoPhoneError(str(error)) from error
    if done.returncode:
        raise NoPhoneError(f"`adb devices` failed: {_last(done.stderr)}")
    rows = [line.split() for line in done.stdout.decode("utf-8", "replace").splitlines()]
    # beside them stand a title, and lines that begin with `*` where the server is started
    return {
        row[0]: row[1]
        for row in rows
        if len(row) >= 2 and re.fullmatch(r"[\w.:-]+", row[0]) and row[0] != "List"
    }


def _adb(arguments: Sequence[str], longest_s: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["adb", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=longest_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PhoneError(f"`adb {arguments[-1]:.60}` did not end within {longest_s:.0f} s") from error


def _last(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["no reason was given"]
    return make_printable(lines[-1])[:300]
