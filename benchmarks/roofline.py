"""How fast this processor could be: rates measured in the runtime itself, and the time they allow a layer.

A layer takes at least the time of its multiplications at the highest rate, and at least the time of its
bytes at the rate of a copy; the roofline is the longer of both (Williams et al. 2009, "Roofline: an
insightful visual performance model", CACM 52(4)).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compression.artifacts import export_models, make_quantizer
from compression.models.heads import QualityNet
from compression.models.yardstick import make_dense
from edge_iqa.manifest import RUNTIMES
from edge_iqa.timing import measure_interleaved
from export import parity
from export.layers import Layer

PRECISIONS = ("int8", "fp32")
_DEPTHS = (4, 16)
"""Layers of two models; what the deeper one takes longer is spent on multiplications alone."""
_REPEATS = 30
_COPIED_BYTES = tuple(2**power for power in range(14, 27, 2))
"""16 KiB to 64 MiB: from the first cache to main memory."""


@dataclass(frozen=True)
class Peaks:
    """What this processor reaches on one thread.

    Attributes:
        macs_per_s: runtime → precision → multiplications, in a model of large 1x1 convolutions.
        copy_bytes_per_s: bytes read and written together → rate of such a copy.
    """

    macs_per_s: Mapping[str, Mapping[str, float]]
    copy_bytes_per_s: Mapping[int, float]

    def bound_ms(self, layer: Layer, runtime: str) -> float:
        """The least time that a layer could take."""
        rates, moved = self.macs_per_s[runtime], layer.moved_bytes
        computed = layer.int8_macs / rates["int8"] + (layer.macs - layer.int8_macs) / rates["fp32"]
        return 1e3 * max(computed, moved / self.copy_rate(moved) if moved else 0.0)

    def copy_rate(self, moved_bytes: int) -> float:
        """Bytes a second of a copy that moves as many, between two sizes by interpolation."""
        sizes = sorted(self.copy_bytes_per_s)
        return float(
            np.interp(
                np.log(max(moved_bytes, 1)), np.log(sizes), [self.copy_bytes_per_s[size] for size in sizes]
            )
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_peaks() -> Peaks:
    """Measure both rates; about a minute, most of it for exports."""
    return Peaks(measure_macs(), measure_copies())


def measure_macs() -> dict[str, dict[str, float]]:
    """Multiplications a second, runtime → precision → rate."""
    tasks: dict[str, Any] = {}
    macs = []
    for depth in _DEPTHS:
        net, each = make_dense(depth)
        macs.append(each)
        views = np.random.default_rng(0).integers(0, 256, net.spec.shape, np.uint8)
        for (runtime, precision), content in _make(net, views).items():
            model = parity.from_file(f"model.{precision}.{runtime}", content, threads=1)
            tasks[f"{runtime} {precision} {depth}"] = lambda model=model, views=views: model(views)
    recorded = measure_interleaved(tasks, warmup=3, repeats=_REPEATS, clock=time.thread_time_ns)

    def rate(runtime: str, precision: str) -> float:
        short, long = (recorded[f"{runtime} {precision} {depth}"].whole_ms.min() for depth in _DEPTHS)
        return float((macs[1] - macs[0]) / max(long - short, 1e-6) * 1e3)

    return {
        runtime: {precision: rate(runtime, precision) for precision in PRECISIONS} for runtime in RUNTIMES
    }


def measure_copies() -> dict[int, float]:
    """Bytes a second that a copy reads and writes, by their number."""
    rates = {}
    for moved in _COPIED_BYTES:
        source = np.zeros(moved // 2, np.uint8)
        target = np.ones_like(source)
        times = max(1, 2**22 // moved)  # a small one is over before a clock can tell
        taken = []
        for _ in range(_REPEATS):
            start_ns = time.thread_time_ns()
            for _ in range(times):
                np.copyto(target, source)
            taken.append(time.thread_time_ns() - start_ns)
        rates[moved] = moved * times / (min(taken) / 1e9)
    return rates


def _make(net: QualityNet, views: np.ndarray) -> dict[tuple[str, str], bytes]:
    """Runtime and precision → model file, exported and quantized as students are."""
    made = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = export_models(net, "", folder, "fp32")
        for runtime in RUNTIMES:
            content = files[f"model.fp32.{runtime}"]
            quantizer = make_quantizer(runtime, content, [views], folder)
            made[runtime, "fp32"], made[runtime, "int8"] = content, quantizer.quantize("min_max")
    return made
