"""The options of a distillation, and what they mean for its training."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from compression.command import count, positive
from compression.dataset import CACHE, SCENES, VAL_PHOTOS
from compression.models import REGISTRY
from compression.models.heads import FUSIONS
from compression.train_config import TrainConfig

REFERENCE = Path(__file__).parent / "reference"
_QUICK = TrainConfig(epochs=2, photos_per_step=8, learning_rate=3e-4)
_QUICK_LIMITS = (64, 12)


def make_parser() -> argparse.ArgumentParser:
    """The options, in groups: what goes in and out, the student, how it is trained, what it learns."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.distill",
        description="Distill a teacher into a MobileNet student. With no option at all: the reference teacher, "
        "the committed student as the start, example and drawn photos.",
    )
    _add_files(parser.add_argument_group("what goes in and out"))
    _add_student(parser.add_argument_group("the student"))
    _add_training(parser.add_argument_group("how it is trained"))
    _add_loss(parser.add_argument_group("what it learns"))
    return parser


def read_settings(
    options: argparse.Namespace,
) -> tuple[TrainConfig, tuple[int | None, int | None], tuple[int, int]]:
    """Training settings, limits of photos and numbers of scenes, each for train and val."""
    base = _QUICK if options.quick else TrainConfig()
    epochs = options.epochs or base.epochs
    trained = options.start != "random"
    config = TrainConfig(
        **{
            **vars(base),
            "epochs": epochs,
            "learning_rate": base.learning_rate if options.learning_rate is None else options.learning_rate,
            "seed": options.seed,
            "small_epochs": options.small_epochs,
            "fixed_norm": trained,
            "frozen": options.frozen if trained and not options.aware else 0,
        }
    )
    scenes = options.scenes
    if scenes is None:
        scenes = SCENES if options.data is not None and not options.quick else 0
    limits = (
        (options.limit or _QUICK_LIMITS[0], _QUICK_LIMITS[1])
        if options.quick
        else (options.limit, VAL_PHOTOS)
    )
    return config, limits, (scenes, scenes // 10)


def to_arguments(named: Mapping[str, object]) -> list[str]:
    """Options by name, as a command line of `make_parser` has them; those of None are left out."""
    given = ((name, value) for name, value in named.items() if value is not None)
    return [
        str(part)
        for name, value in given
        for part in (name, *(value if isinstance(value, tuple) else (value,)))
    ]


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data", type=Path, help="CSV (path; optionally split, group, label 0-1) or a folder of photos"
    )
    group.add_argument(
        "--unlabeled", type=Path, help="CSV or folder of more photos, which only the teacher judges"
    )
    group.add_argument("--limit", type=positive, help="use at most so many training photos")
    group.add_argument(
        "--scenes",
        type=count,
        help="scenes added to the training photos, and as many enlarged photos and a quarter as many pairs of one "
        f"scene on white and on gray; default: {SCENES} where --data is given, 0 without it and with --quick",
    )
    group.add_argument(
        "--teacher",
        type=Path,
        default=REFERENCE / "teacher.safetensors",
        help="ours, or a server ResNet (.safetensors, .pt); default: the reference",
    )
    group.add_argument(
        "--output-range",
        type=float,
        nargs=2,
        default=(0.0, 1.0),
        metavar=("WORST", "BEST"),
        help="of a server teacher with one regression output; default: 0 1",
    )
    group.add_argument(
        "--out", type=Path, default=Path("runs/student"), help="all results; default: %(default)s"
    )
    group.add_argument(
        "--cache",
        type=Path,
        default=CACHE,
        help="renderings, metrics and the teacher's answers; default: %(default)s",
    )
    group.add_argument("--resume", action="store_true", help="go on where a killed run stopped")


def _add_student(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--student",
        choices=sorted(REGISTRY),
        help="architecture; default: mobilenet_v2, or what --start holds",
    )
    group.add_argument(
        "--start",
        default="reference",
        help="reference (default), imagenet, random, or a student's .safetensors",
    )
    group.add_argument(
        "--weights", type=Path, help="with --start imagenet: folder of npz; default: torchvision's"
    )
    group.add_argument("--width", type=float, help="of a fresh student's channels; default: 1.0")
    group.add_argument(
        "--size", type=positive, metavar="PX", help="side of the views; default: the teacher's"
    )
    group.add_argument("--details", type=int, metavar="N", help="detail views; default: the teacher's")
    group.add_argument(
        "--fusion", choices=FUSIONS, help="how a fresh student's views come together; default: split"
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--epochs", type=positive, help=f"default: {TrainConfig.epochs}")
    group.add_argument(
        "--small-epochs",
        type=count,
        default=0,
        metavar="N",
        help=f"of the epochs, so many first ones at {TrainConfig.small_px} px",
    )
    group.add_argument(
        "--learning-rate",
        type=float,
        help=f"at its peak; lower to go on from a trained student; default: {TrainConfig.learning_rate}, or "
        f"{_QUICK.learning_rate} with --quick",
    )
    group.add_argument(
        "--frozen",
        type=count,
        metavar="N",
        help="first blocks of the backbone that stay as they are; default: the architecture's, 0 from random weights",
    )
    group.add_argument(
        "--aware",
        action="store_true",
        help="compute the student's convolutions in int8 steps while it learns; see compression.aware",
    )
    group.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    group.add_argument(
        "--quick", action="store_true", help="about three minutes on two cores: few photos, two epochs"
    )


def _add_loss(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="weight of a part of the loss: score, rank, difference, feature, category, copy, embedding, label",
    )
    group.add_argument(
        "--label-weight", type=float, default=0.3, help="weight of the labels; default: %(default)s"
    )
    group.add_argument(
        "--follow",
        type=Path,
        metavar="STUDENT",
        help="the student that --start was cut from: what its blocks give is learned too",
    )
    group.add_argument(
        "--follow-weight",
        type=float,
        default=3.0,
        metavar="WEIGHT",
        help="of that in the loss; default: %(default)s",
    )
    group.add_argument(
        "--sparsity",
        type=float,
        default=0.0,
        metavar="WEIGHT",
        help="of the norms of the backbone's channels in the loss, so that pruning finds some that are near zero; "
        "1e-5 is a start; default: %(default)s",
    )
