"""The least time that a network can take on a device, from the peaks of its data sheet.

A layer takes at least the time of its multiplications at the peak, and at least the time of its bytes that
no cache can hold at the peak of the memory; it takes at least the longer of both (Williams et al. 2009,
"Roofline: an insightful visual performance model", CACM 52(4)), and layers run one after another.
Nothing here is fitted, so nothing says how far above the bound the true time lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.device import Rates
from edge_iqa.errors import EdgeIqaError
from export.layers import Layer


class SimulationError(EdgeIqaError):
    """A device or a model cannot be simulated."""


@dataclass(frozen=True)
class Bound:
    """The least time of one layer, or of several one after another.

    Attributes:
        compute_ms: of the multiplications.
        memory_ms: of the bytes.
        at_least_ms: of both, layer by layer the longer one.
    """

    compute_ms: float
    memory_ms: float
    at_least_ms: float


def bound_layer(layer: Layer, rates: Rates, threads: int = 1) -> Bound:
    """The least time of a layer.

    Args:
        rates: complete.
        threads: as many cores multiply; they share one memory.

    Raises:
        SimulationError: a rate is missing.
    """
    int8, fp32, memory, cache = take_rates(rates)
    compute = (layer.int8_macs / int8 + (layer.macs - layer.int8_macs) / fp32) / threads
    # what the caches hold when a layer begins need not be read, and what they hold when it ends not be written
    moved = max(0.0, layer.moved_bytes - 2 * cache) / memory
    return Bound(1e3 * compute, 1e3 * moved, 1e3 * max(compute, moved))


def bound_model(layers: Sequence[Layer], rates: Rates, threads: int = 1) -> Bound:
    """The least time of layers one after another.

    Raises:
        SimulationError: a rate is missing.
    """
    bounds = [bound_layer(layer, rates, threads) for layer in layers]
    return Bound(
        sum(each.compute_ms for each in bounds),
        sum(each.memory_ms for each in bounds),
        sum(each.at_least_ms for each in bounds),
    )


def take_rates(rates: Rates) -> tuple[float, float, float, float]:
    """int8 and float multiplications a second, bytes a second, bytes of cache.

    Raises:
        SimulationError: one is missing.
    """
    known = rates.int8_macs_per_s, rates.fp32_macs_per_s, rates.memory_bytes_per_s, rates.cache_bytes
    int8, fp32, memory, cache = known
    if int8 is None or fp32 is None or memory is None or cache is None:
        raise SimulationError(f"rates: expected all of them, missing {', '.join(rates.missing)}")
    return int8, fp32, memory, cache
