"""Distill a teacher into a small student: `python -m compression.distill --data photos.csv`.

The student learns the teacher's scores, their order and which photos it finds alike (Hinton et al.
2015, arXiv:1503.02531; Tung & Mori 2019, arXiv:1907.09682), on views augmented once and shown to
both, and a little from the labels themselves, which correct what the teacher got wrong.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from compression import processes, record, training
from compression.answers import Answers
from compression.batches import (
    Batch,
    count_steps,
    evaluation_batches,
    fit_views,
    training_batches,
    widest,
)
from compression.command import count, positive, run_command
from compression.data import read_photos
from compression.dataset import CACHE, SCENES, VAL_PHOTOS, label_photos, make_dataset
from compression.evaluate import compare_with_labels, compare_with_teacher, predict
from compression.labels import Sample
from compression.losses import channel_norms
from compression.models import ATTRIBUTES, REGISTRY, build, with_outputs
from compression.models.heads import FUSIONS, Outputs, QualityNet
from compression.models.server import ServerTeacher
from compression.models.weights import load, load_teacher, save, start_from_imagenet
from compression.objective import Weights
from compression.progress import console, track
from compression.recipe import TrainConfig
from compression.training import Job, Scores
from edge_iqa.views import ViewSpec

if TYPE_CHECKING:
    from compression.fake_int8 import FakeInt8

REFERENCE = Path(__file__).parent / "reference"
_QUICK = TrainConfig(epochs=2, photos_per_step=8, learning_rate=3e-4)
_QUICK_LIMITS = (64, 12)
_RANGE_PHOTOS = 48
"""Training photos to find the ranges of int8 on, before the first step."""


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(distill, make_parser().parse_args(argv))


def make_parser() -> argparse.ArgumentParser:
    """The options: what goes in and out first, then how to train, then the student, then the loss."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.distill",
        description="Distill a teacher into a MobileNet student. With no option at all: the reference teacher, "
        "the committed student as the start, example and drawn photos.",
    )
    parser.add_argument(
        "--data", type=Path, help="CSV (path; optionally split, group, label 0-1) or a folder of photos"
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        default=REFERENCE / "teacher.safetensors",
        help="ours, or a server ResNet (.safetensors, .pt); default: the reference",
    )
    parser.add_argument(
        "--student",
        choices=sorted(REGISTRY),
        help="architecture; default: mobilenet_v2, or what --start holds",
    )
    parser.add_argument(
        "--start",
        default="reference",
        help="reference (default), imagenet, random, or a student's .safetensors",
    )
    parser.add_argument(
        "--weights", type=Path, help="with --start imagenet: folder of npz; default: torchvision's"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/student"), help="all results; default: %(default)s"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=CACHE,
        help="renderings, metrics and the teacher's answers; default: %(default)s",
    )
    parser.add_argument("--epochs", type=positive, help=f"default: {TrainConfig.epochs}")
    parser.add_argument(
        "--small-epochs",
        type=count,
        default=0,
        metavar="N",
        help=f"of the epochs, so many first ones at {TrainConfig.small_px} px",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        help=f"at its peak; lower to go on from a trained student; default: {TrainConfig.learning_rate}, or "
        f"{_QUICK.learning_rate} with --quick",
    )
    parser.add_argument(
        "--frozen",
        type=count,
        metavar="N",
        help="first blocks of the backbone that stay as they are; default: the architecture's, 0 from random weights",
    )
    parser.add_argument(
        "--sparsity",
        type=float,
        default=0.0,
        metavar="WEIGHT",
        help="of the norms of the backbone's channels in the loss, so that pruning finds some that are near zero; "
        "1e-5 is a start; default: %(default)s",
    )
    parser.add_argument(
        "--aware",
        action="store_true",
        help="compute the student's convolutions in int8 steps while it learns; see compression.aware",
    )
    parser.add_argument("--limit", type=positive, help="use at most so many training photos")
    parser.add_argument(
        "--scenes",
        type=count,
        help="scenes added to the training photos, and as many enlarged photos and a quarter as many pairs of one "
        f"scene on white and on gray; default: {SCENES} where --data is given, 0 without it and with --quick",
    )
    parser.add_argument(
        "--unlabeled", type=Path, help="CSV or folder of more photos, which only the teacher judges"
    )
    parser.add_argument("--width", type=float, help="of a fresh student's channels; default: 1.0")
    parser.add_argument(
        "--size", type=positive, metavar="PX", help="side of the views; default: the teacher's"
    )
    parser.add_argument("--details", type=int, metavar="N", help="detail views; default: the teacher's")
    parser.add_argument(
        "--fusion", choices=FUSIONS, help="how a fresh student's views come together; default: split"
    )
    parser.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="weight of a part of the loss: score, rank, difference, feature, category, copy, embedding, label",
    )
    parser.add_argument(
        "--output-range",
        type=float,
        nargs=2,
        default=(0.0, 1.0),
        metavar=("WORST", "BEST"),
        help="of a server teacher with one regression output; default: 0 1",
    )
    parser.add_argument(
        "--label-weight", type=float, default=0.3, help="weight of the labels; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--quick", action="store_true", help="about three minutes on two cores: few photos, two epochs"
    )
    parser.add_argument("--resume", action="store_true", help="go on where a killed run stopped")
    return parser


@processes.joined()
def distill(options: argparse.Namespace) -> None:
    """Train the student, keep the epoch that did best on val, write model, record and curve."""
    config, limits, scenes = _settings(options)
    weights = Weights.read(options.weight, options.label_weight)
    if not 0 <= options.sparsity < math.inf:
        raise ValueError(f"--sparsity: expected a number from 0 up, got {options.sparsity}")
    if options.aware and options.sparsity:
        raise ValueError(
            "--aware: prune first; a student that learns in int8 steps has no channels to thin out"
        )
    torch.manual_seed(config.seed)
    teacher, teacher_sha256 = load_teacher(options.teacher, options.output_range)
    with processes.first_prepares():
        known = teacher.categories or None
        data = make_dataset(options.data, ATTRIBUTES, options.cache, limits, scenes, known)
        unlabeled = _read_unlabeled(options, data.photos)
        student, start = _start(options, teacher, data.categories)
    _say_what(options, start)
    fake = _round(student, data.train) if options.aware else None
    device = processes.pick_device()
    student.to(device), teacher.to(device, memory_format=torch.channels_last)
    samples = [sample for photo in data.val for sample in photo]
    ask = Answers(teacher, (teacher_sha256, *options.output_range), options.cache)
    truth = processes.on_first(lambda: predict(teacher, samples, ask))
    about = {
        **data.describe(),
        "unlabeled_photos": len(unlabeled),
        "teacher": options.teacher.name,
        "teacher_sha256": teacher_sha256,
        "start": start,
        "weights": asdict(weights),
        **({"sparsity": options.sparsity} if options.sparsity else {}),
        **({"aware": True} if fake else {}),
    }
    spec = widest(student.spec, teacher.spec)

    def loss(batch: Batch, out: Outputs) -> Tensor:
        total = weights.total(batch, out, ask(fit_views(batch.views, teacher.spec)))
        return total + options.sparsity * channel_norms(student.backbone) if options.sparsity else total

    def evaluate() -> Scores:
        with nullcontext() if fake is None else fake.fixed_ranges():
            scores = predict(student, samples)
        return {**compare_with_labels(scores, samples), **compare_with_teacher(scores, truth)}

    path = options.out / "student.safetensors"
    train = [*data.train, *unlabeled]
    job = Job(
        student,
        loss,
        lambda epoch, first: training_batches(train, spec, config, epoch, first),
        count_steps(len(train), config.photos_per_step),
        evaluate,
        lambda scores: save(
            student if fake is None else fake.to_plain(), path, {"run": {**about, "val": scores}}, half=True
        ),
        about,
    )
    state = training.fit(job, config, options.out, options.resume)
    if not processes.is_first():
        return
    record.write_record(options.out, "compression.distill", config, state, about)
    shown = ("srcc_teacher", "srcc_labels", "pair_order", "across_order")
    record.plot_curve(options.out / "curve.png", "student", state, shown)
    training.finish(options.out)
    first, best = state.evaluations[0], max(state.evaluations, key=lambda scores: scores["objective"])
    console.print(
        f"SRCC with the teacher on val: {first['srcc_teacher']:.3f} before, {best['srcc_teacher']:.3f} after; "
        f"mean difference {first['mae_teacher']:.3f} before, {best['mae_teacher']:.3f} after\n"
        f"wrote {path}, run.json and curve.png in {options.out}",
    )


def _settings(
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


def _read_unlabeled(options: argparse.Namespace, first: int) -> list[list[Sample]]:
    """Samples of photos that only the teacher judges."""
    if options.unlabeled is None:
        return []
    photos = [replace(photo, split="train") for photo in read_photos(options.unlabeled)]
    found = label_photos(photos, ATTRIBUTES, options.cache, labelled=False)
    return [[replace(sample, photo=sample.photo + first) for sample in photo] for photo in found if photo]


def _start(
    options: argparse.Namespace, teacher: QualityNet | ServerTeacher, categories: tuple[str, ...]
) -> tuple[QualityNet, str]:
    """The student before training, and a sentence on where it comes from."""
    if options.weights is not None and options.start != "imagenet":
        raise ValueError(f"--weights: ImageNet weights are for --start imagenet, not {options.start}")
    if options.start in ("imagenet", "random"):
        spec = ViewSpec(options.size or teacher.spec.size_px, teacher.spec.detail, teacher.spec.long_side_px)
        if options.details is not None:
            spec = replace(spec, detail=options.details)
        net = build(
            options.student or "mobilenet_v2",
            spec=spec,
            categories=categories,
            width=1.0 if options.width is None else options.width,
            fusion=options.fusion or "split",
        )
        fresh = start_from_imagenet(net, options.weights) if options.start == "imagenet" else "random weights"
        return net, fresh
    path = REFERENCE / "student.safetensors" if options.start == "reference" else Path(options.start)
    net, _ = load(path)
    fixed = {"--student": (options.student, net.architecture), "--size": (options.size, net.spec.size_px)}
    fixed["--details"] = (options.details, net.spec.detail)
    fixed |= {"--width": (options.width, net.width), "--fusion": (options.fusion, net.fusion)}
    for option, (asked, held) in fixed.items():
        if asked not in (None, held):
            raise ValueError(f"{option} {asked}: {path} holds {held}; use --start imagenet or random")
    if net.attributes != ATTRIBUTES:
        raise ValueError(f"{path}: expected the attributes {ATTRIBUTES}, it has {net.attributes}")
    if net.categories != categories:
        net = with_outputs(net, categories)
    return net, f"{path.name} ({net.architecture})"


def _round(student: QualityNet, photos: Sequence[Sequence[Sample]]) -> FakeInt8:
    """Let a student compute in int8 steps, with ranges from clean photos and every fault in turn."""
    from compression.fake_int8 import FakeInt8  # torchao takes seconds to import

    chosen = [variants[place % len(variants)] for place, variants in enumerate(photos[:_RANGE_PHOTOS])]
    batches = track(evaluation_batches(chosen, student.spec, 1), len(chosen), "ranges of int8")
    return FakeInt8(student, [batch.views[0].numpy() for batch in batches])


def _say_what(options: argparse.Namespace, start: str) -> None:
    console.print(f"teacher {options.teacher.name}, student starts from {start}")
    if options.data is None:
        console.print(
            "no --data given: training on the example photos and on photos drawn by code, to show the path. "
            "For a student of your own give --data photos.csv (columns path, split, group, label; only path "
            "is needed) or --data FOLDER.",
        )


if __name__ == "__main__":
    raise SystemExit(main())
