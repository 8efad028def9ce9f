"""What a verdict costs besides its time: cold start, memory, energy, sizes. A part of the result of `latency.py`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.device import Device
from benchmarks.footprint import cold, memory, sizes
from benchmarks.footprint.energy import QUICK, EnergyBench, Lengths
from benchmarks.photos import Photo, pick
from benchmarks.profiles import RAPID
from benchmarks.system import System
from benchmarks.variants import Absence, Variant
from edge_iqa import backends
from edge_iqa.backends.base import clamp_threads
from edge_iqa.bundle import Bundle
from edge_iqa.errors import EdgeIqaError
from edge_iqa.machine import Usage, Watch

COLD_PROCESSES, QUICK_COLD = 40, 6
"""Enough for p90, which needs 36; for p50, which needs 6."""
MEMORY_PROCESSES, QUICK_MEMORY = 6, 1
"""Of each photo and backend; six give the median an interval."""
MEMORY_PHOTOS = 4
NO_USS = Absence(
    "memory (USS)", "this system does not tell it; /proc/self/smaps_rollup does, on Linux 4.14 or later"
)
NO_PEAK = Absence("memory (peak)", "this system does not tell it; VmHWM of /proc/self/status does, on Linux")


class Footprint:
    """Measures in three calls around the timed rounds, in this order: `measure_idle`, `measure_energy`, `measure`.

    With `--no-footprint` each returns at once.
    """

    def __init__(self, options: argparse.Namespace, device: Device, system: System) -> None:
        """
        Args:
            options: of `latency.py`.
            device: whose meters are read.
        """
        self._options = options
        self._energy = None
        if options.footprint:
            self._energy = EnergyBench(device, system, QUICK if options.profile is RAPID else Lengths())
        self._told: dict[str, Any] = {}
        self._usage: Usage | None = None
        self.failed: list[Absence] = []

    def measure_idle(self) -> None:
        """Before the rounds, and before anybody watches how busy this process is."""
        if self._energy is not None:
            self._energy.measure_idle()

    def measure_energy(
        self, photos: Sequence[Photo], variants: Sequence[Variant], on_block: Callable[[], None]
    ) -> None:
        """After the rounds; see `EnergyBench.measure_verdicts`."""
        if self._energy is not None:
            with self._catch("energy"):
                self._energy.measure_verdicts(photos, variants, on_block)

    def measure(self, photos: Sequence[Photo], bundle: Bundle, variants: Sequence[Variant]) -> None:
        """Start new processes for cold start and memory, and weigh the files.

        Args:
            photos: those that can be judged.
            variants: whose backends are measured, each with the model that an app would get.
        """
        if self._energy is None or not photos:
            return
        quick, names = self._options.profile is RAPID, _find_backends(bundle, variants)
        opencv_threads = self._options.opencv_threads
        how = (
            bundle.path,
            names,
            variants[0].inspector.backend.threads,
            None if opencv_threads is None else clamp_threads(opencv_threads),
        )
        photo = pick(photos, 3)[min(1, len(photos) - 1)]
        watch = Watch()
        with tempfile.TemporaryDirectory(prefix="edge-iqa-") as folder:
            paths = _write([photo, *pick(photos, MEMORY_PHOTOS)], Path(folder))
            bytecode = Path(folder, "bytecode")
            with self._catch("cold start"):
                processes = QUICK_COLD if quick else COLD_PROCESSES
                entries = cold.measure(paths[photo.name], *how, processes, bytecode)
                self._told["cold"] = {"photo": photo.name, "cache": cold.CACHE, "results": entries}
            with self._catch("memory"):
                chosen = {each.name: paths[each.name] for each in pick(photos, MEMORY_PHOTOS)}
                processes = QUICK_MEMORY if quick else MEMORY_PROCESSES
                self._told["memory"] = memory.measure(chosen, *how, processes, bytecode)
        self._usage = watch.read()
        with self._catch("sizes"):
            self._told["sizes"] = sizes.measure(bundle, names)

    def join(self, rounds: Usage) -> Usage:
        """Usage of the rounds, with the others of whichever part they disturbed more.

        How busy we were is told of the rounds alone: they never wait, and a process that starts does.
        """
        parts = [rounds, self._usage] if self._usage is not None else [rounds]
        known = [each.others_cores for each in parts if each.others_cores is not None]
        return replace(rounds, others_cores=max(known, default=None))

    def to_dict(self) -> dict[str, Any] | None:
        """The section of the result; `None` where it was not asked for."""
        if self._energy is None:
            return None
        missing = [*self._energy.list_missing(), *_list_untold(self._told.get("memory", ()))]
        parts = {key: self._told.get(key) for key in ("cold", "memory", "sizes")}
        return {
            **parts,
            "energy": self._energy.to_dict(),
            "missing": [asdict(absence) for absence in missing],
        }

    @contextmanager
    def _catch(self, part: str) -> Any:
        """A part that fails is told, and costs no other part."""
        try:
            yield
        except EdgeIqaError as error:
            self.failed.append(Absence(part, str(error)))


def _find_backends(bundle: Bundle, variants: Sequence[Variant]) -> list[str]:
    """Those measured that an app could open the bundle with."""
    names = dict.fromkeys(variant.backend for variant in variants)
    return [name for name in names if backends.RUNTIMES[name] in bundle.manifest.in_use]


def _write(photos: Iterable[Photo], folder: Path) -> dict[str, Path]:
    """Files of photos by name, which may be no file name."""
    paths = {}
    for photo in photos:
        path = folder / f"{len(paths)}{Path(photo.name).suffix}"
        if photo.name not in paths:
            path.write_bytes(photo.data)
            paths[photo.name] = path
    return paths


def _list_untold(entries: Iterable[Mapping[str, Any]]) -> list[Absence]:
    """What no process was told of its memory."""
    steps = [step for entry in entries for step in entry["steps"].values()]
    absences = {"uss_bytes": NO_USS, "peak_bytes": NO_PEAK}
    return [absence for kind, absence in absences.items() if any(step[kind] is None for step in steps)]
