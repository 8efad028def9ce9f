"""Is a figure valid? Judges the conditions of a run by the bounds of its device, and says every reason against it."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.conditions import State
from benchmarks.device import CHECKS, Device
from benchmarks.drift import FEWEST, LEAST_SHARE, Drift
from benchmarks.sampler import Sample
from edge_iqa.machine import LEAST_OWN_SHARE, Usage

CODES = {
    "dropped": "the run was cut off",
    "governor": "the frequency governor lets the clock fall",
    "clock": "the processor ran below its clock",
    "hot": "it was too hot",
    "throttled": "the processor was held back",
    "memory": "too little memory was free",
    "swap": "swap was in use",
    "battery": "it ran on its battery",
    "busy": "others used the processor",
    "waiting": "this process had to wait for the processor",
    "steal": "a hypervisor took the processor away",
    "unsteady": "the warm-up never became steady",
    "drift": "it got slower or faster during the run",
    "unknown": "what this device must tell could not be read",
}
"""What each reason means, in the order in which they are told."""


@dataclass(frozen=True)
class Reason:
    """Why a figure is not valid.

    Attributes:
        code: one of `CODES`.
        what: what was looked at.
        measured, bound: what was found, and what had to hold.
    """

    code: str
    what: str
    measured: str
    bound: str

    def __str__(self) -> str:
        return f"{CODES[self.code]} ({self.code}): {self.what} {self.measured}, {self.bound}"


@dataclass(frozen=True)
class Validity:
    """The judgment.

    Attributes:
        invalid: reasons; none for a valid figure.
        unknown: checks that could not be made, in the order of `CHECKS`, and records that could not be read.
    """

    invalid: tuple[Reason, ...]
    unknown: tuple[str, ...]

    @property
    def valid(self) -> bool:
        return not self.invalid

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values: `valid`, `invalid`, `unknown`."""
        return {
            "valid": self.valid,
            "invalid": [asdict(reason) for reason in self.invalid],
            "unknown": list(self.unknown),
        }


@dataclass(frozen=True)
class Run:
    """What is known of a run.

    Attributes:
        before, after: the machine.
        samples: of the time between.
        usage: who used the processor.
        drifts: photo → whether its rounds drifted.
        unsteady: photos whose warm-up never became steady, each with what it came to.
        notes: what was to be recorded, `None` where it could not be read.
    """

    before: State
    after: State
    samples: Sequence[Sample]
    usage: Usage
    drifts: Mapping[str, Drift] = field(default_factory=dict)
    unsteady: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str | None] = field(default_factory=dict)


def judge(run: Run, device: Device) -> Validity:
    """Hold a run to the bounds of a device."""
    found, unknown = [], []
    for check in CHECKS:
        reasons = _JUDGES[check](run, device)
        if reasons is None:
            unknown.append(check)
        else:
            found += reasons
    found += [
        Reason("unsteady", name, came, "its medians must settle within 2 %")
        for name, came in run.unsteady.items()
    ]
    lacking = [note.name for note in device.record if note.required and run.notes.get(note.name) is None]
    needed = [check for check in unknown if check not in device.bounds.may_be_unknown]
    found += [_unread(name) for name in (*needed, *lacking)]
    order = list(CODES)
    return Validity(tuple(sorted(found, key=lambda each: order.index(each.code))), (*unknown, *lacking))


def _unread(name: str) -> Reason:
    hint = f"needs {FEWEST} rounds at least" if name == "drift" else "must be known on this device"
    return Reason("unknown", name, "could not be read" if name != "drift" else "could not be told", hint)


Reasons = list[Reason] | None


def _judge_governor(run: Run, device: Device) -> Reasons:
    allowed = device.bounds.governors
    both = [each for each in (run.before.governors, run.after.governors) if each is not None]
    if not both:
        return None
    others = sorted({name for each in both for name in each if not _fits(name, allowed)})
    bound = f"must be {' or '.join(allowed)}"
    return [Reason("governor", "governor", ", ".join(others), bound)] if others else []


def _judge_clock(run: Run, device: Device) -> Reasons:
    """The median counts: one look may meet a core that just woke up."""
    shares = [each.mhz / each.reference_mhz for each in run.samples if each.mhz and each.reference_mhz]
    if not shares:
        return None
    share, least = median(shares), device.bounds.least_clock_share
    if share >= least:
        return []
    mhz = median(each.mhz for each in run.samples if each.mhz)
    return [Reason("clock", "clock", f"{mhz:.0f} MHz, {share:.0%} of its top", f"at least {least:.0%}")]


def _judge_temperature(run: Run, device: Device) -> Reasons:
    known = [each.celsius for each in (run.before, *run.samples, run.after) if each.celsius is not None]
    if not known:
        return None
    hottest, bound = max(known), device.bounds.highest_celsius
    if hottest <= bound:
        return []
    return [Reason("hot", "temperature", f"{hottest:.0f} C", f"at most {bound:.0f} C")]


def _judge_throttling(run: Run, device: Device) -> Reasons:
    parts = [_judge_counters(run), _judge_cooling(run), _judge_flags(run, device)]
    known = [part for part in parts if part is not None]
    return [reason for part in known for reason in part] if known else None


def _judge_counters(run: Run) -> Reasons:
    before, after = run.before.throttle_count, run.after.throttle_count
    if before is None or after is None:
        return None
    times = after - before
    return [Reason("throttled", "counters", f"rose by {times}", "must not rise")] if times > 0 else []


def _judge_cooling(run: Run) -> Reasons:
    states = [each.cooling for each in (run.before, *run.samples, run.after) if each.cooling is not None]
    if not states:
        return None
    worst = max(states)
    return [Reason("throttled", "cooling device", f"at step {worst}", "must be at 0")] if worst > 0 else []


def _judge_flags(run: Run, device: Device) -> Reasons:
    before, after = run.before.flags, run.after.flags
    if before is None or after is None:
        return None
    found = []
    for each in device.bounds.flags:
        if each.name not in before or each.name not in after:
            continue
        now = (before[each.name] | after[each.name]) & each.now
        new = after[each.name] & ~before[each.name] & each.sticky
        if now | new:
            found.append(Reason("throttled", each.name, f"set the bits {now | new:#x}", "none may be set"))
    return found


def _judge_memory(run: Run, device: Device) -> Reasons:
    known = [each.free_mb for each in (run.before, run.after) if each.free_mb is not None]
    if not known:
        return None
    least = device.bounds.least_free_mb
    if min(known) >= least:
        return []
    return [Reason("memory", "free memory", f"{min(known):.0f} MB", f"at least {least:.0f} MB")]


def _judge_swap(run: Run, device: Device) -> Reasons:
    used = [each.swap_mb for each in (run.before, run.after) if each.swap_mb is not None]
    if not used:
        return None
    found = []
    if max(used) > 0 and not device.bounds.swap_may_be_in_use:
        found.append(Reason("swap", "swap in use", f"{max(used):.1f} MB", "must be none"))
    before, after = run.before.swapped_pages, run.after.swapped_pages
    if before is not None and after is not None and after > before:
        found.append(Reason("swap", "pages swapped", f"{after - before}", "must be none"))
    return found


def _judge_battery(run: Run, _device: Device) -> Reasons:
    known = [each.batteries for each in (run.before, run.after) if each.batteries is not None]
    if not known:
        return None
    empties = any(status == "Discharging" for each in known for status in each)
    return [Reason("battery", "battery", "discharging", "must be on mains")] if empties else []


def _judge_others(run: Run, device: Device) -> Reasons:
    usage, most, found = run.usage, device.bounds.most_others_cores, []
    if usage.own_cores < LEAST_OWN_SHARE:
        bound = f"at least {LEAST_OWN_SHARE:.0%}"
        found.append(Reason("waiting", "this process ran", f"{usage.own_cores:.0%} of the time", bound))
    if usage.others_cores is None:
        return found or None
    if usage.others_cores > most:
        measured = f"{usage.others_cores:.2f} cores"
        found.append(Reason("busy", "other processes used", measured, f"at most {most:g}"))
    return found + _judge_elsewhere(run, device.bounds.most_elsewhere_cores)


def _judge_elsewhere(run: Run, most: float) -> list[Reason]:
    """Work on cores that the run leaves alone; none where it uses all of them."""
    before, after = run.before, run.after
    ticks = (before.elsewhere_ticks, after.elsewhere_ticks, before.wall_ticks, after.wall_ticks)
    if any(each is None for each in ticks) or after.wall_ticks == before.wall_ticks:
        return []
    used = (after.elsewhere_ticks - before.elsewhere_ticks) / (after.wall_ticks - before.wall_ticks)
    if used <= most:
        return []
    return [Reason("busy", "other processes, on other cores, used", f"{used:.2f} cores", f"at most {most:g}")]


def _judge_steal(run: Run, device: Device) -> Reasons:
    before, after, most = run.before, run.after, device.bounds.most_steal_share
    ticks = (before.total_ticks, after.total_ticks, before.stolen_ticks, after.stolen_ticks)
    if any(each is None for each in ticks) or after.total_ticks == before.total_ticks:
        return None
    share = (after.stolen_ticks - before.stolen_ticks) / (after.total_ticks - before.total_ticks)
    if share <= most:
        return []
    return [Reason("steal", "time stolen", f"{share:.1%}", f"at most {most:.0%}")]


def _judge_drift(run: Run, _device: Device) -> Reasons:
    if not run.drifts or any(drift.share is None for drift in run.drifts.values()):
        return None
    return [
        Reason(
            "drift", name, f"{drift.share.value:+.1%} from first to last round", f"at most {LEAST_SHARE:.0%}"
        )
        for name, drift in run.drifts.items()
        if drift.told and drift.share is not None
    ]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


_JUDGES: Mapping[str, Callable[[Run, Device], Reasons]] = {
    "governor": _judge_governor,
    "clock": _judge_clock,
    "temperature": _judge_temperature,
    "throttling": _judge_throttling,
    "memory": _judge_memory,
    "swap": _judge_swap,
    "battery": _judge_battery,
    "others": _judge_others,
    "steal": _judge_steal,
    "drift": _judge_drift,
}
