"""What `benchmarks/simulate.py` found on this machine, read back: its rates, the prices of work, and their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.device import Rates
from benchmarks.result_file import read_result
from benchmarks.simulation.bound import SimulationError
from benchmarks.simulation.work import count_work, price
from edge_iqa import backends, machine
from edge_iqa.errors import DataError
from export.layers import Layer

FILE = "simulated-host.json"
KIND = "simulated"
SCHEMA = 1
MAKE = "python benchmarks/simulate.py"


@dataclass(frozen=True)
class Guess:
    """A simulated time, and the band that held the measured times of all `n` models left out."""

    ms: float
    low_ms: float
    high_ms: float
    n: int


@dataclass(frozen=True)
class Calibration:
    """One machine.

    Attributes:
        rates: measured, for the lower bound.
        prices: runtime → unit of work → ms.
        bands: runtime and precision → measured over simulated time, from, to, and of how many models.
        warnings: what made its measurements doubtful.
    """

    rates: Rates
    prices: Mapping[str, Mapping[str, float]]
    bands: Mapping[tuple[str, str], tuple[float, float, int]]
    warnings: Sequence[str]

    def guess(self, layers: Sequence[Layer], runtime: str, precision: str) -> Guess | None:
        """The time of a model on one thread; None for a precision that was not calibrated.

        Args:
            layers: as the runtime runs them on this processor.
        """
        band = self.bands.get((runtime, precision))
        if band is None:
            return None
        ms, (low, high, n) = price(count_work(layers), self.prices[runtime]), band
        return Guess(ms, ms * low, ms * high, n)


def read_calibration(folder: Path) -> Calibration:
    """Read the file of this machine.

    Raises:
        SimulationError: none is there, or it was made on another processor or with other runtimes; says what to do.
        DataError: the file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise SimulationError(
            f"--simulate: a host could be any machine, so its rates are measured first: run `{MAKE}` "
            f"(expected its {path}, found none)"
        )
    result = read_result(path, KIND, (SCHEMA,))
    try:
        _check_machine(path, result)
        rates = Rates(**result["rates"])
        bands = {
            (each["runtime"], each["precision"]): (each["low"], each["high"], each["n"])
            for each in result["bands"]
        }
        found = Calibration(rates, result["prices"], bands, result["warnings"])
        for runtime, precision in bands:
            found.guess((), runtime, precision)
        return found
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: expected what `{MAKE}` writes, missing or wrong: {error}") from error


def _check_machine(path: Path, result: Mapping[str, Any]) -> None:
    here, installed = machine.describe(), backends.available()
    told = {key: (result["machine"][key], here[key]) for key in ("cpu", "architecture", "int8_products")}
    told |= {name: (result["versions"].get(name), version) for name, version in installed.items()}
    for name, (there, now) in told.items():
        if there != now:
            raise SimulationError(
                f"{path}: calibrated where {name} is {there}, here it is {now}, so nothing follows for this machine; "
                f"run `{MAKE}` here"
            )
