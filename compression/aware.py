"""Student → one that int8 costs less: `python -m compression.aware --data photos.csv`.

Quantization-aware training, for where post-training quantization misses its target with all the layers
in float that a device can bear. It is a short distillation at a low rate in which the student computes
as int8 will (`compression.fake_int8`): the teacher's scores, not the student's own, say what is right.
What comes out is a student like any other, for `compression.quantize`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from compression import distill
from compression.command import positive, run_command
from compression.dataset import CACHE
from compression.distill_check import check_passed_on
from compression.distill_options import REFERENCE, to_arguments
from compression.models.weights import load, read_output_range
from edge_iqa.errors import EdgeIqaError


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(train_aware, make_parser().parse_args(argv))


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.aware",
        description="Distill a student a little more while its convolutions compute in steps of int8, so that "
        "int8 costs it less. Writes student.safetensors, run.json and curve.png. What stands behind -- goes to "
        "compression.distill, for example -- --limit 2400 --scenes 460 --small-epochs 1.",
    )
    parser.add_argument(
        "--student", type=Path, default=REFERENCE / "student.safetensors", help="default: %(default)s"
    )
    parser.add_argument(
        "--teacher", type=Path, default=REFERENCE / "teacher.safetensors", help="default: %(default)s"
    )
    parser.add_argument("--data", type=Path, help="CSV or folder; default: example and drawn photos")
    parser.add_argument("--epochs", type=positive, default=2, help="default: %(default)s")
    parser.add_argument(
        "--learning-rate",
        type=float,
        default=1e-4,
        help="at its peak, a third of it for convolutions; default: %(default)s",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/aware"), help="default: %(default)s")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument("--resume", action="store_true", help="go on where a killed run stopped")
    parser.add_argument("distill", nargs="*", metavar="-- OPTION", help="options of compression.distill")
    return parser


def train_aware(options: argparse.Namespace) -> None:
    """Distill with fake quantization.

    Raises:
        ValueError, CheckpointError, DataError: as `check`.
        EdgeIqaError: the distillation failed; its own message stands above.
    """
    check(options)
    if distill.main([*_set_here(options), *options.distill]):
        raise EdgeIqaError("aware: the distillation failed")


def check(options: argparse.Namespace) -> None:
    """Refuse options that cannot work, those behind `--` among them.

    Raises:
        ValueError, CheckpointError, DataError: as `compression.distill_check` raises them.
    """
    check_passed_on(_set_here(options), options.distill)


def _set_here(options: argparse.Namespace) -> list[str]:
    output_range = read_output_range(load(options.student)[1], options.student)
    named = {
        "--start": options.student,
        "--teacher": options.teacher,
        "--epochs": options.epochs,
        "--learning-rate": options.learning_rate,
        "--out": options.out,
        "--cache": options.cache,
        "--data": options.data,
        "--output-range": None if output_range == (0.0, 1.0) else output_range,
    }
    return [*to_arguments(named), "--aware", *(["--resume"] if options.resume else [])]


if __name__ == "__main__":
    raise SystemExit(main())
