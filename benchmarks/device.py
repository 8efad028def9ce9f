"""Tell whether this machine is the device that somebody asked to measure.

A figure that carries a device's name must come from that device, so each device lists the files
that only it has, and what they say. One sign is enough: a container hides some of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOST = "host"
"""Whatever machine this is; its figures carry no device's name."""


@dataclass(frozen=True)
class Sign:
    """A file that gives a device away.

    Attributes:
        path: where it lies, from the root of the file system.
        says: text that it must hold, in any case; "" where its presence is enough.
    """

    path: str
    says: str = ""

    def __str__(self) -> str:
        return f'/{self.path} saying "{self.says}"' if self.says else f"/{self.path}"

    def is_seen(self, root: Path) -> bool:
        """Whether the file is there and says so; one that cannot be read is not seen."""
        try:
            content = (root / self.path).read_bytes()
        except OSError:
            return False
        return self.says.lower() in content.decode("utf-8", "replace").lower()


SIGNS: dict[str, tuple[Sign, ...]] = {
    "jetson": (Sign("proc/device-tree/model", "Jetson"), Sign("etc/nv_tegra_release")),
    "rpi5": (Sign("proc/device-tree/model", "Raspberry Pi 5"),),
    "android": (Sign("system/build.prop"), Sign("system/bin/getprop")),
}

NAMES = (HOST, *SIGNS)


def find(device: str, root: Path = Path("/")) -> Sign | None:
    """Return the first sign that this machine is `device`, or `None`.

    Raises:
        KeyError: `device` is not one of `SIGNS`.
    """
    return next((sign for sign in SIGNS[device] if sign.is_seen(root)), None)


def refuse(device: str) -> str:
    """Say that this machine is not `device`, what was looked for, and what to do instead."""
    looked_for = " and ".join(str(sign) for sign in SIGNS[device])
    return (
        f"This machine is not a {device}: looked for {looked_for}, and found no such file. "
        f"Nothing was measured, because a figure named {device} must come from one. "
        f"Run the same command on the {device} itself, or leave out --device to measure this machine as "
        f"'{HOST}'."
    )
