"""A device that can be measured: what it is known by, what runs there, and what must hold for a figure to be valid."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from benchmarks.system import System

CHECKS = (
    "governor", "clock", "temperature", "throttling", "memory", "swap", "battery", "others", "steal", "drift",
)  # fmt: skip
"""What is looked at before, during and after a run; a file says which of them may stay unknown."""


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


METERS = ("counter", "rails", "adc")
"""How a meter tells what it measured; see `Meter`."""


@dataclass(frozen=True)
class Meter:
    """An instrument within the device that measures the energy that it takes.

    Attributes:
        name: what people call it.
        kind: `counter` counts microjoules (`energy_uj` of folders as powercap has them); `rails` shows millivolts
            and milliamperes of named rails (hwmon); `adc` is a command that prints volts and amperes of rails.
        path: pattern of its folders; "" for a command.
        command: program and arguments; none for folders.
        parts: of a counter, patterns of the names that are added up; of rails, the names, all of which must be
            there. A command's rails are added up, all of them.
        covers: what is behind it, and what is not.
        needs: what to do where it cannot be read.
    """

    name: str
    kind: str
    path: str = ""
    command: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    covers: str = ""
    needs: str = ""


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
        swap_may_be_in_use: where memory is always swapped out, as on phones; pages that move in the run still count.
        most_others_cores: CPU time of everybody else, in cores, on the cores used.
        most_elsewhere_cores: CPU time on the other cores, in cores: they share caches, memory and heat.
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
    swap_may_be_in_use: bool = False
    most_others_cores: float = 0.1
    most_elsewhere_cores: float = 0.5
    most_steal_share: float = 0.02
    may_be_unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rates:
    """Peaks of the data sheet, `None` where it tells none. MACs are multiply-accumulates of one core.

    Attributes:
        int8_macs_per_s, fp32_macs_per_s: of one core.
        memory_bytes_per_s: of the whole memory.
        cache_bytes: of all caches between the cores and memory together; what they hold need not be moved.
    """

    int8_macs_per_s: float | None = None
    fp32_macs_per_s: float | None = None
    memory_bytes_per_s: float | None = None
    cache_bytes: float | None = None

    @property
    def complete(self) -> bool:
        """Whether a roofline can be drawn."""
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of those that the device file does not tell."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) is None)


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
        meters: what measures its energy.
        no_meter: why nothing does, and what would; "" for a device that has meters.
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
    meters: tuple[Meter, ...] = ()
    no_meter: str = ""
