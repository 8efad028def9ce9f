"""How long a network takes on a device that nobody has measured: a roofline, never a measurement.

Everything that leaves this package is marked SIMULATED: lines, rows, files, plots.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from benchmarks.device import Device

MARK = "SIMULATED"
KIND = "latency-simulated"
"""Of a result file; a reader of measured latencies refuses it."""
SCHEMA = 1
ABOUT = "the network alone: reading a photo, cutting views and measuring pixels are not simulated, and take time too"


def run(options: argparse.Namespace, known: Mapping[str, Device]) -> int:
    """Simulate what `latency.py --simulate` was asked for; returns its exit code."""
    try:
        from benchmarks.simulation import command  # reads layers, which measuring never needs
    except ImportError as error:
        print(
            f"latency.py: --simulate reads the layers of model files with `export/layers.py`, which cannot be imported "
            f"here ({error}); run it in a whole checkout, on any machine",
            file=sys.stderr,
        )
        return 1
    return command.run(options, known)
