"""The bundle's model with other numbers of views, as int8: `python benchmarks/view_models.py --out DIR --photos DIR`

A model file takes a fixed number of views; the student that it was made from takes any, as one backbone sees each and
the details are averaged. So it is exported anew for each count, with ranges from some photos: it costs what a trained
model of so many views costs, and its scores are nobody's. Writes `views-N.int8.RUNTIME`, those that are missing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.float_files import check_student
from benchmarks.photos import pick, read_photos
from compression.artifacts import export_models, make_quantizer
from compression.command import positive, run_command
from compression.distill_options import REFERENCE
from compression.equalize import equalize
from compression.models.weights import load
from edge_iqa import image, views
from edge_iqa.bundle import Bundle
from edge_iqa.files import make_folder, write_bytes
from edge_iqa.manifest import RUNTIMES

_PHOTOS = 6
_METHOD = "min_max"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="view_models.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    add("--student", type=Path, default=REFERENCE / "default.safetensors", help="its student (%(default)s)")
    add("--counts", nargs="+", type=positive, required=True, help="numbers of views, from 2")
    add("--runtime", choices=RUNTIMES, required=True)
    add("--photos", nargs="+", type=Path, required=True, help="folders or files, for the ranges")
    add("--out", type=Path, required=True, help="folder of the models")
    return run_command(make, parser.parse_args(argv))


def make(options: argparse.Namespace) -> None:
    """Make the models that are missing.

    Raises:
        DataError: the student is another one than the bundle's, or the photos cannot be read.
        CheckpointError: the student cannot be read.
    """
    make_folder(options.out, "--out")
    sha256 = check_student(Bundle.open(options.bundle), options.student)
    photos = pick(read_photos(options.photos), _PHOTOS)
    for count in options.counts:
        path = options.out / f"views-{count}.int8.{options.runtime}"
        if path.is_file():
            continue
        student = load(options.student)[0]
        student.spec = replace(student.spec, detail=count - 1)
        seen = [
            views.cut(image.read(photo.data, long_side_px=student.spec.long_side_px), student.spec)
            for photo in photos
        ]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            files = export_models(equalize(student, seen), sha256, folder, "evened")
            quantizer = make_quantizer(
                options.runtime, files[f"model.evened.{options.runtime}"], seen, folder
            )
            write_bytes(path, quantizer.quantize(_METHOD))


if __name__ == "__main__":
    raise SystemExit(main())
