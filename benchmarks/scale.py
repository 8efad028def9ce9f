"""How does the cost of a verdict grow: with pixels, views, threads, processes, photos?

    python benchmarks/scale.py                              all parts, about 9 minutes on two quiet cores
    python benchmarks/scale.py --parts pixels,threads       some of them, into a file of their own
    python benchmarks/scale.py --photos DIR --megapixels 1 12 48
    python benchmarks/scale.py --draw RESULT.json           the plot again, from a result

Photos of 1 to 48 megapixels are made of real ones: `--photos`, else the examples (`benchmarks/megapixels.py`).
Needs what `latency.py` needs, and matplotlib for the plot. Models with other numbers of views are made by the
workshop, which needs torch; where it is not installed, views are told as not measured.

Exit code: 0 all was measured and is valid, 1 something failed, 2 wrong usage, 3 not the device asked for,
4 the figures are INVALID.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where neither edge_iqa nor benchmarks is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import edge_iqa
from benchmarks import devices, megapixels
from benchmarks.device import Device
from benchmarks.latency_options import CHECKOUT, EXAMPLES, RESULTS
from benchmarks.photos import read_photos
from benchmarks.result_file import read_result
from benchmarks.scales import photos, pixels, processes, screen, threads, views
from benchmarks.scales.part import Found, Setting
from benchmarks.system import System
from edge_iqa import Inspector, backends, files, machine, opencv
from edge_iqa.errors import DataError, EdgeIqaError

KIND, SCHEMA = "scale", 1
PARTS: Mapping[str, Callable[[Setting], Found]] = {
    "pixels": pixels.measure,
    "views": views.measure,
    "threads": threads.measure,
    "processes": processes.measure,
    "photos": photos.measure,
}
QUICK_SIZES = (1.0, 3.0, 12.0)
INVALID = 4


def main(argv: Sequence[str] | None = None, system: System | None = None) -> int:
    """Run the command on this machine (tests hand over another); returns its exit code."""
    system = system or System()
    try:
        known = devices.read_devices()
        options = parse(argv, known)
        if options.draw is not None:
            return _draw_again(options.draw)
        device = devices.find(options.device, known, system)
        if device is None:
            print(devices.refuse(options.device, known, system), file=sys.stderr)
            return 3
        files.make_folder(options.out, "--out")
        result = measure(options, device, system)
        path = files.write_json(_result_path(options, result), result)
    except EdgeIqaError as error:
        print(f"scale.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nscale.py: stopped; nothing was written", file=sys.stderr)
        return 130
    screen.print_result(result)
    print(f"written to {path}")
    _draw(result, path)
    return 0 if result["valid"] else INVALID


def parse(argv: Sequence[str] | None, known: Mapping[str, Device]) -> argparse.Namespace:
    """Read the command line; exits with 2 and says why where it is wrong."""
    parser = argparse.ArgumentParser(
        prog="scale.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--parts", type=read_parts, default=tuple(PARTS), help=f"of {','.join(PARTS)} (all)")
    add("--photos", nargs="+", type=Path, default=[EXAMPLES], help="folders or files (the example photos)")
    add("--megapixels", nargs="+", type=float, help="sizes (1 2 3 6 12 24 48; with --quick 1 3 12)")
    add("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    add("--backend", choices=tuple(backends.RUNTIMES), help="runtime of the model (what is installed)")
    add(
        "--device", choices=tuple(known), default=devices.HOST, help="what this machine must be (%(default)s)"
    )
    add("--cache", type=Path, default=CHECKOUT / ".cache", help="folder of photos and models made (.cache)")
    add("--out", type=Path, default=RESULTS, help="folder for the result (benchmarks/results)")
    add("--quick", action="store_true", help="few rounds and sizes, and a result file of its own")
    add("--draw", type=Path, metavar="RESULT", help="only draw the plot of a result, beside it")
    options = parser.parse_args(argv)
    wanted = options.megapixels or (QUICK_SIZES if options.quick else megapixels.SIZES)
    options.sizes = tuple(sorted(set(wanted)))
    return options


def read_parts(text: str) -> tuple[str, ...]:
    """Names of parts, each once, in the order in which they are measured.

    Raises:
        argparse.ArgumentTypeError: none, or one that is not among `PARTS`.
    """
    names = {name.strip() for name in text.split(",")}
    if wrong := sorted(names - set(PARTS)):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(PARTS)}, got {wrong[0]!r}")
    return tuple(name for name in PARTS if name in names)


def measure(options: argparse.Namespace, device: Device, system: System) -> dict[str, Any]:
    """Measure the parts one after the other; returns what the result file holds.

    Raises:
        EdgeIqaError: a part could not be measured.
    """
    setting = Setting(
        photos=megapixels.list_readable(read_photos(options.photos)),
        sizes=options.sizes,
        bundle=options.bundle and options.bundle.resolve(),  # processes are run from elsewhere
        backend=options.backend,
        cache=options.cache,
        quick=options.quick,
        device=device,
        system=system,
    )
    with Inspector.open(setting.bundle, setting.backend) as inspector:
        bundle, backend = inspector.bundle, inspector.backend
        about = {
            "versions": {
                "edge_iqa": edge_iqa.__version__,
                "numpy": np.__version__,
                "opencv": opencv.load().__version__,
                "backend": backend.version,
            },
            "bundle": {
                "label": bundle.label,
                "manifest_sha256": bundle.manifest_sha256,
                "judging_sha256": bundle.judging_sha256,
            },
        }
    found = {name: PARTS[name](setting) for name in options.parts}
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "device": device.name,
        "measured_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "settings": {
            "quick": options.quick,
            "parts": list(options.parts),
            "megapixels": list(options.sizes),
            "quality": megapixels.QUALITY,
        },
        "smallest": options.sizes[0],
        "largest": options.sizes[-1],
        "machine": machine.describe(),
        **about,
        "valid": all(each.conditions["valid"] for each in found.values()),
        "parts": {name: each.to_dict() for name, each in found.items()},
        "figures": [figure.to_dict() for each in found.values() for figure in each.figures],
    }


def _draw_again(path: Path) -> int:
    """Draw a result that was measured before.

    Raises:
        DataError: it is another one, or not whole.
    """
    result = read_result(path, KIND, (SCHEMA,))
    try:
        return _draw(result, path)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            f"{path}: expected a result as scale.py writes it, got one with other content "
            f"({type(error).__name__}: {error}); measure again"
        ) from error


def _draw(result: Mapping[str, Any], path: Path) -> int:
    """Draw beside the result, where matplotlib is installed."""
    try:
        from benchmarks.scales.plot import draw

        print(f"drawn to {draw(path.with_suffix('.png'), result)}")
    except ImportError:
        print("no plot: matplotlib is not installed; `pip install matplotlib`, then --draw", file=sys.stderr)
    return 0


def _result_path(options: argparse.Namespace, result: Mapping[str, Any]) -> Path:
    # neither a quick look, nor some parts, nor an invalid figure ever takes the place of a measurement
    some = "" if options.parts == tuple(PARTS) else f"-{'-'.join(options.parts)}"
    quick, invalid = "-quick" if options.quick else "", "" if result["valid"] else "-invalid"
    folder: Path = options.out
    return folder / f"scale-{result['device']}{some}{quick}{invalid}.json"


if __name__ == "__main__":
    sys.exit(main())
