"""How much memory does one verdict take at most, over what the process needs anyway? In a process of its own a photo.

    python -m benchmarks.peak_memory SMALL PHOTO [--policy NAME] [--bundle DIR]

Prints, as JSON: the memory that the process held with an Inspector open and the small photo judged, the most
that it held while it judged the other one, in bytes, and how that was read.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.footprint.own_memory import read_status, reset_peak
from benchmarks.system import System
from edge_iqa import Inspector, opencv
from edge_iqa.errors import DataError

STATUS, GETRUSAGE = "VmHWM of /proc/self/status, set back before", "ru_maxrss of getrusage"

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Peak:
    """Memory of one verdict.

    Attributes:
        base_bytes: what the process held before; where the system does not tell, the most it had held.
        peak_bytes: the most that it held while it judged.
        pixels_bytes: three bytes a pixel of the full photo.
        file_bytes: size of the photo's file.
        read_by: how.
    """

    base_bytes: int
    peak_bytes: int
    pixels_bytes: int
    file_bytes: int
    read_by: str

    @property
    def over_pixels(self) -> float:
        """What the verdict took beyond the base, in sizes of the full photo's pixels."""
        return (self.peak_bytes - self.base_bytes) / self.pixels_bytes


def measure_peak(
    small: Path, photo: Path, policy: str, bundle: Path | None = None, backend: str | None = None
) -> Peak:
    """Judge `photo` in a new process, after `small`.

    Raises:
        DataError: the process failed; with what it said.
    """
    command = [sys.executable, "-m", "benchmarks.peak_memory", str(small), str(photo), "--policy", policy]
    if bundle is not None:
        command += ["--bundle", str(bundle)]
    if backend is not None:
        command += ["--backend", backend]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"{photo.name}: its memory could not be measured: {done.stderr.strip()[-500:]}")
    return Peak(**json.loads(done.stdout.splitlines()[-1]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in this process; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="peak_memory.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("small", type=Path, help="a small photo, judged first")
    parser.add_argument("photo", type=Path, help="the photo whose verdict is measured")
    parser.add_argument("--policy", default="general", help="what it is judged by (%(default)s)")
    parser.add_argument("--backend", help="runtime (the best that is installed)")
    parser.add_argument("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    options = parser.parse_args(argv)
    opencv.load().setNumThreads(1)
    with Inspector.open(options.bundle, options.backend, threads=1) as inspector:
        inspector.inspect(options.small, policy=options.policy)
        gc.collect()
        read_by = STATUS if reset_peak() else GETRUSAGE
        base = _read_held(read_by)
        report = inspector.inspect(options.photo, policy=options.policy)
        peak = _read_most(read_by)
    pixels = 3 * report.width_px * report.height_px
    print(json.dumps(asdict(Peak(base, peak, pixels, options.photo.stat().st_size, read_by))))
    return 0


def _read_held(read_by: str) -> int:
    """What this process holds; the most that it has held, where that cannot be set back."""
    held = read_status(System(), "VmRSS") if read_by == STATUS else None
    return _read_most(read_by) if held is None else held


def _read_most(read_by: str) -> int:
    """The most that this process has held since it was set back."""
    most = read_status(System(), "VmHWM") if read_by == STATUS else None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if most is None else most


if __name__ == "__main__":
    raise SystemExit(main())
