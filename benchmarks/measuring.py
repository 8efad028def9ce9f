"""Are the measurements true? `python benchmarks/measuring.py`

Drawn listings with known truth (`compression.listings`, held-out seeds) are inspected from their encoded bytes by the
installed bundle and the policy for everybody, and what is said of them is held to the bounds of the design. Real
photos, shrunk to sharp originals and enlarged, join where `--data` gives some. Writes `measuring-host.json`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import measured
from benchmarks.accuracy import show
from benchmarks.cases import Case, measure_all, plan, plan_photos
from benchmarks.figures import Figure
from compression import listings
from compression.command import positive, run_command
from compression.data import hash_photos, read_photos, select
from compression.progress import console
from edge_iqa import machine
from edge_iqa.errors import DataError
from edge_iqa.files import write_json

RESULTS = Path(__file__).parent / "results"
_FIRST_PHOTO = 900_000
"""Seeds of real photos lie this far behind the first seed of listings."""

CODES = {
    "border": "BORDER",
    "overlay": "OVERLAY",
    "collage": "COLLAGE",
    "screenshot": "SCREENSHOT",
    "cut_off": "CUT_OFF",
    "upscaled": "UPSCALED",
    "over": "TOO_BRIGHT",
    "under": "TOO_DARK",
}
"""Call → the cause or hint that makes it, by the policy for everybody."""


def _has(code: str) -> Callable[[Case], bool]:
    return lambda case: code in case.codes


CALLS: measured.Calls = {
    **{call: _has(code) for call, code in CODES.items()},
    "several": lambda case: case.values.get("products", 1) > 1,
}
"""What a seller is told; several products are no fault, and only measured."""


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        description="Measure drawn listings with known truth (outline, fill, cut-off, border, overlay, collage, "
        "enlargement, exposure ...) and hold the measurements to their bounds."
    )
    parser.add_argument(
        "--scenes",
        type=positive,
        default=500,
        help="photos on legal white; the other questions get as many or half as many, about nine times as many "
        "in all; default: %(default)s",
    )
    parser.add_argument(
        "--data", type=Path, help="CSV of real photos with splits, to enlarge; default: drawn ones alone"
    )
    parser.add_argument(
        "--split", choices=("val", "test"), default="test", help="of --data; default: %(default)s"
    )
    parser.add_argument(
        "--seeds",
        choices=("development", "held out"),
        default="held out",
        help="which listings: what is published comes from held-out ones; default: %(default)s",
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder of the result; default: %(default)s"
    )
    return run_command(bench, parser.parse_args(argv))


def bench(options: argparse.Namespace) -> None:
    """Draw, measure, write the result, print the table."""
    seeds = listings.seeds(options.seeds)
    tasks = plan(options.scenes, seeds)
    if len(tasks) > _FIRST_PHOTO:
        raise DataError(
            f"--scenes {options.scenes}: expected at most {_FIRST_PHOTO // 10}, so that seeds suffice"
        )
    photos = [] if options.data is None else select(read_photos(options.data), options.split)
    if options.data is not None and not photos:
        raise DataError(
            f"{options.data}: no photo in split {options.split!r}; give more photos, or a `split` column"
        )
    cases = measure_all([*tasks, *plan_photos(photos, seeds.start + _FIRST_PHOTO)])
    found = judge(cases, CALLS)
    result = {
        "what": "figures of the measurements that need no model, on listings with known truth, from encoded bytes",
        "seeds": options.seeds,
        "scenes": options.scenes,
        "listings": len(tasks),
        "photos": len(photos),
        "split": options.split if photos else None,
        "data_sha256": hash_photos(photos) if photos else None,
        "calls": CODES,
        "figures": [figure.to_dict() for figure in found],
        "machine": machine.describe(),
    }
    path = write_json(options.out / "measuring-host.json", result)
    show(found)
    console.print(f"wrote {path}")


def judge(cases: Sequence[Case], calls: measured.Calls) -> list[Figure]:
    """All figures of measured listings."""
    return [
        *measured.outlines(cases),
        *measured.fills(cases),
        *measured.cut_offs(cases, calls),
        *measured.additions(cases, calls),
        *measured.several(cases, calls),
        *measured.leans(cases),
        *measured.resolutions(cases, calls),
        *measured.exposures(cases, calls),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
