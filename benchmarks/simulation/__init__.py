"""How long a network takes on a device that nobody has measured: a roofline, never a measurement.

Everything that leaves this package is marked SIMULATED: lines, rows, files, plots.
"""

MARK = "SIMULATED"
KIND = "latency-simulated"
"""Of a result file; a reader of measured latencies refuses it."""
SCHEMA = 1
ABOUT = "the network alone: reading a photo, cutting views and measuring pixels are not simulated, and take time too"
