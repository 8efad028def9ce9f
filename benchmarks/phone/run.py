"""`latency.py --device android` on a computer: measure the phone that hangs on it, through adb."""

from __future__ import annotations

import argparse
import contextlib
import math
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import devices
from benchmarks.conditions import Probe, read_notes
from benchmarks.device import Device
from benchmarks.drift import FEWEST
from benchmarks.latency_file import exit_code, write_result
from benchmarks.partial import mark
from benchmarks.phone.adb import FOLDER, NoPhoneError, Phone, PhoneError, find_phone
from benchmarks.phone.benchmark_model import DELEGATES
from benchmarks.phone.options import find_misplaced
from benchmarks.phone.record import describe, describe_phone, find_rounds_drift, print_result
from benchmarks.phone.rounds import Model, Plan, Rounds, run_rounds, try_delegate
from benchmarks.phone.snapshot import Snapshots
from benchmarks.pinning import choose
from benchmarks.profiles import RAPID
from benchmarks.progress import Progress
from benchmarks.sampler import Sampler
from benchmarks.system import System
from benchmarks.validity import Run
from benchmarks.variants import Absence
from edge_iqa import files
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError
from edge_iqa.manifest import FileEntry

NAME = "android"
_ROUNDS, _WARMUP = 10, 5
_PROGRAM = f"{FOLDER}/benchmark_model"
_GET_PROGRAM = (
    "get the prebuilt one for Android (https://ai.google.dev/edge/litert/models/measurement) and name it with "
    f"--benchmark-model FILE, or put it there yourself: `adb push FILE {_PROGRAM}`"
)


def run_on_phone(options: argparse.Namespace, known: Mapping[str, Device], system: System) -> int:
    """Measure the models of the bundle on the phone; returns the exit code.

    Raises:
        EdgeIqaError: the phone lacks something, or was lost before a round was done. Rounds that were done before it
            was lost are written, marked as partial, and give 1.
        KeyboardInterrupt: as pressed, before a round was done.
    """
    with tempfile.TemporaryDirectory(prefix="edge-iqa-phone.") as folder:
        try:
            phone = find_phone(options.serial)
            snapshots = Snapshots(phone, Path(folder), known[NAME].bounds)
            device = _recognize(phone, snapshots.system, known)
        except NoPhoneError as error:
            print(f"{devices.refuse(NAME, known, system)}\nThrough adb: {error}.", file=sys.stderr)
            return 3
        misplaced = find_misplaced(options)
        if misplaced is not None:
            print(
                f"latency.py: through adb the model alone is measured, without {misplaced}: leave it out, or run "
                "this on the phone itself",
                file=sys.stderr,
            )
            return 2
        files.make_folder(options.out, "--out")
        return _measure(options, phone, device, snapshots)


def _recognize(phone: Phone, system: System, known: Mapping[str, Device]) -> Device:
    """The device that answers.

    Raises:
        NoPhoneError: an emulator, or something else that speaks adb.
    """
    if "1" in (phone.run(["getprop", "ro.kernel.qemu"]), phone.run(["getprop", "ro.boot.qemu"])):
        raise NoPhoneError(f"{phone.serial} is an emulator, whose times are this computer's; connect a phone")
    device = devices.find(NAME, known, system)
    if device is None:
        raise NoPhoneError(f"{phone.serial} answers, but not as an Android phone does (getprop)")
    return device


def _measure(options: argparse.Namespace, phone: Phone, device: Device, snapshots: Snapshots) -> int:
    bundle = Bundle.open(options.bundle)
    models = {entry.precision or "": entry for entry in bundle.models if entry.runtime == "tflite"}
    if not models:
        raise DataError(
            f"the bundle {bundle.label} has no models for LiteRT; `make bundle` builds a full one"
        )
    system, rounds = snapshots.system, Rounds()
    with _put_there(phone, options.benchmark_model, bundle, models) as (program, paths):
        snapshots.take()
        plan = _plan(options, phone, system, program, paths)
        plan, missing = _add_delegates(phone, plan, device)
        probe = Probe(system, device.bounds, plan.cores)
        notes, before, load = read_notes(system, device.record), probe.read(), probe.read_load()
        sampler = Sampler(probe, every_s=0.0)
        progress = Progress(f"{phone.serial}: model", plan.rounds * len(plan.models))

        def look() -> None:
            snapshots.take(moving_only=True)
            sampler.on_round()
            progress.on_round(max(1, sum(map(len, rounds.passes.values()))))

        why, code = "", 0
        try:
            run_rounds(phone, plan, rounds, look)
            snapshots.take()
        except (PhoneError, KeyboardInterrupt) as error:
            if not rounds.done:
                raise
            is_stopped = isinstance(error, KeyboardInterrupt)
            why, code = ("it was interrupted", 130) if is_stopped else (str(error), 1)
        progress.clear()
    drifts = {"rounds": find_rounds_drift(rounds)}
    run = Run(before, probe.read(), sampler.samples, rounds.to_usage(load), drifts, {}, notes)
    result: dict[str, Any] = describe(device, plan, rounds, run, bundle, models, missing)
    result["machine"] = describe_phone(system, len(_read_cores(system)))
    if why:
        result = mark(result, rounds.done, plan.rounds, "rounds", why)
    path = write_result(options, result, "-model")
    print_result(result)
    print(f"written to {path}")
    return code or exit_code(result)


@contextlib.contextmanager
def _put_there(
    phone: Phone, program: Path | None, bundle: Bundle, models: Mapping[str, FileEntry]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Program and models on the phone, while the block runs; yields where they are.

    Raises:
        PhoneError: there is no program, or something could not be copied.
    """
    if program is not None and not program.is_file():
        raise PhoneError(f"--benchmark-model: {program}: expected the program, found no file; {_GET_PROGRAM}")
    if program is None and phone.shell(f"test -x {_PROGRAM}")[0]:
        raise PhoneError(f"the phone has no {_PROGRAM} that can be run; {_GET_PROGRAM}")
    code, said = phone.shell(f"mktemp -d {FOLDER}/edge-iqa-bench.XXXXXX")
    folder = said.strip()
    if code or not re.fullmatch(rf"{FOLDER}/edge-iqa-bench\.\w+", folder):
        raise PhoneError(f"no folder could be made on the phone, it said: {folder!r:.200}")
    try:
        there = _PROGRAM
        if program is not None:
            there = f"{folder}/benchmark_model"
            phone.push(program, there)
            phone.shell(f"chmod 755 {there}")
        paths = {}
        for precision, entry in models.items():
            paths[precision] = f"{folder}/{precision or 'model'}.tflite"
            phone.push(bundle.path / entry.path, paths[precision])
        yield there, paths
    finally:
        with contextlib.suppress(PhoneError):  # it is gone
            phone.shell(f"rm -rf {folder}")


def _plan(
    options: argparse.Namespace, phone: Phone, system: System, program: str, paths: dict[str, str]
) -> Plan:
    everywhere = _read_cores(system)
    threads = min(options.threads or 1, len(everywhere) or 1)
    pins = bool(everywhere) and phone.shell("command -v taskset")[0] == 0
    cores = choose(everywhere, threads, system) if pins else everywhere
    count = FEWEST if options.profile is RAPID else _ROUNDS
    runs = math.ceil(options.repeats / count)
    mask = sum(1 << core for core in cores) if pins else None
    models = {name: Model(path, name) for name, path in paths.items()}
    return Plan(program, models, threads, _WARMUP, runs, cores, mask, count)


def _add_delegates(phone: Phone, plan: Plan, device: Device) -> tuple[Plan, list[Absence]]:
    """The plan with each model on every delegate of the device's file that takes it; and what takes none."""
    models, missing = dict(plan.models), []
    for way in (way for way in device.ways if way.backend == "litert" and way.provider in DELEGATES):
        for name, model in plan.models.items():
            handed = replace(model, delegate=way.provider)
            title = f"{name} on {way.provider}"
            why = try_delegate(phone, plan, handed)
            if why is None:
                models[title] = handed
            else:
                missing.append(Absence(f"litert {title}", why))
    return replace(plan, models=models), missing


def _read_cores(system: System) -> tuple[int, ...]:
    """Numbers from a list such as `0-3,6`; none where the phone does not tell."""
    text = system.read("sys/devices/system/cpu/present") or ""
    found: list[int] = []
    for part in text.split(","):
        ends = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", part)
        if ends:
            found += range(int(ends[1]), int(ends[2] or ends[1]) + 1)
    return tuple(found)
