"""What a file of `benchmarks/devices` says: how a device is recognized, what runs there, when a figure is valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from benchmarks.system import System
from edge_iqa import backends, toml
from edge_iqa.errors import EdgeIqaError
from edge_iqa.toml import Entry

CHECKS = (
    "governor", "clock", "temperature", "throttling", "memory", "swap", "battery", "others", "steal", "drift",
)  # fmt: skip
"""What is looked at before, during and after a run; a file says which of them may stay unknown."""

_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
_PATH = r"[^/\0][^\0]*"
_TOP = ("title", "whatever", "fallback", "signs", "backends", "record", "valid", "rates", "kinds")
_KIND = ("name", "title", "signs", "rates")


class DeviceError(EdgeIqaError):
    """A device file is not TOML, or has a key or value that no device has."""


@dataclass(frozen=True)
class Sign:
    """What gives a device away: a file, a command that answers, or the architecture. One of the three is set.

    Attributes:
        path: where the file lies, from the root.
        command: program and arguments.
        architectures: as `uname -m` has them.
        says: text that the file or the answer must hold, in any case; "" where there being one is enough.
    """

    path: str = ""
    command: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    says: str = ""

    def __str__(self) -> str:
        if self.architectures:
            return f"`uname -m` saying {' or '.join(self.architectures)}"
        where = f"/{self.path}" if self.path else f"`{' '.join(self.command)}`"
        return f'{where} saying "{self.says}"' if self.says else where

    def is_seen(self, system: System) -> bool:
        """Whether the machine has it; what cannot be read is not seen."""
        if self.architectures:
            return system.architecture in self.architectures
        content = system.read(self.path) if self.path else system.run(self.command)
        return content is not None and self.says.lower() in content.lower()


@dataclass(frozen=True)
class Way:
    """A way to run a model: a backend, and what it hands the work to.

    Attributes:
        backend: as a user names it.
        provider: execution provider of ONNX Runtime, or delegate of LiteRT.
        install: what to install where it is missing.
    """

    backend: str
    provider: str
    install: str = ""


@dataclass(frozen=True)
class Note:
    """What is written beside the figures, such as the power mode.

    Attributes:
        name: what it is.
        path, command: where it is read; one of both is set. A path may be a pattern.
        required: a figure without it is not valid.
    """

    name: str
    path: str = ""
    command: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Flags:
    """A number whose bits say that the processor is, or was, held back.

    Attributes:
        name: what it is.
        path, command: where it is read; one of both is set.
        now: bits that are set while it is held back.
        sticky: bits that stay set once it was; those set before the run do not count.
    """

    name: str
    path: str = ""
    command: tuple[str, ...] = ()
    now: int = 0
    sticky: int = 0


@dataclass(frozen=True)
class Bounds:
    """What must hold for a figure to be valid. No key of a file turns a check off: it moves the bound.

    Attributes:
        governors: patterns of the frequency governors that keep the clock up.
        clock_reference: file beside `scaling_cur_freq` with the clock that is expected.
        least_clock_share: the median clock of the run over that one.
        temperature_zones: patterns of the types of thermal zones; sensors that show no true temperature stay out.
        highest_celsius: in any of them, at any time.
        throttle_counters: patterns of files that count how often the processor was held back.
        cooling_devices: patterns of the types of cooling devices that hold it back.
        flags: the same told as bits.
        least_free_mb: memory that is available, in 10^6 bytes.
        most_others_cores: CPU time of everybody else, in cores, on the cores used.
        most_steal_share: time that a hypervisor took from the cores used.
        may_be_unknown: checks that a figure may be valid without.
    """

    governors: tuple[str, ...] = ("performance",)
    clock_reference: str = "cpuinfo_max_freq"
    least_clock_share: float = 0.9
    temperature_zones: tuple[str, ...] = ("*",)
    highest_celsius: float = 85.0
    throttle_counters: tuple[str, ...] = ()
    cooling_devices: tuple[str, ...] = ()
    flags: tuple[Flags, ...] = ()
    least_free_mb: float = 200.0
    most_others_cores: float = 0.1
    most_steal_share: float = 0.02
    may_be_unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rates:
    """Peaks of the data sheet, `None` where it tells none. MACs are multiply-accumulates of one core.

    Attributes:
        int8_macs_per_s, fp32_macs_per_s: of one core.
        memory_bytes_per_s: of the whole memory.
    """

    int8_macs_per_s: float | None = None
    fp32_macs_per_s: float | None = None
    memory_bytes_per_s: float | None = None

    @property
    def complete(self) -> bool:
        """Whether a roofline can be drawn."""
        return all(getattr(self, each.name) is not None for each in fields(self))


@dataclass(frozen=True)
class Device:
    """A device that somebody may ask to measure.

    Attributes:
        name: as in `--device NAME`: the file's, for a kind followed by the kind's.
        title: what people call it.
        signs: one is enough, as a container hides some of them.
        whatever: any machine is one; its figures carry no device's name.
        fallback: a machine is one only where it is no other device.
        family: name of the device that this one is a kind of; "" for none.
        ways: backends and providers to try.
        record: what is written beside the figures.
        bounds: what must hold.
        rates: peaks for a roofline.
    """

    name: str
    title: str
    signs: tuple[Sign, ...] = ()
    whatever: bool = False
    fallback: bool = False
    family: str = ""
    ways: tuple[Way, ...] = ()
    record: tuple[Note, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    rates: Rates = field(default_factory=Rates)


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
    if key in ("least_clock_share", "most_steal_share"):
        return entry.number(0, 1)
    if key in ("highest_celsius", "least_free_mb", "most_others_cores"):
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
