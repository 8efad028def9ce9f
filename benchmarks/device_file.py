"""Read a file of `benchmarks/devices`. A slip of the pen must not move a bound in silence: all keys are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from benchmarks.device import CHECKS, METERS, Bounds, Device, Flags, Meter, Note, Rates, Sign, Way
from edge_iqa import backends, toml
from edge_iqa.errors import EdgeIqaError
from edge_iqa.toml import Entry

_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
_PATH = r"[^/\0][^\0]*"
_TOP = (
    "title",
    "whatever",
    "fallback",
    "signs",
    "backends",
    "record",
    "valid",
    "rates",
    "kinds",
    "meters",
    "no_meter",
)
_KIND = ("name", "title", "signs", "rates")


class DeviceError(EdgeIqaError):
    """A device file is not TOML, or has a key or value that no device has."""


def read_device(path: Path) -> list[Device]:
    """Read a file: the device that it is named after, then its kinds.

    Raises:
        DeviceError: not TOML, an unknown key, a missing one, or a value of another type; says file, line and key.
    """
    root = toml.read(path, DeviceError, "a device")
    root.check_keys(_TOP)
    whatever, fallback = _flag(root, "whatever"), _flag(root, "fallback")
    signs = _read_signs(root)
    if whatever == bool(signs):
        raise root.say("expected either `signs` or `whatever = true`")
    meters, no_meter = tuple(_read_meter(entry) for entry in _items(root, "meters")), root.get("no_meter")
    if meters and no_meter is not None:
        raise root.say("expected either `meters` or `no_meter`")
    device = Device(
        Entry(path.stem, "", root.source, ("the file's name",)).text(_NAME, "a name such as rpi5"),
        root["title"].text(r".+", "one line of text"),
        signs,
        whatever,
        fallback,
        ways=tuple(_read_way(entry) for entry in _items(root, "backends")),
        record=tuple(_read_note(entry) for entry in _items(root, "record")),
        bounds=_read_bounds(root.get("valid")),
        rates=_read_rates(root.get("rates")),
        meters=meters,
        no_meter="" if no_meter is None else no_meter.text(),
    )
    return [device, *(_read_kind(entry, device) for entry in _items(root, "kinds"))]


def _read_kind(entry: Entry, family: Device) -> Device:
    entry.check_keys(_KIND)
    signs = _read_signs(entry)
    if not signs:
        raise entry["signs"].refuse("at least one sign")
    return replace(
        family,
        name=f"{family.name}-{entry['name'].text(_NAME, 'a name such as orin-nano')}",
        title=entry["title"].text(r".+", "one line of text"),
        signs=signs,
        family=family.name,
        rates=_read_rates(entry.get("rates")),
    )


def _read_signs(entry: Entry) -> tuple[Sign, ...]:
    return tuple(_read_sign(each) for each in _items(entry, "signs"))


def _read_sign(entry: Entry) -> Sign:
    entry.check_keys(("path", "command", "architectures", "says"))
    if (architectures := entry.get("architectures")) is not None:
        entry.check_keys(("architectures",))
        return Sign(architectures=_texts(architectures))
    says = entry.get("says")
    return Sign(**_read_place(entry), says="" if says is None else says.text())


def _read_way(entry: Entry) -> Way:
    entry.check_keys(("backend", "provider", "install"))
    install = entry.get("install")
    return Way(
        entry["backend"].choice(*backends.RUNTIMES),
        entry["provider"].text(r"\w+", "a name such as CPUExecutionProvider"),
        "" if install is None else install.text(),
    )


def _read_note(entry: Entry) -> Note:
    entry.check_keys(("name", "path", "command", "required"))
    return Note(entry["name"].text(), **_read_place(entry), required=_flag(entry, "required"))


def _read_meter(entry: Entry) -> Meter:
    entry.check_keys(("name", "kind", "path", "command", "parts", "covers", "needs"))
    kind, parts = entry["kind"].choice(*METERS), entry.get("parts")
    place = _read_place(entry)
    if ("command" in place) != (kind == "adc"):
        raise entry.say("expected `command` for the kind adc, and `path` for the others")
    if (parts is None) != (kind == "adc"):
        raise entry.say("expected `parts` for the kinds counter and rails, and none for adc")
    named = () if parts is None else _texts(parts)
    if parts is not None and not named:
        raise parts.refuse("at least one name")
    told = {key: entry[key].text() for key in ("name", "covers", "needs")}
    return Meter(kind=kind, **place, parts=named, **told)


def _read_flags(entry: Entry) -> Flags:
    entry.check_keys(("name", "path", "command", "now", "sticky"))
    bits = {key: value.whole(0, 2**63 - 1) for key in ("now", "sticky") if (value := entry.get(key))}
    return Flags(entry["name"].text(), **_read_place(entry), **bits)


def _read_place(entry: Entry) -> dict[str, str | tuple[str, ...]]:
    path, command = entry.get("path"), entry.get("command")
    if path is not None and command is None:
        return {"path": path.text(_PATH, "a path from the root, without the first /")}
    if command is not None and path is None:
        words = _texts(command)
        if not words:
            raise command.refuse("a program and its arguments")
        return {"command": words}
    raise entry.say("expected either `path` or `command`")


def _read_bounds(entry: Entry | None) -> Bounds:
    if entry is None:
        return Bounds()
    entry.check_keys(tuple(each.name for each in fields(Bounds)))
    return Bounds(**{key: _read_bound(key, value) for key, value in entry.members()})


def _read_bound(key: str, entry: Entry) -> object:
    if key == "flags":
        return tuple(_read_flags(each) for each in entry.items())
    if key == "may_be_unknown":
        return tuple(each.choice(*CHECKS) for each in entry.items())
    if key == "clock_reference":
        return entry.choice("cpuinfo_max_freq", "scaling_max_freq")
    if key == "swap_may_be_in_use":
        return entry.flag()
    if key in ("least_clock_share", "most_steal_share"):
        return entry.number(0, 1)
    if key in ("highest_celsius", "least_free_mb", "most_others_cores", "most_elsewhere_cores"):
        return entry.number(0)
    return _texts(entry)


def _read_rates(entry: Entry | None) -> Rates:
    if entry is None:
        return Rates()
    entry.check_keys(tuple(each.name for each in fields(Rates)))
    return Rates(**{key: value.number(1) for key, value in entry.members()})


def _items(entry: Entry, key: str) -> list[Entry]:
    found = entry.get(key)
    return [] if found is None else found.items()


def _texts(entry: Entry) -> tuple[str, ...]:
    return tuple(each.text() for each in entry.items())


def _flag(entry: Entry, key: str) -> bool:
    found = entry.get(key)
    return False if found is None else found.flag()


def index(devices: list[Device]) -> Mapping[str, Device]:
    """By name.

    Raises:
        DeviceError: two have the same.
    """
    named = {device.name: device for device in devices}
    if len(named) != len(devices):
        names = [device.name for device in devices]
        twice = next(name for name in names if names.count(name) > 1)
        raise DeviceError(f"benchmarks/devices: expected one device named {twice}, got two; rename one")
    return named
