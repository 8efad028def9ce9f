"""A real sshd on a free port of 127.0.0.1, with keys of its own, for tests of what goes through ssh."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAME = "bench-host"
"""What the configuration calls it."""


def find_sshd() -> str | None:
    """Where the server lies; it is not on the path of ordinary users."""
    return shutil.which(
        "sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        config: configuration of the client that reaches it as `NAME`.
        known_hosts: the file that the configuration names.
        home: temporary files of what runs there.
        process: the server itself; each connection is a child of it.
    """

    config: Path
    known_hosts: Path
    home: Path
    process: subprocess.Popen[bytes]

    def leftovers(self) -> list[str]:
        """What runs have left behind there."""
        return sorted(path.name for path in self.home.iterdir())

    def cut(self) -> None:
        """Kill the processes that serve connections, as when a cable is pulled out."""
        for child in _children(self.process.pid):
            for each in (*_children(child), child):
                if _name(each).startswith("sshd"):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each, signal.SIGKILL)


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Run a server while the block runs; it lets the user of this process in."""
    host_key, user_key, home = make_key(folder / "host_key"), make_key(folder / "user_key"), folder / "there"
    home.mkdir()
    authorized = folder / "authorized_keys"
    authorized.write_bytes((folder / "user_key.pub").read_bytes())
    authorized.chmod(0o600)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {(folder / 'host_key.pub').read_text()}")
    server = folder / "sshd_config"
    server.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nAuthorizedKeysFile {authorized}\n"
        f"PidFile none\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"UsePAM no\nPermitRootLogin yes\nSetEnv TMPDIR={home}\n"
    )
    config = folder / "ssh_config"
    config.write_text(
        f"Host {NAME}\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n  IdentityFile {user_key}\n"
        f"  IdentitiesOnly yes\n  UserKnownHostsFile {known_hosts}\n  GlobalKnownHostsFile /dev/null\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it locks itself in before anybody logs in
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([str(find_sshd()), "-D", "-e", "-f", server], stderr=log)
        try:
            _wait(port, process)
            yield Server(config, known_hosts, home, process)
        finally:
            process.terminate()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            raise RuntimeError("sshd ended at once; its log says why")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("sshd does not listen")


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
