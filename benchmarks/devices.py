"""Tell whether this machine is the device that somebody asked to measure.

A figure that carries a device's name must come from that device. What each is known by stands in
`benchmarks/devices`, one file a device: a new device is a new file there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.device import Device
from benchmarks.device_file import DeviceError, index, read_device
from benchmarks.system import System
from benchmarks.table import Table

HOST = "host"
"""Whatever machine this is; its figures carry no device's name."""
FOLDER = Path(__file__).resolve().parent / "devices"


def read_devices(folder: Path = FOLDER) -> Mapping[str, Device]:
    """All devices by name: `host` first, kinds behind their family.

    Raises:
        DeviceError: no files, or one that is not as it should be; says file, line and key.
    """
    paths = sorted(folder.glob("*.toml"), key=lambda path: (path.stem != HOST, path.stem))
    if not paths or paths[0].stem != HOST:
        raise DeviceError(f"{folder}: expected the files of devices, {HOST}.toml among them, found none")
    return index([device for path in paths for device in read_device(path)])


def find(name: str, devices: Mapping[str, Device], system: System) -> Device | None:
    """Return the device that the machine is, where it is the one asked for, and `None` where it is not.

    Args:
        name: one of `devices`. For a family the answer is the kind, where that can be told.

    Raises:
        KeyError: `name` is not one of `devices`.
    """
    device = devices[name]
    if device.whatever:
        return device
    kinds = [each for each in devices.values() if each.family == name]
    kind = next((each for each in kinds if _is_seen(each, system)), None)
    if kind is not None:
        return kind
    if not _is_seen(device, system) or (device.fallback and _is_known(devices, system)):
        return None
    return device


def identify(devices: Mapping[str, Device], system: System) -> Device | None:
    """Return the device that the machine is, as exactly as its files tell; `None` where it is none of them."""
    named = [name for name, device in devices.items() if not device.whatever and not device.family]
    return next((found for name in named if (found := find(name, devices, system))), None)


def refuse(name: str, devices: Mapping[str, Device], system: System) -> str:
    """Say that this machine is not the device, what was looked for, and what to do instead."""
    device, here = devices[name], identify(devices, system)
    instead = HOST if here is None else here.name
    is_here = "" if here is None else f"It is {_with_article(here.name)} ({here.title}). "
    whole = [
        each.name for each in devices.values() if name in (each.name, each.family) and each.rates.complete
    ]
    foretold = (
        f"or have its time foretold, and marked so: `python benchmarks/latency.py --device {whole[0]} --simulate`; "
        if whole
        else ""
    )
    return (
        f"This machine is not {_with_article(name)}: looked for {_join(_signs(device, devices))}, and found "
        f"{'another device' if here else 'no such thing'}. {is_here}"
        f"Nothing was measured, because a figure named {name} must come from one. "
        f"Run the same command on the {name} itself; or from here, on one that is reached through ssh: "
        f"`python benchmarks/latency.py --device {name} --remote user@host`; "
        f"{foretold}or "
        f"{'leave out --device' if here is None else f'say --device {here.name}'} to measure this machine as "
        f"'{instead}'."
    )


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def to_table(devices: Mapping[str, Device]) -> Table:
    """What can be asked for, and what each is known by."""
    rows = tuple((name, device.title, _known_by(device, devices)) for name, device in devices.items())
    return Table("Devices (--device NAME)", ("name", "what it is", "known by one of"), rows, labels=3)


def _known_by(device: Device, devices: Mapping[str, Device]) -> str:
    if device.whatever:
        return "anything: whatever machine this is"
    known = _join(_signs(device, devices))
    return f"{known}, and no other device" if device.fallback else known


def _signs(device: Device, devices: Mapping[str, Device]) -> list[str]:
    """Signs of a device and, of a family, of its kinds, each once."""
    kinds = [each for each in devices.values() if each.family == device.name]
    return list(dict.fromkeys(str(sign) for each in (device, *kinds) for sign in each.signs))


def _is_seen(device: Device, system: System) -> bool:
    return any(sign.is_seen(system) for sign in device.signs)


def _is_known(devices: Mapping[str, Device], system: System) -> bool:
    """Whether the machine is a device that is no fallback."""
    return any(_is_seen(each, system) for each in devices.values() if not each.fallback and not each.whatever)


def _join(texts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
