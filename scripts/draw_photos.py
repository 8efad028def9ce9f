"""Draw photos by code, clean and spoiled, to compare runtimes on: `python scripts/draw_photos.py --out DIR`.

Scenes of `compression.scenes`, each clean and with every fault of `compression.degradations`. They prove that
two runtimes agree, not that either is right: training knows such scenes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from a checkout

from compression import scenes
from compression.command import positive, run_command
from compression.degradations import FAULTS, degrade
from compression.progress import track
from edge_iqa.files import write_bytes

SIZES_PX = ((480, 640), (320, 240), (600, 600))
"""Height and width, in turn."""
_FIRST_SEED = 91_000


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the script; see `--help`."""
    parser = argparse.ArgumentParser(description="Draw photos by code, clean and spoiled.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the photos")
    parser.add_argument(
        "--scenes",
        type=positive,
        default=20,
        help=f"each gives {1 + len(FAULTS)} photos; default: %(default)s",
    )
    return run_command(draw, parser.parse_args(argv))


def draw(options: argparse.Namespace) -> None:
    """Draw all photos."""
    for number in track(range(options.scenes), options.scenes, "scenes"):
        for name, content in spoil(number):
            write_bytes(options.out / f"{number:03d}-{name}.jpg", content)
    print(f"wrote {options.scenes * (1 + len(FAULTS))} photos to {options.out}")


def spoil(number: int) -> Iterator[tuple[str, bytes]]:
    """Name and JPEG of every rendering of scene `number`. The same on every machine with one OpenCV."""
    height_px, width_px = SIZES_PX[number % len(SIZES_PX)]
    pixels = scenes.draw(_FIRST_SEED + number, height_px, width_px).pixels
    rng = np.random.default_rng(_FIRST_SEED + number)
    yield "clean", degrade(pixels, [], rng)
    for fault in FAULTS:
        yield fault, degrade(pixels, [(fault, float(rng.uniform(0.1, 1)))], rng)


if __name__ == "__main__":
    raise SystemExit(main())
